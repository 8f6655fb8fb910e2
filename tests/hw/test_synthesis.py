"""Tests of synthesis: one design that breaks each rule once, and one that breaks none.

Yosys takes some seconds a run, so there are two whole runs only.
"""

import json
from pathlib import Path

import pytest
from netlist_design import Design

from zynq_lstm.hw.mapping import KEPT
from zynq_lstm.hw.synthesis import SynthesisReport, examine, synthesize

FAULTY = """
(* keep_hierarchy = "yes" *)
module wide(input clk, input sel, input [69:0] d, output reg [69:0] q);
  reg held;
  always @(posedge clk) begin
    held <= sel;
    if (held) q <= d;
  end
endmodule

(* keep_hierarchy = "yes" *)
module gate(input a, input b, output y);
  assign y = a ^ b;
endmodule

(* keep_hierarchy = "yes" *)
module deep(input clk, input a, input b, output reg q);
  wire [5:0] step;
  reg from, other;
  assign step[0] = from;
  genvar k;
  generate for (k = 0; k < 5; k = k + 1) begin : stage
    gate gate(step[k], other, step[k + 1]);
  end endgenerate
  always @(posedge clk) begin
    from <= a;
    other <= b;
    q <= step[5];
  end
endmodule

(* keep_hierarchy = "yes" *)
module adder(input clk, input [35:0] a, input [35:0] b, output reg [35:0] sum);
  reg [35:0] x, y;
  always @(posedge clk) begin
    x <= a;
    y <= b;
    sum <= x + y;
  end
endmodule

(* keep_hierarchy = "yes" *)
module multiplier(input clk, input signed [15:0] a, input signed [15:0] b,
                  output reg signed [31:0] p);
  reg signed [15:0] x, y;
  always @(posedge clk) begin
    x <= a;
    y <= b;
    p <= x * y;
  end
endmodule

(* keep_hierarchy = "yes" *)
module bank(input clk, input we, input [8:0] address, input [63:0] d, output reg [63:0] q);
  reg [63:0] words [0:511];
  always @(posedge clk) begin
    if (we) words[address] <= d;
    q <= words[address];
  end
endmodule

(* keep_hierarchy = "yes" *)
module region(input clk, input we, input [8:0] address, input [63:0] d, output [63:0] q0,
              output [63:0] q1);
  reg [8:0] shared;
  always @(posedge clk) shared <= address;
  bank bank0(clk, we, shared, d, q0);
  bank bank1(clk, we, shared, d, q1);
endmodule

(* keep_hierarchy = "yes" *)
module tree(input clk, input [1:0] d, output reg [1:0] q);
  reg [1:0] a, b, c;
  always @(posedge clk) begin
    a <= d;
    b <= a;
    c <= b;
    q <= c;
  end
endmodule

module faulty(input clk, input we, input [69:0] d, output [69:0] wide, output deep,
              output [35:0] sum, output [31:0] product, output [63:0] q0, output [63:0] q1,
              output [1:0] late);
  wide fan(clk, we, d, wide);
  deep logic(clk, d[0], d[1], deep);
  adder adder(clk, d[35:0], d[69:34], sum);
  multiplier multiplier(clk, d[15:0], d[31:16], product);
  region region(clk, we, d[8:0], d[63:0], q0, q1);
  tree tree(clk, d[1:0], late);
endmodule
"""

CLEAN_BANK = """
(* keep_hierarchy = "yes" *)
module bank(input clk, input we, input [8:0] address, input [63:0] d, output reg [63:0] q);
  reg [63:0] words [0:511];
  reg [8:0] own;
  reg write;
  reg [63:0] word;
  initial $readmemh("words.hex", words);
  always @(posedge clk) begin
    own <= address;
    write <= we;
    word <= d;
    if (write) words[own] <= word;
    q <= words[own];
  end
endmodule
"""

