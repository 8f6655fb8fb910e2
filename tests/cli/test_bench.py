"""`zynq-lstm bench`: what is measured and what it means at the clock; measuring is stood in for."""

import json
import sys
import types

import pytest
from tiny_models import write_tiny_checkpoint

from zynq_lstm.quant.image import Image

MEASURED = {
    "cycles_per_character_generate": 401.0,
    "cycles_per_character_score": 401.0,
    "startup_cycles": 300,
    "multiplier_utilization": 0.998,
    "register_accesses_generating_1000_characters": 3,
    "transfers_generating_1000_characters": 2,
    "simulator_characters_per_second": 350.0,
    "golden_characters_per_second_batch64": 25_000.0,
    "golden_characters_per_second_single": 3000.0,
}


@pytest.fixture
def measured(monkeypatch) -> list[Image]:
    """The images that are measured by what stands in the place of sim.bench."""
    images: list[Image] = []

    def measure(image: Image, *, report) -> dict:
        report("Generating")
        images.append(image)
        return dict(MEASURED)

    module = types.ModuleType("zynq_lstm.sim.bench")
    module.measure = measure
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return images


def test_json_has_the_figures(run, measured, image_path) -> None:
    result = run("bench", image_path, "--json")
    assert result.status == 0
    values = json.loads(result.out)
    assert MEASURED.items() <= values.items()
    assert values["clock_megahertz"] == 142.86
    assert values["characters_per_second_at_clock"] == round(1e9 / 7 / 401)
    assert "Generating" in result.err
    assert measured[0].config.hidden == 16


def test_measures_the_shipped_model_by_default(run, measured, tmp_path) -> None:
    checkpoint = write_tiny_checkpoint(tmp_path / "shakespeare.safetensors")
    assert run("bench", "--models", tmp_path).status == 0
    assert measured[0].config.hidden == 128
    assert list(tmp_path.iterdir()) == [checkpoint]


def test_writes_a_table(run, measured, image_path) -> None:
    lines = run("bench", image_path).out.splitlines()
    assert lines[0].split("  ")[0] == "cycles per character generate"
    assert lines[0].endswith(" 401")
    assert len(lines) == len(MEASURED) + 3


def test_refuses_a_missing_model(run, measured, tmp_path) -> None:
    run("bench", "--models", tmp_path).refused("shakespeare.zlstm", "neither is there")
    run("bench", tmp_path / "none.zlstm").refused("none.zlstm")
