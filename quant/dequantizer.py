"""The float model that an image's integers stand for: its weights, times their steps.

It is the network that the accelerator computes but for the rounding of what passes through it, so
that a float implementation can be put beside an image whose checkpoint is elsewhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.float_model import FloatModel, Layer
from zynq_lstm.quant.formats import LOGIT, PREACTIVATION, Format
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.parameters import Parameters
from zynq_lstm.quant.quantizer import scale_unit

Floats = NDArray[np.float32]


def dequantize(image: Image) -> FloatModel:
    """Return an image's weights as a float model.

    Parameters
    ----------
    image : Image

    Returns
    -------
    FloatModel
        Of the image's hidden units, padding included. The first layer's bias is in its input
        weights, and its own is 0.
    """
    p = image.parameters
    table = np.asarray(p.table * PREACTIVATION.lsb, np.float32)
    inputs = by_gate(table.transpose(1, 2, 0))
    layers = [Layer(inputs, _recurrent(p, "hh1"), np.zeros(len(inputs), np.float32))]
    if p.config.layers == 2:
        biases = np.asarray(p.biases[p.matrix("hh2")] * PREACTIVATION.lsb, np.float32)
        layers.append(Layer(_recurrent(p, "ih2"), _recurrent(p, "hh2"), by_gate(biases)))
    head = _floats(p, "out", LOGIT).reshape(-1, p.config.hidden)[: p.symbols]
    biases = np.asarray(p.biases[p.matrix("out")].reshape(-1)[: p.symbols] * LOGIT.lsb, np.float32)
    return FloatModel(image.vocabulary, tuple(layers), np.ascontiguousarray(head), biases)


def by_gate(rows: Floats) -> Floats:
    """(hidden, 4, ...) as PyTorch's gate-major rows (4 * hidden, ...)."""
    return np.ascontiguousarray(rows.swapaxes(0, 1).reshape(-1, *rows.shape[2:]))


def _recurrent(p: Parameters, name: str) -> Floats:
    return by_gate(_floats(p, name, PREACTIVATION))


def _floats(p: Parameters, name: str, target: Format) -> Floats:
    """Weights of a matrix, shape (rows, 4, hidden)."""
    rows = p.matrix(name)
    steps = p.scales[rows] * scale_unit(target)
    return np.asarray(p.weights[rows] * steps[..., None], np.float32)
