"""The float model against the textbook's equations, one number at a time in double precision."""

import math
import re

import numpy as np
import pytest

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.float_model import FloatModel, cross_entropy


def reference(model: FloatModel, symbols: list[int]) -> list[list[float]]:
    """i, f, o = sigmoid, g = tanh of W x + U h + b; c = f c + i g; h = o tanh c; V h + b."""
    n = model.hidden
    h = [[0.0] * n for _ in model.layers]
    c = [[0.0] * n for _ in model.layers]
    out = []
    for symbol in symbols:
        x = [float(k == symbol) for k in range(len(model.vocabulary))]
        for k, layer in enumerate(model.layers):
            z = [
                sum(float(a) * b for a, b in zip(layer.weight_ih[r], x, strict=True))
                + sum(float(a) * b for a, b in zip(layer.weight_hh[r], h[k], strict=True))
                + float(layer.bias[r])
                for r in range(4 * n)
            ]
            gate = [1 / (1 + math.exp(-v)) for v in z]
            for u in range(n):
                c[k][u] = gate[n + u] * c[k][u] + gate[u] * math.tanh(z[2 * n + u])
                h[k][u] = gate[3 * n + u] * math.tanh(c[k][u])
            x = h[k]
        out.append(
            [
                sum(float(a) * b for a, b in zip(row, x, strict=True)) + float(bias)
                for row, bias in zip(model.head_weight, model.head_bias, strict=True)
            ]
        )
    return out


@pytest.mark.parametrize("layers", [1, 2])
def test_logits(make_model, layers):
    model = make_model(7, 5, layers)
    symbols = np.random.default_rng(3).integers(0, 7, 40)
    found = model.logits(symbols)
    assert found.shape == (40, 7) and found.dtype == np.float32
    np.testing.assert_allclose(found, reference(model, symbols.tolist()), atol=2e-5)


def test_large_values_do_not_overflow(make_model):
    model = make_model(5, 4, gain=1000.0)
    assert np.isfinite(model.logits(np.arange(5))).all()


def test_surprisal_predicts_the_next_symbol(make_model):
    model = make_model(5, 4)
    symbols = np.array([0, 3, 1, 4])
    expected = []
    for logits, target in zip(reference(model, [0, 3, 1]), [3, 1, 4], strict=True):
        expected.append(math.log(sum(math.exp(v) for v in logits)) - logits[target])
    np.testing.assert_allclose(model.surprisal(symbols), expected, atol=1e-5)


@pytest.mark.parametrize("length", [0, 1])
def test_surprisal_needs_two_characters(model, length):
    sentence = f"A text to score must have at least 2 characters, not {length}"
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        model.surprisal(np.zeros(length, np.uint8))


def test_cross_entropy_of_equal_logits():
    assert cross_entropy(np.zeros((3, 8)), np.array([0, 4, 7])) == pytest.approx(math.log(8))


def test_cross_entropy_at_extremes():
    logits = np.array([[1e4, -1e4], [1e4, -1e4], [-3e4, -3e4]], np.float32)
    assert cross_entropy(logits, np.array([0, 1, 1])).tolist() == pytest.approx(
        [0, 2e4, math.log(2)]
    )


def test_cross_entropy_of_integers_and_batches():
    logits = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    targets = np.array([[0, 1, 2], [3, 0, 1]], np.uint8)
    found = cross_entropy(logits.astype(np.float32), targets)
    norm = math.log(sum(math.exp(k) for k in range(4)))
    np.testing.assert_allclose(found, norm - targets)
