"""Errors of the pre-activations, the input of each gate: in one step, and carried along.

Of one step: what the golden model computes from its own state, against what the float model's
weights make of that same state. This is the rounding of weights, table and sums alone. Carried
along: against the float model with its own state, so that it holds all that came before, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant import operators as op
from zynq_lstm.quant.analysis.datapath import Stage
from zynq_lstm.quant.analysis.run import Piece
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.float_model import FloatModel
from zynq_lstm.quant.formats import HIDDEN, PREACTIVATION

KINDS = {"step": "one step", "carried": "carried along"}


@dataclass(frozen=True)
class GateError:
    """Errors of one kind, golden minus float.

    Parameters
    ----------
    rms, mean, largest : ndarray of float64, shape (layers, 4, units)
        Root mean square, mean and greatest magnitude over the text, in units of the
        pre-activation; gates i, f, g, o.
    """

    rms: NDArray[np.float64]
    mean: NDArray[np.float64]
    largest: NDArray[np.float64]


class GateErrors:
    """Errors of all pre-activations, gathered piece by piece.

    Parameters
    ----------
    model : FloatModel
    """

    def __init__(self, model: FloatModel) -> None:
        self._model = model
        shape = (len(model.layers), GATES, model.hidden)
        self._squares = {kind: np.zeros(shape) for kind in KINDS}
        self._sums = {kind: np.zeros(shape) for kind in KINDS}
        self._largest = {kind: np.zeros(shape) for kind in KINDS}
        self._count = 0

    def add(self, reference: Piece, golden: Piece, stages: list[Stage]) -> None:
        """Count the errors of one piece; ``stages`` are those of the golden one."""
        found = [s.values for s in stages if s.place == "preactivation"]
        expected = {
            "step": preactivations(self._model, golden, HIDDEN.lsb),
            "carried": preactivations(self._model, reference, 1.0),
        }
        for layer, values in enumerate(found):
            z = op.saturate(values, PREACTIVATION).transpose(0, 2, 1) * PREACTIVATION.lsb
            for kind in KINDS:
                error = z - expected[kind][layer]
                self._squares[kind][layer] += np.square(error).sum(axis=0)
                self._sums[kind][layer] += error.sum(axis=0)
                largest = self._largest[kind][layer]
                np.maximum(largest, np.abs(error).max(axis=0), out=largest)
        self._count += len(golden.symbols)

    def results(self) -> dict[str, GateError]:
        """The errors so far, by kind."""
        return {
            kind: GateError(
                np.sqrt(self._squares[kind] / self._count),
                self._sums[kind] / self._count,
                self._largest[kind],
            )
            for kind in KINDS
        }


def preactivations(model: FloatModel, piece: Piece, unit: float) -> list[NDArray[np.float32]]:
    """The pre-activations that a float model has in the states of a piece.

    Parameters
    ----------
    model : FloatModel
    piece : Piece
    unit : float
        Value of one in the piece's h.

    Returns
    -------
    list of ndarray of float32, shape (n, 4, units)
        One a layer.
    """
    h = piece.h.astype(np.float32) * np.float32(unit)
    before, after = h[:-1], h[1:]
    first, *rest = model.layers
    out = [first.weight_ih.T[piece.symbols] + first.bias + before[:, 0] @ first.weight_hh.T]
    for k, layer in enumerate(rest, start=1):
        fed = after[:, k - 1] @ layer.weight_ih.T
        out.append(fed + before[:, k] @ layer.weight_hh.T + layer.bias)
    return [z.reshape(len(z), GATES, -1) for z in out]
