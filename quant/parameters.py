"""The integers of a quantized model, as matrices; what a quantizer makes and an image carries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import GATES, Config

MATRICES_WITHOUT_BIAS = ("ih2", "hh1")
"""Matrices whose rows have no bias: layer 1's is in the input table, layer 2's in hh2's rows."""


@dataclass(frozen=True)
class Parameters:
    """A quantized model, padded to the sizes of a `Config`.

    Rows of the recurrent matrices are ordered by unit, then gate: row ``4 * unit + gate`` with the
    gates i, f, g, o; rows of the output layer by symbol. Both read as "four lanes a step".

    Parameters
    ----------
    config : Config
    symbols : int
        Symbols of the model, 2 to ``config.symbols``.
    weights : ndarray of int8, shape (rows, 4, hidden)
        Rows as the engine walks them: with two layers W_ih2, W_hh1, W_hh2, then the output layer;
        with one layer W_hh1, then the output layer. `WEIGHT` format.
    scales : ndarray of uint16, shape (rows, 4)
        `SCALE` format.
    biases : ndarray of int16, shape (rows, 4)
        `PREACTIVATION` format in W_hh2's rows (the second layer's bias), `LOGIT` format in the
        output layer's, zero elsewhere.
    table : ndarray of int16, shape (symbols, hidden, 4)
        Input weights of layer 1 plus its biases, `PREACTIVATION` format.
    """

    config: Config
    symbols: int
    weights: NDArray[np.int8]
    scales: NDArray[np.uint16]
    biases: NDArray[np.int16]
    table: NDArray[np.int16]

    def __post_init__(self) -> None:
        rows, hidden = row_count(self.config, self.symbols), self.config.hidden
        shapes = {
            "weights": (rows, GATES, hidden),
            "scales": (rows, GATES),
            "biases": (rows, GATES),
            "table": (self.symbols, hidden, GATES),
        }
        for name, shape in shapes.items():
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"Array {name} must have the shape {shape}, not {found}")

    def matrix(self, name: str) -> slice:
        """Rows of the matrix ``ih2``, ``hh1``, ``hh2`` or ``out``."""
        return matrix_rows(self.config, self.symbols)[name]


def row_count(config: Config, symbols: int) -> int:
    """Rows of four lanes that a character walks through."""
    return config.matrices * config.hidden + config.output_rows(symbols)


def matrix_rows(config: Config, symbols: int) -> dict[str, slice]:
    """Rows of each matrix, in the order of the weight memories."""
    names = ("ih2", "hh1", "hh2") if config.layers == 2 else ("hh1",)
    h = config.hidden
    rows = {name: slice(k * h, (k + 1) * h) for k, name in enumerate(names)}
    first = len(names) * h
    rows["out"] = slice(first, first + config.output_rows(symbols))
    return rows
