"""Surprisal, divergence, agreement and distances against sums one number at a time."""

import math

import numpy as np
import pytest

from zynq_lstm.quant.analysis.prediction import compare, joined
from zynq_lstm.quant.analysis.run import Piece, pieces


@pytest.fixture
def pair(model, image):
    symbols = np.random.default_rng(1).integers(0, 13, 41)
    ((reference, golden),) = pieces(model, image, symbols[:-1])
    return reference, golden, symbols[1:]


def softmax(logits) -> list[float]:
    powers = [math.exp(float(x)) for x in logits]
    return [power / sum(powers) for power in powers]


def test_against_plain_sums(pair) -> None:
    reference, golden, targets = pair
    found = compare(reference, golden, targets)
    assert len(found) == 40
    for t in (0, 1, 17, 39):
        p, q = softmax(reference.logits[t]), softmax(golden.logits[t] / 1024)
        target = targets[t]
        assert found.float_bits[t] == pytest.approx(-math.log2(p[target]), rel=1e-5)
        assert found.golden_bits[t] == pytest.approx(-math.log2(q[target]), rel=1e-9)
        assert found.chip_bits[t] == pytest.approx(-math.log2(q[target]), abs=0.004)
        assert found.chip_bits[t] * 512 == int(found.chip_bits[t] * 512)
        divergence = sum(a * math.log2(a / b) for a, b in zip(p, q, strict=True))
        assert found.divergence[t] == pytest.approx(divergence, rel=1e-6)
        assert found.agrees[t] == (p.index(max(p)) == q.index(max(q)))
        for layer in range(2):
            for name, unit in (("h", 128), ("c", 2048)):
                a, b = getattr(reference, name)[t + 1], getattr(golden, name)[t + 1]
                squares = [
                    (float(x) - int(y) / unit) ** 2 for x, y in zip(a[layer], b[layer], strict=True)
                ]
                expected = math.sqrt(sum(squares) / 16)
                found_distance = getattr(found, f"{name}_distance")[t, layer]
                assert found_distance == pytest.approx(expected, rel=1e-5)
                size = math.sqrt(sum(float(x) ** 2 for x in a[layer]) / 16)
                assert getattr(found, f"{name}_size")[t, layer] == pytest.approx(size, rel=1e-5)
    assert np.array_equal(found.difference, found.golden_bits - found.float_bits)


def test_equal_predictions_cost_nothing() -> None:
    """Logits that the golden format holds exactly."""
    integers = np.random.default_rng(2).integers(-4096, 4096, (9, 5)).astype(np.int16)
    h, c = np.zeros((10, 1, 4), np.int8), np.zeros((10, 1, 4), np.int16)
    symbols = np.arange(9) % 5
    golden = Piece(symbols, h, c, integers)
    reference = Piece(symbols, h * 1.0, c * 1.0, integers / np.float32(1024))
    found = compare(reference, golden, symbols)
    assert found.agrees.all()
    assert np.abs(found.difference).max() < 1e-12
    assert np.abs(found.divergence).max() < 1e-12
    assert not found.h_distance.any() and not found.c_distance.any()


def test_disagreement_is_seen(pair) -> None:
    reference, golden, targets = pair
    turned = Piece(golden.symbols, golden.h, golden.c, -golden.logits)
    found = compare(reference, turned, targets)
    assert not found.agrees.any()
    assert (found.divergence > 0).all()


def test_parts_join(pair) -> None:
    found = compare(*pair)
    twice = joined([found, found])
    assert len(twice) == 80
    assert np.array_equal(twice.c_distance[40:], found.c_distance)
    assert np.array_equal(twice.agrees[:40], found.agrees)
