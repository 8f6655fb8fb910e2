"""What a session gives back: a score, and the state of a text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.state import State


@dataclass(frozen=True, eq=False)
class Score:
    """How well a model predicted a text.

    Parameters
    ----------
    surprisals : ndarray of float64, shape (characters - 1,)
        -log2 p in bits of each character but the first, which is given: that of ``text[k + 1]``
        stands at ``k``. Multiples of 1/512, as the accelerator gives them.
    """

    surprisals: NDArray[np.float64]

    @property
    def characters(self) -> int:
        """Characters of the text."""
        return len(self.surprisals) + 1

    @property
    def predictions(self) -> int:
        """Characters that were predicted, all but the first."""
        return len(self.surprisals)

    @property
    def bits(self) -> float:
        """Sum of the surprisals; exact, for up to 2^35 characters."""
        return float(self.surprisals.sum())

    @property
    def bits_per_character(self) -> float:
        """Mean surprisal of the predicted characters, in bits."""
        return self.bits / self.predictions


@dataclass(eq=False)
class TextState(State):
    """All that a text needs to go on later: the network's state and the pending character.

    Parameters
    ----------
    h, c
        As of `State`.
    pending : str, optional
        The character that is part of the text but has not been fed.
    """

    pending: str | None = None

    def copy(self) -> TextState:
        """An independent copy."""
        return TextState(self.h.copy(), self.c.copy(), self.pending)

    def __eq__(self, other: object) -> bool:
        """Equal to another one with the same pending character, and to the plain `State` in it."""
        pending = other.pending if isinstance(other, TextState) else self.pending
        return super().__eq__(other) and pending == self.pending
