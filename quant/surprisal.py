"""Surprisal of a symbol, -log2 softmax(logits)[symbol], in the integers of the chip.

With d_j the distance of logit j from the greatest, and d that of the symbol that came:

    surprisal = log2(sum over j of exp(-d_j)) + d * log2(e)

The exponential of d is that of its upper bits times that of its lower bits, by two tables and one
product, so it has no error but rounding. The greatest logit gives exactly 1, so the sum lies
between 1 and the number of symbols: it is normalised by shifting, and the logarithm of what
remains, 1 to 2, is one of 64 straight lines. All is exact but where a docstring says "rounded".
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zynq_lstm.quant.formats import LOGIT, Format
from zynq_lstm.quant.operators import round_shift

Integers = NDArray[np.int64]

DISTANCE = Format(16, LOGIT.fraction, signed=False)
"""Greatest logit minus a logit, Q6.10, in nats."""

EXP_HIGH = Format(21, 20, signed=False)
"""exp of the upper bits of a distance, Q1.20; 1 is its greatest value."""

EXP_LOW = Format(17, 16, signed=False)
"""exp of the lower bits, Q1.16; 1 is its greatest value."""

TERM = Format(21, 20, signed=False)
"""exp(-distance), Q1.20; 1 is its greatest value."""

TOTAL = Format(29, 20, signed=False)
"""Sum of up to 256 terms, Q9.20; 1 is its least value, 256 its greatest."""

LOG_BASE = Format(16, 16, signed=False)
"""log2 of a mantissa at the start of one of the lines, Q0.16."""

LOG_SLOPE = Format(11, 10, signed=False)
"""Slope of a line, Q1.10."""

LOG2_E = Format(17, 16, signed=False)
"""log2(e), Q1.16."""

SUMMAND = Format(23, 16, signed=False)
"""log2 of a total, or a distance in bits, Q7.16."""

SURPRISAL = Format(16, 9, signed=False)
"""Surprisal in bits, Q7.9. The greatest, 256 symbols and the greatest distance, is 100.4."""

DISTANCE_LOW_BITS = 7
DISTANCE_HIGH_BITS = 7
"""Distances from 2^(7 + 7) on, 16 nats, give 0: exp(-16) is a ninth of the last bit of `TERM`."""

LOG_LINE_BITS = 6
LOG_FRACTION_BITS = 10
"""Bits of the mantissa that choose the line, and those that go along it; the rest is cut off."""

TERM_SHIFT = EXP_HIGH.fraction + EXP_LOW.fraction - TERM.fraction
DISTANCE_SHIFT = DISTANCE.fraction + LOG2_E.fraction - SUMMAND.fraction
LINE_SHIFT = LOG_LINE_BITS + LOG_FRACTION_BITS + LOG_SLOPE.fraction - SUMMAND.fraction
SURPRISAL_SHIFT = SUMMAND.fraction - SURPRISAL.fraction
TOTAL_EXPONENT = TOTAL.bits - 1 - TOTAL.fraction
"""Exponent of a total whose highest bit is set."""

LOG2_E_CODE = round(math.log2(math.e) * 2**LOG2_E.fraction)


def exp_high_table() -> Integers:
    """exp(-k / 8).

    Returns
    -------
    ndarray of int64, shape (128,)
        `EXP_HIGH`, rounded to nearest.
    """
    step = 2.0 ** (DISTANCE_LOW_BITS - DISTANCE.fraction)
    return _exponentials(np.arange(1 << DISTANCE_HIGH_BITS) * step, EXP_HIGH)


def exp_low_table() -> Integers:
    """exp(-k / 1024).

    Returns
    -------
    ndarray of int64, shape (128,)
        `EXP_LOW`, rounded to nearest.
    """
    return _exponentials(np.arange(1 << DISTANCE_LOW_BITS) * DISTANCE.lsb, EXP_LOW)


def _exponentials(x: NDArray[np.floating[Any]], form: Format) -> Integers:
    return np.rint(np.exp(-x) * 2**form.fraction).astype(np.int64)


def log_tables() -> tuple[Integers, Integers]:
    """The lines for log2 from 1 to 2.

    A line has the slope of the chord and is as high as makes its mean error zero, also that of
    the bits cut off.

    Returns
    -------
    base, slope : ndarray of int64, shape (64,)
        `LOG_BASE` and `LOG_SLOPE`, rounded to nearest.
    """
    lines, points = 1 << LOG_LINE_BITS, 1 << LOG_FRACTION_BITS
    start = 1 + np.arange(lines) / lines
    chord = (np.log2(start + 1 / lines) - np.log2(start)) * lines
    slope = np.rint(chord * 2**LOG_SLOPE.fraction).astype(np.int64)
    along = np.arange(points)
    exact = np.log2(start[:, None] + (along + 0.5) / (points * lines)) * 2**SUMMAND.fraction
    base = np.rint((exact - round_shift(slope[:, None] * along, LINE_SHIFT)).mean(axis=1))
    return base.astype(np.int64), slope


_EXP_HIGH, _EXP_LOW = exp_high_table(), exp_low_table()
_LOG_BASE, _LOG_SLOPE = log_tables()


def exponential(
    distance: ArrayLike, high_table: Integers = _EXP_HIGH, low_table: Integers = _EXP_LOW
) -> Integers:
    """exp(-distance), `DISTANCE` → `TERM`, rounded; 0 from 16 nats on."""
    d = np.asarray(distance, np.int64)
    low = d & ((1 << DISTANCE_LOW_BITS) - 1)
    high = np.minimum(d >> DISTANCE_LOW_BITS, (1 << DISTANCE_HIGH_BITS) - 1)
    vanishes = d >> (DISTANCE_LOW_BITS + DISTANCE_HIGH_BITS) > 0
    return np.where(vanishes, 0, round_shift(high_table[high] * low_table[low], TERM_SHIFT))


def logarithm(
    total: ArrayLike, base: Integers = _LOG_BASE, slope: Integers = _LOG_SLOPE
) -> Integers:
    """log2(total), `TOTAL` → `SUMMAND`; the product with the slope is rounded."""
    mantissa = np.array(total, np.int64)
    exponent = np.full(mantissa.shape, TOTAL_EXPONENT, np.int64)
    for _ in range(TOTAL_EXPONENT):
        shifts = mantissa >> (TOTAL.bits - 1) == 0
        mantissa = np.where(shifts, mantissa << 1, mantissa)
        exponent -= shifts
    bits = mantissa >> (TOTAL.bits - 1 - LOG_LINE_BITS - LOG_FRACTION_BITS)
    along = bits & ((1 << LOG_FRACTION_BITS) - 1)
    line = (bits >> LOG_FRACTION_BITS) & ((1 << LOG_LINE_BITS) - 1)
    rise = round_shift(slope[line] * along, LINE_SHIFT)
    return (exponent << SUMMAND.fraction) + base[line] + rise


def distance_in_bits(distance: ArrayLike) -> Integers:
    """distance * log2(e), `DISTANCE` → `SUMMAND`, rounded."""
    return round_shift(np.asarray(distance, np.int64) * LOG2_E_CODE, DISTANCE_SHIFT)


def surprisal(logits: ArrayLike, targets: ArrayLike) -> Integers:
    """Surprisal of the symbols that came, rounded; nothing can overflow.

    Parameters
    ----------
    logits : array_like of int, shape (..., V)
        `LOGIT` format; V up to 256.
    targets : array_like of int, shape (...)
        0 to V - 1.

    Returns
    -------
    ndarray of int64, shape (...)
        `SURPRISAL` format.
    """
    x = np.asarray(logits, np.int64)
    distances = x.max(axis=-1, keepdims=True) - x
    chosen = np.asarray(targets, np.int64)[..., None]
    distance = np.take_along_axis(distances, chosen, axis=-1)[..., 0]
    total = exponential(distances).sum(axis=-1)
    return round_shift(logarithm(total) + distance_in_bits(distance), SURPRISAL_SHIFT)
