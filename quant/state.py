"""The recurrent state of a model: what a sequence carries from one character to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.formats import CELL, HIDDEN


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

    @staticmethod
    def checked(state: object, layers: int, hidden: int) -> State:
        """A copy of what someone calls the state of one sequence.

        Raises
        ------
        UserError
            When it is no state, of other sizes, or holds anything but integers of the formats.
        """
        if not isinstance(state, State):
            raise UserError(f"State must be a State, not {type(state).__name__}")
        h, c = np.asarray(state.h), np.asarray(state.c)
        shape = (layers, hidden)
        if h.shape != shape or c.shape != shape:
            raise UserError(
                f"State must have h and c of the shape {shape}, not {h.shape} and {c.shape}"
            )
        for name, values, form in (("h", h, HIDDEN), ("c", c, CELL)):
            if values.dtype.kind not in "iu":
                raise UserError(f"State must have integers in {name}, not {values.dtype}")
            least, greatest = int(values.min()), int(values.max())
            if least < form.minimum or greatest > form.maximum:
                raise UserError(
                    f"State must have {name} from {form.minimum} to {form.maximum}, "
                    f"not {least} to {greatest}"
                )
        return State(h.astype(np.int8), c.astype(np.int16))

    def sequence(self, k: int) -> State:
        """Of states of several sequences, shape (layers, batch, hidden), one; not a copy."""
        return State(self.h[:, k], self.c[:, k])

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
        """h of the first layer, shape (..., hidden)."""
        return self.h[0]

    @property
    def c1(self) -> NDArray[np.int16]:
        """c of the first layer, shape (..., hidden)."""
        return self.c[0]

    @property
    def h2(self) -> NDArray[np.int8]:
        """h of the last layer, shape (..., hidden)."""
        return self.h[-1]

    @property
    def c2(self) -> NDArray[np.int16]:
        """c of the last layer, shape (..., hidden)."""
        return self.c[-1]
