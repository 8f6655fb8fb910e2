"""What a foreign model consists of, in one form for all readers, and the float model made of it.

The accelerator looks up the first layer's input in a table of a column a symbol. A one-hot input
is that already. An embedding in front is folded in: table = weight_ih @ embedding.T, multiplied in
float64 and rounded once, on operands of one memory layout, so that each reader gives equal bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.float_model import MODEL_UNITS, FloatModel, Floats, Layer
from zynq_lstm.quant.vocabulary import MAXIMUM_SYMBOLS, Vocabulary

Array = NDArray[Any]

MAXIMUM_LAYERS = 2


@dataclass(frozen=True)
class Cell:
    """One LSTM layer, rows ordered by gate (i, f, g, o), then unit, as in PyTorch.

    Parameters
    ----------
    weight_ih : ndarray, shape (4 * hidden, inputs)
    weight_hh : ndarray, shape (4 * hidden, hidden)
    bias_ih, bias_hh : ndarray or None, shape (4 * hidden,)
        Both are added; ``None`` is zero.
    """

    weight_ih: Array
    weight_hh: Array
    bias_ih: Array | None = None
    bias_hh: Array | None = None


@dataclass(frozen=True)
class Parts:
    """A character-level LSTM as a file holds it.

    Parameters
    ----------
    embedding : ndarray or None, shape (symbols, width)
        What the first layer gets for a symbol; ``None`` for a one-hot input.
    cells : tuple of Cell
    head_weight : ndarray, shape (symbols, hidden)
    head_bias : ndarray or None, shape (symbols,)
    vocabulary : object
        What the file says of its vocabulary: a list, a dict, or ``None``.
    """

    embedding: Array | None
    cells: tuple[Cell, ...]
    head_weight: Array
    head_bias: Array | None
    vocabulary: object = None

    @property
    def symbols(self) -> int:
        """Size of the vocabulary, by the output layer."""
        return int(self.head_weight.shape[0])


def float_model(parts: Parts, vocabulary: Vocabulary, name: str) -> FloatModel:
    """Put a model together.

    Parameters
    ----------
    parts : Parts
        Parts that `check_sizes` has seen.
    vocabulary : Vocabulary
        Of as many symbols.
    name : str
        What the model is called in errors.

    Raises
    ------
    UserError
        When a weight is no finite float32.
    """
    layers = []
    for k, cell in enumerate(parts.cells):
        where = f"LSTM layer {k + 1}"
        weight = _floats(cell.weight_ih, f"input weights of {where}", name)
        if k == 0 and parts.embedding is not None:
            weight = _folded(weight, _floats(parts.embedding, "the embedding", name), name)
        recurrent = _floats(cell.weight_hh, f"recurrent weights of {where}", name)
        layers.append(Layer(weight, recurrent, _bias(cell, recurrent.shape[0], where, name)))
    head = _floats(parts.head_weight, "weights of the output layer", name)
    bias = np.zeros(len(head), np.float32)
    if parts.head_bias is not None:
        bias = _floats(parts.head_bias, "biases of the output layer", name)
    return FloatModel(vocabulary, tuple(layers), head, bias)


def check_sizes(parts: Parts, name: str) -> None:
    """See that the shapes fit each other and the accelerator.

    Raises
    ------
    UserError
        When they do not; the sentence says what was found and what is possible.
    """
    if not 1 <= len(parts.cells) <= MAXIMUM_LAYERS:
        raise UserError(
            f"{name} must have 1 or {MAXIMUM_LAYERS} LSTM layers, as the accelerator has; "
            f"found {len(parts.cells)}"
        )
    _check_ranks(parts, name)
    units = [cell.weight_hh.shape[1] for cell in parts.cells]
    if len(set(units)) > 1:
        raise UserError(
            f"{name} must have as many hidden units in one LSTM layer as in the other, for the "
            f"accelerator's are of one size; found {' and '.join(map(str, units))}"
        )
    hidden = units[0]
    if hidden not in MODEL_UNITS:
        raise UserError(
            f"{name} must have from {MODEL_UNITS[0]} to {MODEL_UNITS[-1]} hidden units per layer, "
            f"as the accelerator holds; found {hidden}"
        )
    if not 2 <= parts.symbols <= MAXIMUM_SYMBOLS:
        raise UserError(
            f"{name} must have from 2 to {MAXIMUM_SYMBOLS} symbols, as the accelerator holds; "
            f"found {parts.symbols}"
        )
    width = parts.symbols if parts.embedding is None else parts.embedding.shape[1]
    _check(parts.embedding, (parts.symbols, width), "the embedding", name)
    rows = GATES * hidden
    for k, cell in enumerate(parts.cells):
        where, inputs = f"LSTM layer {k + 1}", width if k == 0 else hidden
        _check(cell.weight_hh, (rows, hidden), f"recurrent weights of {where}", name)
        _check(cell.weight_ih, (rows, inputs), f"input weights of {where}", name)
        for bias in (cell.bias_ih, cell.bias_hh):
            _check(bias, (rows,), f"biases of {where}", name)
    _check(parts.head_weight, (parts.symbols, hidden), "weights of the output layer", name)
    _check(parts.head_bias, (parts.symbols,), "biases of the output layer", name)


def _check_ranks(parts: Parts, name: str) -> None:
    matrices = {"weights of the output layer": parts.head_weight}
    if parts.embedding is not None:
        matrices["the embedding"] = parts.embedding
    for k, cell in enumerate(parts.cells):
        matrices[f"recurrent weights of LSTM layer {k + 1}"] = cell.weight_hh
    for what, matrix in matrices.items():
        if matrix.ndim != 2:
            raise UserError(f"{name} must hold a matrix for {what}, not the shape {matrix.shape}")


def _check(array: Array | None, shape: tuple[int, ...], what: str, name: str) -> None:
    if array is not None and array.shape != shape:
        raise UserError(
            f"{name} must hold {what} of the shape {shape}, which fits its other layers; "
            f"found {array.shape}"
        )


def _floats(array: Array, what: str, name: str) -> Floats:
    """Values as contiguous float32."""
    if array.dtype.kind != "f":
        raise UserError(f"{name} must hold {what} as floating-point numbers, not {array.dtype}")
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(array, np.float32)
    return _finite(values, what, name)


def _finite(values: Floats, what: str, name: str) -> Floats:
    if not np.isfinite(values).all():
        raise UserError(
            f"{name} must hold finite 32-bit floats; {what} have NaN, infinity or more than that"
        )
    return values


def _folded(weight: Floats, embedding: Floats, name: str) -> Floats:
    table = weight.astype(np.float64) @ embedding.astype(np.float64).T
    with np.errstate(over="ignore"):
        return _finite(table.astype(np.float32), "input weights times the embedding", name)


def _bias(cell: Cell, rows: int, where: str, name: str) -> Floats:
    total = np.zeros(rows, np.float32)
    for bias in (cell.bias_ih, cell.bias_hh):
        if bias is not None:
            with np.errstate(over="ignore"):
                total = total + _floats(bias, f"biases of {where}", name)
    return _finite(total, f"sums of the biases of {where}", name)
