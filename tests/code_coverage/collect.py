"""A plugin of pytest's: cocotb's benches count what they reach of the emitted Verilog.

    PYTHONPATH=tests pytest -p code_coverage.collect --verilog-coverage FOLDER …

Each configuration gets a folder in there: its Verilog, and a file of Verilator's counts, *.dat, for
each bench.
"""

import itertools
import shutil
from pathlib import Path

import cocotb_runner
import pytest

from zynq_lstm.hw.verilog import write_verilog

OPTIONS = ("--coverage-line", "--coverage-toggle")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--verilog-coverage", type=Path, required=True, metavar="FOLDER")


def pytest_configure(config: pytest.Config) -> None:
    folder = config.getoption("--verilog-coverage").resolve()
    simulation, numbers = cocotb_runner.Simulation, itertools.count()
    make, run = simulation.__init__, simulation.run

    def counted_make(self, config, work, runtime=None):
        # The runtime of another one was compiled without what counts.
        make(self, config, work, arguments=OPTIONS)
        self.counts = folder / config.describe().replace(" ", "_")
        write_verilog(config, self.counts)

    def counted_run(self, *arguments, **options):
        try:
            run(self, *arguments, **options)
        finally:
            shutil.move(self.build / "coverage.dat", self.counts / f"{next(numbers)}.dat")

    simulation.__init__, simulation.run = counted_make, counted_run
