"""cocotb on the emitted Verilog: one Verilated build a configuration, used by many benches."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import Verilator
from tiny_models import CHARACTERS, tiny_tensors, write_tiny_checkpoint

from zynq_lstm.hw.verilog import TOP, write_verilog
from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import write_image
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.sim.library import verilator_environment

IMAGE = "ZYNQ_LSTM_BENCH_IMAGE"
"""Environment variable: the image file that a bench loads."""
ROUNDS = "ZYNQ_LSTM_BENCH_ROUNDS"
"""Environment variable: how often a bench tries what is random."""
_BENCHES = Path(__file__).with_name("benches")
WATCH = _BENCHES / "watch.sv"
ASSUMED = _BENCHES / "assumed.sv"
PUBLIC = f"""\
`verilator_config
public_flat_rw -module "{TOP}" -var "aclk"
public_flat_rw -module "{TOP}" -var "aresetn"
public_flat_rw -module "{TOP}" -var "s_axi_*"
public_flat_rw -module "{TOP}" -var "s_axis_*"
public_flat_rw -module "{TOP}" -var "m_axis_*"
public_flat_rw -module "{TOP}" -var "interrupt"
public_flat_rd -module "{WATCH.stem}" -var "*"
public_flat_rd -module "{TOP}.accelerator.controller" -var "run_state"
"""
MAKE = "OPT_GLOBAL=-O1 OPT_FAST=-O1 OPT_SLOW=-O0"


def write_bench_image(config: Config, folder: Path) -> Path:
    """Write the image that the benches load."""
    tensors = tiny_tensors(CHARACTERS, hidden=config.hidden, layers=config.layers)
    checkpoint = write_tiny_checkpoint(folder / "tiny.safetensors", tensors)
    path = folder / "tiny.zlstm"
    write_image(quantize(load_checkpoint(checkpoint), config), path)
    return path


class PortsOnlyVerilator(Verilator):
    """cocotb's runner, but little more than the ports is public.

    That is half the time to compile and twice the speed.
    """

    def _build_command(self):
        return [
            [word for word in command if word != "--public-flat-rw"]
            for command in super()._build_command()
        ]


class Simulation:
    """A Verilated accelerator for cocotb.

    Parameters
    ----------
    config : Config
    folder : Path
        For everything that is made.
    runtime : Simulation, optional
        Another one, whose compiled Verilator runtime is used again.
    sources : sequence of Path, optional
        Verilog in place of the emitted one and of what is looked at within it.
    arguments : sequence of str
        More of them for Verilator.
    """

    def __init__(
        self,
        config: Config,
        folder: Path,
        runtime: "Simulation | None" = None,
        *,
        sources: Sequence[Path] = (),
        arguments: Sequence[str] = (),
    ) -> None:
        self.config = config
        self.build = folder / "build"
        sources = sources or [*write_verilog(config, folder / "rtl"), ASSUMED]
        public = folder / "public.vlt"
        public.write_text(PUBLIC)
        self.build.mkdir(exist_ok=True)
        self._runner = PortsOnlyVerilator()
        if runtime is not None:
            for path in runtime.build.glob("verilated*.[od]"):
                shutil.copy2(path, self.build)
        with pytest.MonkeyPatch.context() as patch:
            self._environment(patch)
            self._runner.build(
                sources=[public, *sources, WATCH],
                hdl_toplevel=TOP,
                build_dir=self.build,
                build_args=["-Wno-fatal", "-Wno-lint", *arguments],
                log_file=folder / "build.log",
            )

    def run(
        self,
        module: str,
        environment: Mapping[str, str],
        seed: int = 1,
        *,
        folder: Path | None = None,
        plusargs: Sequence[str] = (),
    ) -> None:
        """Run a module's cocotb tests; raise where one fails, or where none has run.

        What they print goes to a file in a folder, where one is given.
        """
        with pytest.MonkeyPatch.context() as patch:
            self._environment(patch)
            results = self._runner.test(
                test_module=module,
                hdl_toplevel=TOP,
                build_dir=self.build,
                test_dir=folder or self.build,
                seed=seed,
                extra_env=environment,
                plusargs=plusargs,
                log_file=folder / "log.txt" if folder else None,
            )
        ran, failed = get_results(results)
        if failed or not ran:
            raise AssertionError(f"{failed} of {ran} cocotb tests failed in {module}; see its log")

    def _environment(self, patch: pytest.MonkeyPatch) -> None:
        """Verilator's, less what would reach the simulated side by mistake."""
        wanted = verilator_environment()
        wanted["MAKEFLAGS"] += f" {MAKE}"
        for name, value in wanted.items():
            if os.environ.get(name) != value:
                patch.setenv(name, value)
