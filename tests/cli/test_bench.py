"""`zynq-lstm bench`: what is measured and what it means at the clock; measuring is stood in for."""

import json
import sys
import types

import pytest
from tiny_models import write_tiny_checkpoint

from zynq_lstm.cli.speeds import EXTRAS
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.packages import install_command
from zynq_lstm.sim.bench import Cycles
from zynq_lstm.sim.speed import PACKAGES, Rate, Speed, Speeds

COUNTED = {
    "cycles_per_character_generate": 401.0,
    "cycles_per_character_score": 402.0,
    "startup_cycles": 300,
    "multiplier_utilization": 0.998,
    "accelerator_register_accesses_generating_1000_characters": 3,
    "transfers_generating_1000_characters": 2,
    "clock_megahertz": 142.86,
    "characters_per_second_at_clock": 356_252,
}
TIMED = {
    "simulator_characters_per_second": 350.0,
    "golden_characters_per_second_batch64": 25_000.0,
    "golden_characters_per_second_single": 3000.0,
    "threads": 1,
    "sequences": 64,
}


@pytest.fixture
def measured(monkeypatch) -> list:
    """What is measured by what stands in the place of sim.bench and sim.speed: images, options."""
    asked: list = []

    def open_chip(image: Image, report) -> str:
        report("Compiling")
        asked.append(image)
        return "chip"

    def measure_speeds(image: Image, chip: str, *, threads, compiled, report) -> Speeds:
        asked.append((threads, compiled))
        floats = Speed("PyTorch, float32", Rate(9000, 8000, 9500), Rate(6e4, 5e4, 7e4), 1e-6)
        golden = Speed("golden model", Rate(3000, 2500, 3500), Rate(25e3, 2e4, 3e4))
        simulation = Speed("simulation", Rate(350, 340, 360))
        return Speeds([floats], golden, simulation, ["ONNX Runtime"], threads)

    bench, speed = (types.ModuleType(f"zynq_lstm.sim.{name}") for name in ("bench", "speed"))
    bench.LONG, bench.open_chip = 1000, open_chip
    bench.count_cycles = lambda chip, symbols: Cycles(401.0, 402.0, 300, 0.998, 3, 2)
    speed.measure_speeds = measure_speeds
    for module in (bench, speed):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return asked


def test_json_has_the_figures(run, measured, image_path) -> None:
    result = run("bench", image_path, "--json", "--threads", 1)
    assert result.status == 0
    values = json.loads(result.out)
    assert {name: values[name] for name in COUNTED | TIMED} == COUNTED | TIMED
    names = ["PyTorch, float32", "golden model", "simulation"]
    assert [speed["name"] for speed in values["speeds"]] == names
    assert values["speeds"][0]["one"] == {"median": 9000, "lowest": 8000, "highest": 9500}
    assert values["absent"] == [{"name": "ONNX Runtime", "extra": "bench"}]
    assert values["machine"]["cores"] >= 1
    assert "Compiling" in result.err
    assert measured[0].config.hidden == 16


def test_options_are_passed_on(run, measured, image_path) -> None:
    assert run("bench", image_path, "--threads", 3, "--compile").status == 0
    assert measured[1] == (3, True)


def test_measures_the_shipped_model_by_default(run, measured, tmp_path) -> None:
    checkpoint = write_tiny_checkpoint(tmp_path / "shakespeare.safetensors")
    assert run("bench", "--models", tmp_path).status == 0
    assert measured[0].config.hidden == 128
    assert list(tmp_path.iterdir()) == [checkpoint]


def test_writes_tables_and_their_conditions(run, measured, image_path) -> None:
    result = run("bench", image_path)
    counts, speeds = (part.splitlines() for part in result.out.split("\n\n"))
    assert counts[0].split("  ")[0] == "cycles per character generate"
    assert counts[0].endswith(" 401")
    assert len(counts) == len(COUNTED) + 1
    assert speeds[0].split()[:5] == ["characters", "a", "second", "one", "sequence"]
    assert "9,000  8,000 to 9,500    40 × as fast" in speeds[1]
    assert speeds[1].endswith("5.9 × as fast")
    assert speeds[3].split()[-2:] == ["356,252", "356,252"]
    assert speeds[4].split() == ["simulation", "350"]
    assert f"ONNX Runtime is not installed; {install_command('bench')} brings it" in result.err
    assert "Median of 5 repetitions" in result.err and "1 thread of" in result.err
    assert "not measured on a board" in result.err


def test_says_which_extra_brings_what_is_absent() -> None:
    assert set(EXTRAS) == set(PACKAGES)


def test_refuses_a_missing_model(run, measured, tmp_path) -> None:
    run("bench", "--models", tmp_path).refused("shakespeare.zlstm", "neither is there")
    run("bench", tmp_path / "none.zlstm").refused("none.zlstm")


def test_refuses_what_does_not_go_together(run, image_path, tmp_path) -> None:
    run("bench", image_path, "--sizes").refused("leave out the image")
    run("bench", "--sizes", "--models", tmp_path).refused("leave out the image and --models")
    for options in (["--compile"], ["--threads", 3], ["--threads", 1]):
        run("bench", "--sizes", *options).refused("leave out --threads and --compile")
    run("bench", image_path, "--models", tmp_path).refused("leave out one of them")
    run("bench", "--plot", tmp_path / "p.svg").refused("give --sizes")
    run("bench", "--sizes", "--plot", tmp_path / "p.gif").refused(".svg or .png")
    run("bench", "--sizes", "--plot", tmp_path / "none" / "p.svg").refused("must exist")


@pytest.fixture
def sizes(monkeypatch) -> None:
    """A measurement of sizes that is not one."""
    from zynq_lstm.quant.config import Config

    module = types.ModuleType("zynq_lstm.sim.sizes")

    def measure_sizes(report):
        report("1 of 2")
        for multipliers in (64, 512):
            yield types.SimpleNamespace(
                config=Config(multipliers=multipliers), symbols=64, cycles=409.5 * 512 / multipliers
            )

    module.measure_sizes = measure_sizes
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_sizes_are_beside_the_limit(run, sizes) -> None:
    result = run("bench", "--sizes")
    lines = result.out.splitlines()
    assert lines[2].split() == ["512", "128", "64", "409.5", "400.0", "97.7%"]
    values = json.loads(run("bench", "--sizes", "--json").out)["sizes"]
    assert values[0] == {
        "multipliers": 64,
        "hidden": 128,
        "layers": 2,
        "symbols": 64,
        "cycles_per_character": 3276.0,
        "limit": 3200.0,
    }
