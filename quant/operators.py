"""Every integer operator of the datapath, once, in numpy; `hw/` has a component of each name.

All work elementwise on integer arrays of any shape (at least 32 bits wide inside) and are exact:
rounding and saturation happen only where a docstring says so. Rounding is always "half up":
add half of the last kept unit, then shift right arithmetically (floor).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.formats import (
    ACTIVATION,
    CELL,
    GUMBEL,
    HIDDEN,
    LOGIT,
    PREACTIVATION,
    SCALE,
    SCALED,
    SCORE,
    TEMPERATURE,
    Format,
)
from zynq_lstm.quant.tables import TANH_ADDRESS_BITS, tanh_table

Integers = NDArray[np.int64]
"""Any integer array; results are int64 unless said otherwise."""

REQUANTIZE_SHIFT = SCALE.fraction
CELL_PRODUCT_SHIFT = ACTIVATION.fraction
INPUT_PRODUCT_SHIFT = ACTIVATION.fraction - CELL.fraction
HIDDEN_SHIFT = 2 * ACTIVATION.fraction - HIDDEN.fraction
NOISE_SHIFT = TEMPERATURE.fraction + GUMBEL.fraction - SCORE.fraction
LOGIT_TO_SCORE_SHIFT = SCORE.fraction - LOGIT.fraction
TANH_CELL_SHIFT = 2
"""tanh: a cell of the table is 4 LSB of Q4.11 wide, 2^-9; the table ends at 4."""
SIGMOID_CELL_SHIFT = 3
"""sigmoid(x) = (1 + tanh(x / 2)) / 2: a cell is 8 LSB wide, 2^-8; the table ends at 8."""

_TANH = tanh_table()


def saturate(x: Integers, form: Format) -> Integers:
    """Clip to the range of ``form``."""
    return np.clip(x, form.minimum, form.maximum)


def round_shift(x: Integers, shift: int) -> Integers:
    """``x / 2^shift``, rounded half up."""
    return (x + (1 << (shift - 1))) >> shift


def requantize(accumulator: Integers, scale: Integers) -> Integers:
    """Row sum (`ACCUMULATOR`) times row scale (`SCALE`) → `SCALED`: rounded, then saturated."""
    product = np.asarray(accumulator, np.int64) * np.asarray(scale, np.int64)
    return saturate(round_shift(product, REQUANTIZE_SHIFT), SCALED)


def preactivation(scaled: Integers, addend: Integers) -> Integers:
    """Sum of two parts of a row in Q.11, saturated to `PREACTIVATION`."""
    return saturate(np.add(scaled, addend, dtype=np.int64), PREACTIVATION)


def logit(scaled: Integers, bias: Integers) -> Integers:
    """Sum of a requantized output row and its bias in Q.10, saturated to `LOGIT`."""
    return saturate(np.add(scaled, bias, dtype=np.int64), LOGIT)


def tanh_word(x: Integers, cell_shift: int) -> Integers:
    """Word of the table of tanh that is read: the sign is folded with ones' complement."""
    x = np.asarray(x, np.int64)
    return np.minimum((x ^ (x >> 63)) >> cell_shift, (1 << TANH_ADDRESS_BITS) - 1)


def _tanh_by_table(x: Integers, cell_shift: int, table: Integers) -> Integers:
    """Odd function by table; ones' complement mirrors cells exactly."""
    return table[tanh_word(x, cell_shift)] ^ (np.asarray(x, np.int64) >> 63)


def tanh(x: Integers, table: Integers = _TANH) -> Integers:
    """`PREACTIVATION` or `CELL` (Q4.11) → `ACTIVATION` (Q0.15)."""
    return _tanh_by_table(x, TANH_CELL_SHIFT, table)


def sigmoid(x: Integers, table: Integers = _TANH) -> Integers:
    """`PREACTIVATION` (Q4.11) → 0 … 32767, Q0.15, from the table of tanh."""
    odd = _tanh_by_table(x, SIGMOID_CELL_SHIFT, table)
    return (odd + (1 << ACTIVATION.fraction)) >> 1


def cell_update(i: Integers, f: Integers, g: Integers, c: Integers) -> Integers:
    """c' = f * c + i * g → `CELL`: i * g is floored to Q.26, the sum rounded, then saturated."""
    total = f * c + ((i * g) >> INPUT_PRODUCT_SHIFT)
    return saturate(round_shift(total, CELL_PRODUCT_SHIFT), CELL)


def hidden_output(o: Integers, tanh_c: Integers) -> Integers:
    """h = o * tanh(c) → `HIDDEN`, rounded, then saturated."""
    return saturate(round_shift(o * tanh_c, HIDDEN_SHIFT), HIDDEN)


def sampling_score(logits: Integers, temperature: int, noise: Integers) -> Integers:
    """logit + temperature * noise → `SCORE`; the product is rounded. Nothing can overflow."""
    product = round_shift(np.asarray(noise, np.int64) * temperature, NOISE_SHIFT)
    return (np.asarray(logits, np.int64) << LOGIT_TO_SCORE_SHIFT) + product
