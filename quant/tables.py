"""Contents of the look-up tables that do not depend on a model: tanh and Gumbel noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.formats import ACTIVATION, GUMBEL

TANH_ADDRESS_BITS = 11
TANH_RANGE = 4.0
"""The table covers [0, 4); beyond, its last entry holds (1 - tanh(4) is 0.0007)."""

GUMBEL_COARSE_BITS = 10
GUMBEL_TAIL_BITS = 5
"""Uniform numbers whose first five bits are ones (the highest 1/32) use the fine half."""
GUMBEL_RANDOM_BITS = GUMBEL_COARSE_BITS + GUMBEL_TAIL_BITS


def tanh_table() -> NDArray[np.int64]:
    """tanh at the centre of each cell of [0, 4).

    Returns
    -------
    ndarray of int64, shape (2048,)
        0 … 32767, Q0.15, rounded to nearest.
    """
    cells = 1 << TANH_ADDRESS_BITS
    centre = (np.arange(cells) + 0.5) * (TANH_RANGE / cells)
    values = np.rint(np.tanh(centre) * 2**ACTIVATION.fraction).astype(np.int64)
    return np.minimum(values, ACTIVATION.maximum)


def gumbel_table() -> NDArray[np.int64]:
    """Gumbel noise -ln(-ln u) at the centre of each cell of u.

    The first 1,024 entries divide (0, 1) evenly (the last 32 of them are never read); the second
    1,024 divide the highest 1/32 of it evenly, for the maximum of many draws nearly always comes
    from there.

    Returns
    -------
    ndarray of int64, shape (2048,)
        Q4.13, rounded to nearest.
    """
    cells = 1 << GUMBEL_COARSE_BITS
    tail = 2.0**-GUMBEL_TAIL_BITS
    centre = (np.arange(cells) + 0.5) / cells
    u = np.concatenate([centre, 1 - tail + centre * tail])
    return np.rint(-np.log(-np.log(u)) * 2**GUMBEL.fraction).astype(np.int64)
