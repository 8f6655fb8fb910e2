"""A float model and its golden model side by side: the same text, each with its own state.

A long text is read in pieces. Of each, both models' states and logits are kept, and everything
else is computed from these for all characters at once: only what must be done one character after
the other is done so, and the golden model itself needs no taps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.float_model import FloatModel, FloatRun
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image

PIECE = 1024
"""Characters of a piece; it bounds the memory and does not change the results."""


@dataclass(frozen=True)
class Piece:
    """What one model did at each of n characters.

    Parameters
    ----------
    symbols : ndarray of int, shape (n,)
        The characters that it was fed.
    h, c : ndarray, shape (n + 1, layers, hidden)
        Its state: before the first character, then after each. Float32, or int8 in `HIDDEN` and
        int16 in `CELL` format.
    logits : ndarray, shape (n, V)
        Its prediction after each character. Float32, or int16 in `LOGIT` format.
    """

    symbols: NDArray[np.integer[Any]]
    h: NDArray[Any]
    c: NDArray[Any]
    logits: NDArray[Any]


def pieces(
    model: FloatModel, image: Image, symbols: NDArray[np.integer[Any]], size: int = PIECE
) -> Iterator[tuple[Piece, Piece]]:
    """Let both models read a text from a zero state; yield the float and the golden pieces.

    Parameters
    ----------
    model : FloatModel
    image : Image
        Made of the model; the units that pad it are left out of the pieces.
    symbols : ndarray of int, shape (n,)
        n >= 1.
    size : int
        Characters of a piece.

    Raises
    ------
    UserError
        When model and image are not of the same kind.
    """
    check_alike(model, image)
    reference, golden = FloatRun(model), GoldenModel(image)
    for start in range(0, len(symbols), size):
        part = symbols[start : start + size]
        yield _float_piece(reference, part), _golden_piece(golden, part, model.hidden)


def check_alike(model: FloatModel, image: Image) -> None:
    """See that an image could have been made of a model.

    Raises
    ------
    UserError
        When vocabularies or sizes differ.
    """
    if model.vocabulary != image.vocabulary:
        raise UserError(
            f"Model and image must have the same vocabulary, but one has {len(model.vocabulary)} "
            f"characters and the other {image.symbols}, in this order; quantize the model again"
        )
    if len(model.layers) != image.config.layers or model.hidden > image.config.hidden:
        raise UserError(
            f"Image must hold the model's {len(model.layers)} layers of {model.hidden} units, "
            f"but it has {image.config.layers} of {image.config.hidden}; quantize the model again"
        )


def _float_piece(run: FloatRun, symbols: NDArray[np.integer[Any]]) -> Piece:
    h, c, logits = [np.stack(run.h)], [np.stack(run.c)], []
    for symbol in symbols:
        logits.append(run.step(symbol))
        h.append(np.stack(run.h))
        c.append(np.stack(run.c))
    return Piece(symbols, np.stack(h), np.stack(c), np.stack(logits))


def _golden_piece(golden: GoldenModel, symbols: NDArray[np.integer[Any]], units: int) -> Piece:
    states, logits = [golden.state], []
    for symbol in symbols:
        logits.append(golden.step(int(symbol)))
        states.append(golden.state)
    return Piece(
        symbols,
        np.stack([state.h[:, :units] for state in states]),
        np.stack([state.c[:, :units] for state in states]),
        np.stack(logits).astype(np.int16),
    )
