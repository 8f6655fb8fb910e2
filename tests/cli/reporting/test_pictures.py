"""The pictures of tiny models, and that they show the numbers."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from tiny_models import tiny_tensors, write_tiny_checkpoint

from zynq_lstm.quant.analysis.measurement import measure
from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.quantizer import quantize

if importlib.util.find_spec("matplotlib") is None:
    pytest.skip("needs matplotlib", allow_module_level=True)

from zynq_lstm.cli.reporting import pictures
from zynq_lstm.cli.reporting.pictures import PICTURES
from zynq_lstm.cli.reporting.style import png


def measured(folder, layers: int, length: int):
    tensors = tiny_tensors(layers=layers)
    model = load_checkpoint(write_tiny_checkpoint(folder / "tiny.safetensors", tensors))
    config = Config(hidden=16, layers=layers, symbols=16, multipliers=64)
    text = np.random.default_rng(1).integers(0, 13, length)
    return measure(model, quantize(model, config), text, text, length=5)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("models"), 2, 1000)


@pytest.mark.parametrize("name", PICTURES)
def test_draws(found, name) -> None:
    made = PICTURES[name](found)
    data = png(made)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert 10_000 < len(data) < 400_000
    assert data == png(PICTURES[name](found))
    for axes in made.axes:
        assert axes.get_xlabel() or axes.get_shared_x_axes().joined(axes, made.axes[-1])


@pytest.mark.parametrize(("layers", "length"), [(1, 40), (2, 2)])
def test_draws_other_sizes(tmp_path, layers, length) -> None:
    found = measured(tmp_path, layers, length)
    for draw in PICTURES.values():
        assert png(draw(found))


def test_tenths_are_drawn_where_they_are(found) -> None:
    axes = pictures.drift(found).axes[1]
    points = [line.get_xydata()[0] for line in axes.get_lines() if line.get_marker() == "o"]
    expected = [((t.first + t.last) / 2, t.difference.mean) for t in found.tenths()]
    np.testing.assert_allclose(points, expected)
    low, high = axes.get_ylim()
    assert low < -0.003 and high > 0.003


def test_surprisal_is_drawn_in_bits(found) -> None:
    first, second = pictures.surprisal(found).axes[0].get_lines()
    assert (first.get_label(), second.get_label()) == ("float", "golden")
    width = len(found.part) / len(first.get_ydata())
    assert width == pytest.approx(20, abs=0.1)
    assert np.mean(first.get_ydata()) == pytest.approx(found.part.float_bits.mean(), rel=1e-3)


def test_saturation_is_marked(found) -> None:
    def marks(measurement) -> int:
        lines = pictures.ranges(measurement).axes[0].get_lines()
        return sum(len(line.get_xdata()) for line in lines if line.get_marker() == "D")

    clean = [replace(entry, clipped_low=0, clipped_high=0) for entry in found.ranges]
    assert marks(replace(found, ranges=clean)) == 0
    clean[3] = replace(clean[3], clipped_low=5, clipped_high=1)
    assert marks(replace(found, ranges=clean)) == 2
    clean[3] = replace(clean[3], greatest=round(1.12 * clean[3].form.maximum))
    note = pictures.ranges(replace(found, ranges=clean)).axes[0].texts[3]
    assert note.get_text() == "112 %, 6 clipped"


def test_each_dot_is_a_row(found) -> None:
    (axes,) = pictures.rows(found).axes
    assert [len(dots.get_offsets()) for dots in axes.collections] == [64, 64, 64, 13]


def on_the_grid(found, names):
    """The measurement of a model some of whose matrices lie on their grid, as training for it
    leaves them."""
    weights = [
        replace(tensor, weights=tensor.quantized) if tensor.name in names else tensor
        for tensor in found.weights
    ]
    return replace(found, weights=weights)


@pytest.mark.parametrize("names", [{"hh1"}, {"hh1", "ih2", "hh2", "out"}])
def test_rows_without_an_error_are_drawn(found, names) -> None:
    changed = on_the_grid(found, names)
    for name, draw in PICTURES.items():
        assert png(draw(changed)), name
    (axes,) = pictures.rows(changed).axes
    levels = [dots.get_offsets()[:, 1] for dots in axes.collections]
    exact = [set(level) for level in levels if len(set(level)) == 1]
    assert len(exact) == len(names) and len(set.union(*exact)) == 1
    assert "rows without an error" in [text.get_text() for text in axes.texts]


def test_each_dot_is_a_unit(found) -> None:
    for layer, axes in enumerate(pictures.gates(found).axes):
        dots = [d.get_offsets() for d in axes.collections if len(d.get_offsets()) == 16]
        assert len(dots) == 8
        np.testing.assert_allclose(dots[1][:, 1], found.gates["step"].rms[layer, 1])
