"""All measurements together, on a tiny model, and what a fault in the image does to them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from zynq_lstm.quant.analysis.interval import intervals
from zynq_lstm.quant.analysis.measurement import FEWEST_TO_JUDGE, _prompt, measure
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.float_model import cross_entropy
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.quantizer import quantize


@pytest.fixture(scope="module")
def text() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 13, 1300)


@pytest.fixture(scope="module")
def found(model, image, text):
    return measure(model, image, text[200:], text, length=20)


def test_bits_are_those_of_whole_runs(model, image, text, found) -> None:
    for symbols, run in ((text[200:], found.part), (text, found.drift)):
        reference = model.surprisal(symbols) / math.log(2)
        logits = GoldenModel(image).logits(symbols[:-1]) / 1024
        golden = cross_entropy(logits, symbols[1:]) / math.log(2)
        np.testing.assert_allclose(run.float_bits, reference, rtol=1e-12)
        np.testing.assert_allclose(run.golden_bits, golden, rtol=1e-12)
    bits = found.bits()
    assert bits["difference"].mean == pytest.approx(bits["golden"].mean - bits["float"].mean)
    assert abs(bits["chip"].mean - bits["golden"].mean) < 0.001
    assert abs(bits["difference"].mean) < 0.01


def test_tenths_cut_the_long_run(found) -> None:
    tenths = found.tenths()
    assert [tenth.first for tenth in tenths] == [1299 * k // 10 for k in range(10)]
    assert tenths[-1].last == 1299
    for tenth in tenths:
        part = slice(tenth.first, tenth.last)
        assert tenth.float_bits == found.drift.float_bits[part].mean()
        assert tenth.difference == intervals(found.drift.difference[part])[0]


def test_ranges_and_gates_are_of_the_part(found) -> None:
    assert {entry.count for entry in found.ranges if entry.place == "c"} == {1099 * 16}
    assert all(error.rms.shape == (2, 4, 16) for error in found.gates.values())


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("f a line\n\nWhole line\nmore", "Whole line\n"),
        ("f a line\nhalf a lin", "f a line\n"),
        ("no line at all", "no line at all"),
        ("!" * 100, "!" * 80),
        ("\n\n", "\n"),
    ],
)
def test_samples_begin_with_a_whole_line(text, prompt) -> None:
    assert _prompt(text) == prompt


def test_samples_continue_the_text(model, image) -> None:
    text = "!!#$%" * 30
    symbols = model.vocabulary.encode(text)
    assert measure(model, image, symbols, symbols, length=3).samples[0].prompt == text[:80]


def test_tells_how_far_it_is(model, image, text) -> None:
    told = []
    measure(model, image, text, text[:50], length=2, progress=lambda *now: told.append(now))
    whats = [what for what, _ in told]
    assert list(dict.fromkeys(whats)) == [
        "Reading the text",
        "Looking for drift",
        "Writing samples",
    ]
    assert [done for _, done in told] == sorted(done for _, done in told)
    assert told[-1][1] == 1299 + 49


def test_a_fault_in_the_image_is_seen(model, image, text, found) -> None:
    """One gate of one unit reads its row with the wrong sign."""
    p = image.parameters
    weights = p.weights.copy()
    weights[p.matrix("hh2").start + 3, 1] *= -1
    wrong = Image.from_parameters(replace(p, weights=weights), image.vocabulary, {})
    faulty = measure(model, wrong, text[200:], text, length=20)
    assert faulty.part.divergence.mean() > 5 * found.part.divergence.mean()
    assert faulty.gates["step"].rms[1].argmax() == 16 + 3  # Gate f, unit 3
    assert faulty.part.agrees.mean() < found.part.agrees.mean()
    assert faulty.part.c_distance[:, 1].mean() > 2 * found.part.c_distance[:, 1].mean()
    np.testing.assert_array_equal(faulty.part.c_distance[:, 0], found.part.c_distance[:, 0])


@pytest.mark.parametrize(("part", "tail"), [(1, 3), (0, 3), (3, 1)])
def test_refuses_short_texts(model, image, part, tail) -> None:
    with pytest.raises(UserError, match=r"must have at least 2 characters, not [01]$"):
        measure(model, image, np.zeros(part, np.uint8), np.zeros(tail, np.uint8))


def test_more_is_allowed_of_fewer_bits(model, found) -> None:
    assert found.allowed == 0.003
    config = Config(hidden=16, symbols=16, multipliers=128, weight_bits=4)
    assert replace(found, image=quantize(model, config)).allowed == 0.03


def test_judges_what_is_of_enough_predictions(found) -> None:
    judged = {cost: found.within(cost, FEWEST_TO_JUDGE) for cost in (-1.0, 0.003, 0.0031)}
    assert judged == {-1.0: True, 0.003: True, 0.0031: False}
    assert found.within(0.0031, FEWEST_TO_JUDGE - 1) is None
