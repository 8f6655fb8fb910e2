"""The float model in numpy: what training made, and the reference for what quantization costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import MOST_HIDDEN
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.vocabulary import Vocabulary

Floats = NDArray[np.float32]

MODEL_UNITS = range(8, MOST_HIDDEN + 1)
"""Units a layer that a model may have; the quantizer pads them to the accelerator's."""


@dataclass(frozen=True)
class Layer:
    """One LSTM layer, rows ordered by gate (i, f, g, o), then unit, as in PyTorch.

    Parameters
    ----------
    weight_ih : ndarray of float32, shape (4 * hidden, inputs)
    weight_hh : ndarray of float32, shape (4 * hidden, hidden)
    bias : ndarray of float32, shape (4 * hidden,)
        Sum of PyTorch's two biases.
    """

    weight_ih: Floats
    weight_hh: Floats
    bias: Floats

    @property
    def hidden(self) -> int:
        """Units."""
        return self.weight_hh.shape[1]


@dataclass(frozen=True)
class FloatModel:
    """A character-level LSTM: one-hot input, one or two layers, linear output.

    Parameters
    ----------
    vocabulary : Vocabulary
    layers : tuple of Layer
    head_weight : ndarray of float32, shape (symbols, hidden)
    head_bias : ndarray of float32, shape (symbols,)
    metadata : dict
        What the checkpoint says of its training.
    """

    vocabulary: Vocabulary
    layers: tuple[Layer, ...]
    head_weight: Floats
    head_bias: Floats
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def hidden(self) -> int:
        """Units per layer."""
        return self.layers[0].hidden

    def logits(self, symbols: NDArray[np.integer]) -> Floats:
        """Logits after each symbol from a zero state, shape (len(symbols), V)."""
        run = FloatRun(self)
        out = np.empty((len(symbols), len(self.vocabulary)), np.float32)
        for t, symbol in enumerate(symbols):
            out[t] = run.step(symbol)
        return out

    def surprisal(self, symbols: NDArray[np.integer]) -> NDArray[np.float64]:
        """Nats of each symbol but the first, given all before it, shape (len(symbols) - 1,).

        Raises
        ------
        UserError
            When there are fewer than two symbols.
        """
        if len(symbols) < 2:
            raise UserError(f"A text to score must have at least 2 characters, not {len(symbols)}")
        return cross_entropy(self.logits(symbols[:-1]), symbols[1:])


class FloatRun:
    """One sequence on a float model, from a zero state.

    Parameters
    ----------
    model : FloatModel

    Attributes
    ----------
    h, c : list of ndarray of float32, shape (hidden,)
        The state, by layer.
    """

    def __init__(self, model: FloatModel) -> None:
        self._model = model
        first = model.layers[0]
        self._table = first.weight_ih.T + first.bias
        self.h = [np.zeros(model.hidden, np.float32) for _ in model.layers]
        self.c = [np.zeros(model.hidden, np.float32) for _ in model.layers]

    def step(self, symbol: int | np.integer) -> Floats:
        """Feed one symbol; logits of the next, shape (V,)."""
        first, *rest = self._model.layers
        h, c = self.h, self.c
        h[0], c[0] = _cell(self._table[symbol] + first.weight_hh @ h[0], c[0])
        for k, layer in enumerate(rest, start=1):
            z = layer.weight_ih @ h[k - 1] + layer.weight_hh @ h[k] + layer.bias
            h[k], c[k] = _cell(z, c[k])
        return self._model.head_weight @ h[-1] + self._model.head_bias


def cross_entropy(
    logits: NDArray[np.floating], targets: NDArray[np.integer]
) -> NDArray[np.float64]:
    """-ln softmax(logits)[target], in nats, shape of ``targets``; logits (..., V)."""
    z = np.asarray(logits, np.float64)
    top = z.max(axis=-1)
    norm = top + np.log(np.exp(z - top[..., None]).sum(axis=-1))
    chosen = np.take_along_axis(z, np.asarray(targets, np.int64)[..., None], -1)[..., 0]
    return np.asarray(norm - chosen, np.float64)


def _cell(z: Floats, c: Floats) -> tuple[Floats, Floats]:
    """One LSTM cell (Hochreiter and Schmidhuber 1997; forget gate of Gers et al. 2000)."""
    i, f, g, o = z.reshape(4, -1)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(c), c


def _sigmoid(x: Floats) -> Floats:
    return (0.5 + 0.5 * np.tanh(0.5 * x)).astype(np.float32)
