"""What a faulty chip is put to, and who notices: tests that `make test` runs.

    self_test   the driver's, in the simulator (tests/sim/test_driver.py)
    benches     in cocotb, of the same model and seed (tests/sim/test_cocotb.py)
    agreement   with the golden model, on random models (tests/sim/test_agreement.py)
    figures     cycles and steps as the schedule says (tests/sim/test_bench.py)
    operators   those of a block with the fault, on all inputs (tests/exhaustive)

A bench takes up to a minute, so whether it can notice anything is found out first: what it does to
a chip without a fault is recorded, all ports in all cycles, and replayed to the faulty one. Where
each output is the same in each cycle, so is what the bench sees. Where one is not, the bench runs,
for it need not look at what differs.
"""

import ctypes
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from cocotb_runner import IMAGE, Simulation, write_bench_image
from mutation.alike import is_alike
from mutation.blocks import operators_pass
from mutation.faults import Fault
from mutation.netlist import Netlist
from mutation.survivors import Survivor, survivor
from mutation.switch import FAULT, SWITCH
from mutation.switchable import switchable
from random_models import STYLES
from sim.test_agreement import compare_sizes
from sim.test_bench import check_schedule
from sim.test_cocotb import BENCHES
from sim.test_cocotb import SMALL as CONFIG

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.host.link import LinkError
from zynq_lstm.host.self_test import checks
from zynq_lstm.hw.verilog import TOP
from zynq_lstm.quant.errors import AcceleratorError, UserError
from zynq_lstm.sim.library import HARNESS, compile_library
from zynq_lstm.sim.link import open_link

SIDE = Path(__file__).parent
ROW_WORDS = 10
FAILURES = (
    *(AcceleratorError, LinkError, UserError, RuntimeError),
    *(AssertionError, pytest.fail.Exception),
)


@dataclass(frozen=True)
class Verdict:
    """What came of a fault.

    Parameters
    ----------
    fault : Fault
    noticed_by : str or None
        The first test that fails.
    is_alike : bool
        It is proved that the fault changes nothing.
    seen_in : tuple of str
        Benches in which an output was another.
    """

    fault: Fault
    noticed_by: str | None = None
    is_alike: bool = False
    seen_in: tuple[str, ...] = ()

    @property
    def survivor(self) -> Survivor | None:
        """What is known of it, where it is not noticed."""
        return None if self.noticed_by or self.is_alike else survivor(self.fault.name)

    @property
    def changes_nothing(self) -> bool:
        """By proof, or for the reason that is known."""
        return self.is_alike or (self.survivor is not None and self.survivor.changes_nothing)

    @property
    def is_explained(self) -> bool:
        """It is noticed, or there is a reason why not."""
        return bool(self.noticed_by or self.is_alike or self.survivor)

    def __str__(self) -> str:
        if self.noticed_by:
            return f"noticed by {self.noticed_by}: {self.fault.name}"
        if self.is_alike:
            return f"changes nothing, by proof: {self.fault.name}"
        where = f"seen in {', '.join(self.seen_in)}" if self.seen_in else "no output differs"
        return f"not noticed, {where}: {self.fault.name}"


def self_test(chip: AcceleratorTransport) -> None:
    """The driver's."""
    for check in checks(chip):
        assert check.passed, check


def agreement(chip: AcceleratorTransport) -> None:
    """Random models of every style."""
    for style in STYLES:
        compare_sizes(chip, CONFIG, style)


def figures(chip: AcceleratorTransport) -> None:
    """What is counted."""
    check_schedule(chip, CONFIG)


class Trials:
    """The tests of a netlist with switchable faults.

    Parameters
    ----------
    netlist : Netlist
        Of `flatten`.
    faults : list of Fault
        Numbered from 1 on.
    folder : Path
        What `flatten` used; for all else that is made.
    """

    def __init__(self, netlist: Netlist, faults: list[Fault], folder: Path) -> None:
        self._netlist, self._faults, self._folder = netlist, faults, folder
        source = switchable(folder, netlist, faults)
        harness = folder / "harness.cpp"
        parts = (HARNESS, SWITCH, SIDE / "replay.cpp")
        harness.write_text("\n".join(part.read_text() for part in parts))
        self._library = compile_library([source], TOP, harness=harness)
        self._image = write_bench_image(CONFIG, folder)
        self._simulation = Simulation(
            CONFIG,
            folder,
            sources=[source, SIDE / "record.sv"],
            arguments=[str(SWITCH)],
        )

    def record(self, bench: str) -> None:
        """Run a bench on the chip without a fault, and keep what is at the ports."""
        self._run(0, bench, f"+record={self._recording(bench)}")

    def check_without_a_fault(self) -> None:
        """See that all tests pass then, and that the recordings are what the chip does."""
        os.environ[FAULT] = "0"
        for test in (self_test, agreement, figures):
            assert self._passes(test), f"{test.__name__} must pass without a fault"
        differing = [bench for bench in BENCHES if self._differs(bench)]
        assert not differing, f"replayed, {differing} must be as recorded"

    def try_fault(self, number: int) -> Verdict:
        """Put a fault to the tests, until one fails."""
        os.environ[FAULT] = str(number)
        fault = self._faults[number - 1]
        if not self._passes(self_test):
            return Verdict(fault, self_test.__name__)
        if is_alike(self._netlist, fault):
            return Verdict(fault, is_alike=True)
        short_first = sorted(BENCHES, key=lambda bench: self._recording(bench).stat().st_size)
        seen_in = tuple(bench for bench in short_first if self._differs(bench))
        for bench in seen_in:
            try:
                self._run(number, bench)
            except (AssertionError, RuntimeError):  # the latter where the simulation ends itself
                return Verdict(fault, bench, seen_in=seen_in)
        for test in (agreement, figures):
            if not self._passes(test):
                return Verdict(fault, test.__name__, seen_in=seen_in)
        if not self._has_its_operators(fault):
            return Verdict(fault, "operators", seen_in=seen_in)
        return Verdict(fault, seen_in=seen_in)

    def _passes(self, test: Callable[[AcceleratorTransport], None]) -> bool:
        """A test passes on a new chip, whatever it raises where it does not."""
        try:
            with closing(AcceleratorTransport(open_link(CONFIG, library=self._library))) as chip:
                test(chip)
            return True
        except FAILURES:
            return False

    def _has_its_operators(self, fault: Fault) -> bool:
        with TemporaryDirectory(dir=self._folder) as folder:
            return operators_pass(self._netlist, fault, self._folder, Path(folder))

    def _recording(self, bench: str) -> Path:
        return self._folder / f"{bench}.rows"

    def _differs(self, bench: str) -> bool:
        rows = np.memmap(self._recording(bench), np.uint32, "r")
        replay = ctypes.CDLL(str(self._library)).zl_replay
        replay.restype, replay.argtypes = ctypes.c_uint64, [ctypes.c_void_p, ctypes.c_uint64]
        count = len(rows) // ROW_WORDS
        return bool(replay(rows.ctypes.data, count) < count)

    def _run(self, number: int, bench: str, *plusargs: str) -> None:
        environment = {IMAGE: str(self._image), FAULT: str(number)}
        with TemporaryDirectory(dir=self._folder) as name:
            folder = Path(name)
            self._simulation.run(f"benches.{bench}", environment, folder=folder, plusargs=plusargs)