CLEAN = """
module clean(input aclk, input aresetn, input we, input [8:0] address, input [63:0] d,
             input [4:0] place, output [63:0] q0, output [63:0] q1,
             output reg signed [31:0] product, output reg [7:0] read, output reg [31:0] sum,
             output reg [59:0] state);
  bank bank0(aclk, we, address, d, q0);
  bank bank1(aclk, we, address, d, q1);

  reg signed [15:0] x, y;
  reg signed [31:0] m;
  always @(posedge aclk) begin
    x <= d[15:0];
    y <= d[31:16];
    m <= x * y;
    product <= m;
  end

  reg [7:0] lines [0:31];
  always @(posedge aclk) begin
    if (we) lines[address[4:0]] <= d[7:0];
    read <= lines[place];
  end

  always @(posedge aclk) sum <= d[31:0] + d[63:32];

  reg rst0, rst1;
  always @(posedge aclk) begin
    rst0 <= !aresetn;
    rst1 <= rst0;
  end
  always @(posedge aclk) if (rst1) state <= 0; else state <= {state[58:0], we ^ state[59]};
endmodule
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("synthesis")


@pytest.fixture(scope="module")
def faulty(folder: Path) -> SynthesisReport:
    path = folder / "faulty.v"
    path.write_text(FAULTY, encoding="utf-8")
    return synthesize([path], "faulty")


def test_each_fault_is_told(faulty: SynthesisReport) -> None:
    told = [
        (violation.split(",")[0], violation.partition(", ")[2]) for violation in faulty.violations
    ]
    expected = [
        (
            "A net must drive at most 64 loads",
            "but fan.held drives 70, pins of 70 cells such as fan.q[",
        ),
        ("A path must pass at most 4 LUTs", "not 5 LUT on logic."),
        (
            "A path through a carry chain must pass at most 1 LUT and 8 CARRY4",
            "not 1 LUT and 9 CARRY4 on adder.",
        ),
        (
            "A DSP48E1 must register its operands",
            "its product and its result, but multiplier.$mul$",
        ),
        (
            "A weight memory must be addressed by registers of its bank alone",
            "but 18 address pins of region.bank0.words.0.0 come from region.shared, which lies in "
            "region (the first of 2 alike)",
        ),
    ]
    assert len(told) == len(expected), faulty.violations
    for (rule, place), (expected_rule, expected_place) in zip(told, expected, strict=True):
        assert rule == expected_rule
        assert place.startswith(expected_place)
    assert faulty.violations[1].endswith("> logic.stage[4].gate.y > logic.q (FDRE D)")
    assert " > CARRY4 > adder.sum[3" in faulty.violations[2]


def test_faulty_design_in_numbers(faulty: SynthesisReport) -> None:
    report = json.loads(json.dumps(faulty.to_json()))
    # 35 sum bits and the first carry take a LUT each, the path 5, the shift registers 2.
    assert report["LUT"] == 36 + 5 + 2
    # fan 71, logic 3, adder 108, region 9, multiplier and memories none.
    assert report["FF"] == 71 + 3 + 108 + 9
    assert (report["DSP48E1"], report["RAMB36"], report["CARRY4"]) == (1, 2, 9)
    assert (report["SRL"], report["LUTRAM"]) == (2, 0)
    assert (report["max_fanout"], report["max_fanout_net"]) == (70, "fan.held")
    assert report["widest_nets"][0] == {"net": "fan.held", "loads": 70}
    assert report["max_logic_levels"] == 5
    assert report["max_carry_path"] == {"luts": 1, "carry4": 9}
    assert report["srl_by_instance"] == {"tree": 2}
    assert report["ff_by_instance"] == {"adder": 108, "fan": 71, "logic": 3, "region": 9}
    assert report["weight_banks"] == 2


def test_clean_design_has_no_violation(folder: Path) -> None:
    (folder / "one").mkdir()
    (folder / "two").mkdir()
    files = [folder / "one" / "unit.v", folder / "two" / "unit.v", folder / "words.hex"]
    files[0].write_text(CLEAN_BANK, encoding="utf-8")
    files[1].write_text(CLEAN, encoding="utf-8")
    files[2].write_text("0123456789abcdef\n" * 512, encoding="utf-8")
    lines: list[str] = []
    kept = folder / "kept"
    found = synthesize(files, "clean", report=lines.append, keep=kept)

    assert found.violations == ()
    assert found.notes == ()
    report = json.loads(json.dumps(found.to_json()))
    assert (report["top"], report["device"]) == ("clean", "XC7Z020")
    assert (report["DSP48E1"], report["RAMB36"]) == (1, 2)
    # 32 LUTs add, 2 RAM32M remember 4 x 2 bits of 8, one inverts the reset, one feeds state.
    assert (report["LUT"], report["LUTRAM"], report["SRL"]) == (32 + 8 + 2, 8, 0)
    # In each bank 9 + 1 + 64; the top: 60 state, 32 sum, 8 read, 2 reset.
    assert report["ff_by_instance"] == {"": 102, "bank0": 74, "bank1": 74}
    assert report["FF"] == 102 + 2 * 74
    assert report["percent"]["DSP48E1"] == pytest.approx(100 / 220, abs=0.05)
    assert report["percent"]["RAMB36"] == pytest.approx(200 / 140, abs=0.05)
    assert report["max_carry_path"] == {"luts": 1, "carry4": 8}
    assert report["max_logic_levels"] == 1
    assert (report["max_fanout"], report["max_fanout_net"]) == (60, "rst1")
    assert report["clock_nets"] == ["aclk"]
    assert (report["weight_banks"], report["weight_memories"]) == (2, 2)

    assert {path.name for path in kept.iterdir()} == set(KEPT)
    assert "keep_hierarchy" in (kept / "synth.ys").read_text(encoding="utf-8")
    assert any("ABC9" in line for line in lines), "the log must be followed beyond ABC"
    assert lines[-1].startswith("Examining ")


def test_device_must_suffice() -> None:
    design = Design()
    for _ in range(141):
        design.cell("RAMB36E1", O=design.nets(1))
    found = examine(design.netlist(), "many")
    assert found.violations == (
        "The design must fit into the XC7Z020, but takes 141 RAMB36 of 140",
    )
    assert len(found.notes) == 1
    assert found.notes[0].startswith("No block memory lies in an instance whose name matches")
