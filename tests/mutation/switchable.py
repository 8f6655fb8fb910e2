"""One netlist with all faults, of which a number chooses one; 0 is none.

Yosys plants those of bits, each behind a comparison with the number. Stages are put into the
Verilog that it writes.
"""

import re
from pathlib import Path

from mutation.faults import STAGES, Fault
from mutation.netlist import Netlist, yosys

from zynq_lstm.hw.verilog import TOP

BITS = 12
"""Of a fault's number."""
NUMBER = "fault"
_CHOICE = f"""
  import "DPI-C" function int zl_fault();
  reg [{BITS - 1}:0] {NUMBER} = 0;
  initial {NUMBER} = zl_fault();
"""


def switchable(folder: Path, netlist: Netlist, faults: list[Fault]) -> Path:
    """Write the Verilog of a netlist that `flatten` has left in the folder, with all faults."""
    script = ["read_rtlil flat.il"]
    for number, fault in enumerate(faults, 1):
        for port, bit, mode in fault.edits:
            script.append(
                f"mutate -mode {mode} -module {TOP} -cell {fault.cell.name} -port {port} "
                f"-portbit {bit} -ctrl {NUMBER} {BITS} {number}"
            )
    yosys(folder, "\n".join([*script, "opt_clean", "write_verilog -noattr flat.v", ""]))
    text = (folder / "flat.v").read_text()
    # Of alternatives that a fault makes true together the first is taken; it is no error.
    text = _with_choice(text.replace("// synopsys parallel_case", ""))
    for number, fault in enumerate(faults, 1):
        if fault.stage:
            text = _with_stage(text, netlist, fault, number)
    path = folder / "switchable.sv"
    path.write_text(text)
    return path


def _with_choice(text: str) -> str:
    """The number is no port."""
    for pattern, new in (
        (rf", {NUMBER}\);", ");"),
        (rf"\n  input \[\d+:0\] {NUMBER};", _CHOICE),
        (rf"\n  wire \[\d+:0\] {NUMBER};", ""),
    ):
        text = _replace_once(pattern, new, text)
    return text


def _with_stage(text: str, netlist: Netlist, fault: Fault, number: int) -> str:
    """A register's name becomes that of a choice between it and what is before or behind it."""
    for name in netlist.names[fault.cell.ports["Q"][0]]:
        wire = rf"\\{re.escape(name)} "
        declared = re.search(rf"\n  reg (\[\d+:0\] )?{wire} = [^;]*;", text)
        if declared:
            break
    else:
        raise ValueError(f"{fault.name}: the register must be in the Verilog")
    bits = declared.group(1) or ""
    taken = re.search(rf"\n  always @\(posedge aclk\)\n    {wire} <= ([^;]*);", text)
    before, held, after = (rf"\{name}.{what} " for what in ("before", "held", "after"))
    other = after if fault.stage == STAGES[0] else before
    lines = f"""
  wire {bits}{before};
  reg {bits}{held}= 0, {after}= 0;
  wire {bits}\\{name} = {NUMBER} == {number} ? {other}: {held};"""
    clocked = f"""
  assign {before}= {taken.group(1)};
  always @(posedge aclk) begin
    {held}<= {before};
    {after}<= {held};
  end"""
    return text.replace(declared.group(0), lines).replace(taken.group(0), clocked)


def _replace_once(pattern: str, new: str, text: str) -> str:
    text, found = re.subn(pattern, lambda _: new, text)
    if found != 1:
        raise ValueError(f"{pattern} must be in the netlist once, not {found} times")
    return text
