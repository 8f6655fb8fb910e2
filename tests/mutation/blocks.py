"""The tests of operators in blocks of the emitted Verilog, with a fault in the block.

A fault in one of four lanes may show once in a million symbols; in its block alone every input is
played (tests/exhaustive).
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from compiled_operators import Operators
from exhaustive import test_operators as tests
from mutation.faults import Fault
from mutation.netlist import Netlist, yosys

CHECKS: dict[str, list[Callable[[Operators], None]]] = {
    "zynq_lstm_dsp_pair": [lambda chip: tests.test_multiplier_pair(chip, "dsp_pair")],
    "zynq_lstm_lut_pair": [lambda chip: tests.test_multiplier_pair(chip, "lut_pair")],
    "zynq_lstm_tanh": [tests.test_activations],
    "zynq_lstm_sigmoid": [tests.test_activations],
    "zynq_lstm_surprisal_lane.exponential": [tests.test_exponential],
    "zynq_lstm_requantizer_lane": [
        tests.test_requantizer_corners,
        lambda chip: tests.test_requantizer_every_sum(chip, 1 << 13),
        tests.test_requantizer_at_random,
    ],
    "zynq_lstm_noise": [tests.test_noise],
}
"""Tests of a module, as `make test` runs them."""


def operators_pass(netlist: Netlist, fault: Fault, source: Path, folder: Path) -> bool:
    """Whether the operators are right with a fault; true where it is in none of them.

    Parameters
    ----------
    netlist, fault
    source : Path
        The folder that `flatten` used.
    folder : Path
        Empty, for what is made.
    """
    module = netlist.modules.get(fault.cell.scope, "")
    if module not in CHECKS or not fault.edits:
        return True
    shutil.copy(source / "blocks.il", folder)
    edits = (
        f"mutate -mode {mode} -module {module} -cell {fault.cell.local} -port {port} -portbit {bit}"
        for port, bit, mode in fault.edits
    )
    select = f"select {module}\nwrite_verilog -noattr -selected block.v"
    yosys(folder, "\n".join(["read_rtlil blocks.il", *edits, select, ""]))
    text = (folder / "block.v").read_text()
    new = text[text.index("module ") :]
    pattern = re.compile(rf"^module \\?{re.escape(module)} ?\(.*?^endmodule$", re.M | re.S)

    def alter(name: str, old: str) -> str:
        return pattern.sub(lambda _: new, old)

    chip = Operators(folder / "operators", alter=alter)
    try:
        for check in CHECKS[module]:
            check(chip)
        return True
    except AssertionError:
        return False
    finally:
        chip.close()
