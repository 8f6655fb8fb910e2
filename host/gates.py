"""What the gates of a network do while it reads a text, on whatever it runs.

An accelerator tells its state after each character, h and c. Everything else of a character follows
from these by the integer arithmetic of the golden model, which is also the hardware's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.host.session import Session
from zynq_lstm.quant.analysis.datapath import activations, stages
from zynq_lstm.quant.analysis.run import Piece
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.formats import ACTIVATION, CELL, HIDDEN, LOGIT

Reals = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Reading:
    """What a network did at each of n symbols, as real numbers.

    Parameters
    ----------
    gates : dict of str to ndarray, shape (n, layers, units)
        ``i``, ``f`` and ``o`` from 0 to 1, ``g`` from -1 to 1.
    c, h : ndarray, shape (n, layers, units)
        The state after each character.
    logits : ndarray, shape (n, V)
        What is expected after each, as logarithms of probabilities but for a constant.
    """

    gates: dict[str, Reals]
    c: Reals
    h: Reals
    logits: Reals


def gates_of(session: Session, text: str) -> Reading:
    """Forget all, read a text symbol by symbol, and tell what happened in the network.

    Parameters
    ----------
    session : Session
        The text goes on from there afterwards.
    text : str
        At least one character.

    Raises
    ------
    UserError
        When the text is empty or has a character outside the vocabulary.
    AcceleratorError
        When the accelerator fails.
    """
    image = session.image
    symbols = image.vocabulary.encode(text)
    if not len(symbols):
        raise UserError("Text to look at must have at least one character")
    session.reset()
    states, logits = [session.state], []
    for symbol in symbols:
        logits.append(session.logits(image.vocabulary.decode([symbol]))[0])
        states.append(session.state)
    h, c = (np.stack([getattr(state, name) for state in states]) for name in ("h", "c"))
    piece = Piece(symbols, h, c, np.stack(logits))
    layers = [
        activations(stage.values)
        for stage in stages(image, piece)
        if stage.place == "preactivation"
    ]
    gates = {
        gate: np.stack([layer[gate] for layer in layers], axis=1) * ACTIVATION.lsb
        for gate in layers[0]
    }
    return Reading(gates, c[1:] * CELL.lsb, h[1:] * HIDDEN.lsb, piece.logits * LOGIT.lsb)
