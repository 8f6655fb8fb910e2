"""Every integer of the golden model before it is saturated, from its states alone.

`GoldenModel` keeps no sums, so that it is fast. They follow from the states before and after each
character: here for all characters of a piece at once, by the operators' own arithmetic but without
the saturation at its end. Saturated, they are what the golden model computed, bit by bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant import operators as op
from zynq_lstm.quant.analysis.run import Piece
from zynq_lstm.quant.formats import (
    ACCUMULATOR,
    CELL,
    HIDDEN,
    LOGIT,
    PARTIAL,
    PREACTIVATION,
    SCALED,
    Format,
)
from zynq_lstm.quant.image import Image

Integers = NDArray[np.int64]

TITLES = {"hh1": "layer 1, recurrent", "ih2": "layer 2, input", "hh2": "layer 2, recurrent"}
"""Matrices as people call them; the output layer is ``out``."""
TITLES["out"] = "output layer"


@dataclass(frozen=True)
class Stage:
    """The values of one place of the datapath before its saturation.

    Parameters
    ----------
    place : str
        Which quantity: a key of `PLACES`.
    of : str
        Matrix or layer that it belongs to.
    values : ndarray of int64
        Shape (n, units, 4) or (n, symbols) for sums, (n, units) for c and h.
    form : Format
        What they are saturated to, or are proved to fit.
    """

    place: str
    of: str
    values: Integers
    form: Format


PLACES = {
    "sum": "row sum",
    "scaled": "scaled sum",
    "partial": "stored partial sum",
    "preactivation": "pre-activation",
    "c": "cell state c",
    "h": "hidden state h",
    "logit": "logits",
}


def stages(image: Image, piece: Piece) -> list[Stage]:
    """Compute all stages of a golden piece, in the order of the datapath."""
    units = piece.h.shape[-1]
    before, after = piece.h[:-1], piece.h[1:]
    table = image.parameters.table[:, :units].astype(np.int64)
    first = _Row(image, "hh1", before[:, 0], units)
    out = list(first.stages())
    out.append(Stage("partial", "hh1", first.scaled, PARTIAL))
    out += _layer(piece, 0, first.scaled + table[piece.symbols])
    if image.config.layers == 2:
        recurrent = _Row(image, "hh2", before[:, 1], units)
        fed = _Row(image, "ih2", after[:, 0], units)
        partial = recurrent.scaled + recurrent.biases
        out += [*recurrent.stages(), Stage("partial", "hh2", partial, PARTIAL), *fed.stages()]
        out += _layer(piece, 1, fed.scaled + partial)
    head = _Row(image, "out", after[:, -1], units)
    return [*out, *head.stages(), Stage("logit", "out", head.scaled + head.biases, LOGIT)]


def activations(z: Integers) -> dict[str, Integers]:
    """The gates of a layer by their letters, in `ACTIVATION` format.

    Parameters
    ----------
    z : ndarray of int64, shape (n, units, 4)
        Its pre-activations, as of their stage.
    """
    i, f, g, o = np.moveaxis(op.saturate(z, PREACTIVATION), -1, 0)
    return {"i": op.sigmoid(i), "f": op.sigmoid(f), "g": op.tanh(g), "o": op.sigmoid(o)}


class _Row:
    """The rows of one matrix times h."""

    def __init__(self, image: Image, name: str, h: NDArray[Any], units: int) -> None:
        p = image.parameters
        rows = p.matrix(name)
        weights, scales = p.weights[rows], p.scales[rows].astype(np.int64)
        biases = p.biases[rows].astype(np.int64)
        columns = weights.shape[-1]
        if name == "out":  # One lane a symbol, without the last row's padding.
            weights = weights.reshape(-1, columns)[: p.symbols]
            scales, biases = scales.reshape(-1)[: p.symbols], biases.reshape(-1)[: p.symbols]
        else:
            weights, scales, biases = weights[:units], scales[:units], biases[:units]
        flat = weights.reshape(-1, columns)[:, :units].astype(np.float32)
        sums = (h.astype(np.float32) @ flat.T).astype(np.int64)  # Exact: below 2^24
        self.name, self.biases = name, biases
        self.sums = sums.reshape(len(h), *scales.shape)
        self.unsaturated = op.round_shift(self.sums * scales, op.REQUANTIZE_SHIFT)
        self.scaled = op.saturate(self.unsaturated, SCALED)

    def stages(self) -> list[Stage]:
        return [
            Stage("sum", self.name, self.sums, ACCUMULATOR),
            Stage("scaled", self.name, self.unsaturated, SCALED),
        ]


def _layer(piece: Piece, layer: int, z: Integers) -> list[Stage]:
    """The element-wise pass; z is (n, units, 4)."""
    of = f"layer {layer + 1}"
    i, f, g, o = activations(z).values()
    before, after = (c[:, layer].astype(np.int64) for c in (piece.c[:-1], piece.c[1:]))
    product = (i * g) >> op.INPUT_PRODUCT_SHIFT
    c = op.round_shift(f * before + product, op.CELL_PRODUCT_SHIFT)
    h = op.round_shift(o * op.tanh(after), op.HIDDEN_SHIFT)
    return [
        Stage("preactivation", of, z, PREACTIVATION),
        Stage("c", of, c, CELL),
        Stage("h", of, h, HIDDEN),
    ]
