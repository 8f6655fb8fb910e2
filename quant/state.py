"""The recurrent state of a model: what a sequence carries from one character to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass
class State:
    """Hidden and cell states.

    Parameters
    ----------
    h : ndarray of int8, shape (layers, ..., hidden)
        `HIDDEN` format.
    c : ndarray of int16, shape (layers, ..., hidden)
        `CELL` format.
    """

    h: NDArray[np.int8]
    c: NDArray[np.int16]

    @classmethod
    def zeros(cls, layers: int, hidden: int, batch: int | None = None) -> State:
        """The state after a reset."""
        shape = (layers, hidden) if batch is None else (layers, batch, hidden)
        return cls(np.zeros(shape, np.int8), np.zeros(shape, np.int16))

    def copy(self) -> State:
        """An independent copy."""
        return State(self.h.copy(), self.c.copy())

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, State)
            and np.array_equal(self.h, other.h)
            and np.array_equal(self.c, other.c)
        )

    @property
    def h1(self) -> NDArray[np.int8]:
        """h of the first layer."""
        return self.h[0]

    @property
    def c1(self) -> NDArray[np.int16]:
        """c of the first layer."""
        return self.c[0]

    @property
    def h2(self) -> NDArray[np.int8]:
        """h of the last layer."""
        return self.h[-1]

    @property
    def c2(self) -> NDArray[np.int16]:
        """c of the last layer."""
        return self.c[-1]
