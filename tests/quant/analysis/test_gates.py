"""Errors of the pre-activations against sums one number at a time."""

from dataclasses import replace

import numpy as np
import pytest

from zynq_lstm.quant.analysis.datapath import stages
from zynq_lstm.quant.analysis.gates import GateErrors, preactivations
from zynq_lstm.quant.analysis.run import pieces
from zynq_lstm.quant.quantizer import quantize


def slow_preactivations(model, symbols, h) -> np.ndarray:
    """(n, layers, 4, units), from states (n + 1, layers, units), in double precision."""
    n, units = len(symbols), model.hidden
    out = np.zeros((n, len(model.layers), 4, units))
    for t in range(n):
        for k, layer in enumerate(model.layers):
            for gate in range(4):
                for unit in range(units):
                    row = gate * units + unit
                    if k == 0:
                        fed = float(layer.weight_ih[row, symbols[t]])
                    else:
                        fed = float(layer.weight_ih[row].astype(float) @ h[t + 1, k - 1])
                    recurrent = float(layer.weight_hh[row].astype(float) @ h[t, k])
                    out[t, k, gate, unit] = fed + recurrent + float(layer.bias[row])
    return out


@pytest.mark.parametrize("layers", [1, 2])
def test_errors(make_model, small, layers) -> None:
    model = make_model(13, 16, layers)
    image = quantize(model, replace(small, layers=layers))
    symbols = np.random.default_rng(1).integers(0, 13, 30)
    errors, expected = GateErrors(model), {"step": [], "carried": []}
    for reference, golden in pieces(model, image, symbols, 20):
        places = stages(image, golden)
        errors.add(reference, golden, places)
        z = np.stack([s.values for s in places if s.place == "preactivation"], axis=1)
        z = np.clip(z, -32768, 32767).transpose(0, 1, 3, 2) / 2048
        own = slow_preactivations(model, golden.symbols, reference.h)
        lent = slow_preactivations(model, golden.symbols, golden.h / 128)
        expected["carried"].append(z - own)
        expected["step"].append(z - lent)
    for kind, found in errors.results().items():
        error = np.concatenate(expected[kind])
        np.testing.assert_allclose(found.rms, np.sqrt((error**2).mean(axis=0)), atol=1e-5)
        np.testing.assert_allclose(found.mean, error.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(found.largest, np.abs(error).max(axis=0), atol=1e-5)
    # Rounding alone: half a step of each of up to 32 weights at most, and three roundings.
    step = errors.results()["step"].largest.max()
    assert 0 < step < 0.2
    assert np.median(errors.results()["carried"].rms) > np.median(errors.results()["step"].rms)


def test_preactivations_of_the_float_model_are_its_own(model, image) -> None:
    """Through the cell's equations they give the state that came."""
    symbols = np.random.default_rng(2).integers(0, 13, 12)
    ((reference, _),) = pieces(model, image, symbols)
    for layer, z in enumerate(preactivations(model, reference, 1.0)):
        i, f, o = (1 / (1 + np.exp(-z[:, k].astype(float))) for k in (0, 1, 3))
        c = f * reference.c[:-1, layer] + i * np.tanh(z[:, 2])
        np.testing.assert_allclose(c, reference.c[1:, layer], atol=1e-5)
        np.testing.assert_allclose(o * np.tanh(c), reference.h[1:, layer], atol=1e-5)
