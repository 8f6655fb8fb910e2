"""Random symbols, the same in numpy and on the chip: xorshift64 and the Gumbel-max trick.

The next symbol is argmax(logit + T * g) with g = -ln(-ln u) (Gumbel 1954; the trick that this is a
draw from softmax(logit / T) is in Maddison, Tarlow and Minka 2014). T = 0 gives the most likely
symbol. Equal scores go to the lower symbol. u comes from one step of xorshift64 (Marsaglia 2003,
shifts 13, 7, 17) for every four logits, 15 bits each, from bits 16 * lane up.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.formats import TEMPERATURE
from zynq_lstm.quant.operators import sampling_score
from zynq_lstm.quant.tables import (
    GUMBEL_COARSE_BITS,
    GUMBEL_RANDOM_BITS,
    GUMBEL_TAIL_BITS,
    gumbel_table,
)

SEED_BITS = 64
"""Of the generator's state."""
LANE_BITS = SEED_BITS // GATES
MASK64 = (1 << SEED_BITS) - 1
MAXIMUM_TEMPERATURE = TEMPERATURE.maximum * TEMPERATURE.lsb

_GUMBEL = gumbel_table()


def encode_temperature(temperature: float) -> int:
    """Temperature as `TEMPERATURE` (Q4.12), rounded to nearest.

    Raises
    ------
    UserError
        When it is not a number from 0 to 15.9998.
    """
    kinds = (int, float, np.integer, np.floating)
    number = isinstance(temperature, kinds) and not isinstance(temperature, bool)
    if not number or not 0 <= temperature <= MAXIMUM_TEMPERATURE:  # not a NaN either
        raise UserError(
            f"Temperature must be a number from 0 (most likely symbol) to "
            f"{MAXIMUM_TEMPERATURE:.4f}, not {temperature}"
        )
    code = round(float(temperature) * 2**TEMPERATURE.fraction)
    if temperature > 0 and code == 0:
        raise UserError(
            f"Temperature must be 0 or at least {TEMPERATURE.lsb:.6f}, not {temperature}"
        )
    return code


def seed_state(seed: int) -> int:
    """State of the generator for a seed: splitmix64 (Steele, Lea and Flood 2014), never zero.

    Parameters
    ----------
    seed : int
        0 to 2^64 - 1.

    Raises
    ------
    UserError
        When the seed is out of range.
    """
    integer = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not integer or not 0 <= int(seed) <= MASK64:
        raise UserError(f"Seed must be an integer from 0 to 2^64 - 1, not {seed}")
    z = (int(seed) + 0x9E3779B97F4A7C15) & MASK64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK64
    return (z ^ (z >> 31)) or 1


def xorshift64(x: int) -> int:
    """Next state of the generator."""
    x ^= (x << 13) & MASK64
    x ^= x >> 7
    return x ^ ((x << 17) & MASK64)


def advanced(state: int, steps: int) -> int:
    """State of the generator after some steps.

    A step is linear over GF(2), so that it is a matrix, and 2^k steps are its k-th square: a
    thousand million steps take as long as thirty.

    Parameters
    ----------
    state : int
        64 bits.
    steps : int
        At least 0; a character takes one for every four symbols of the model.
    """
    k = 0
    while steps >> k:
        if steps >> k & 1:
            state = _times(_leap(k), state)
        k += 1
    return state


def _times(columns: tuple[int, ...], vector: int) -> int:
    """Product over GF(2) of a matrix, as its 64 columns, and a vector."""
    product = 0
    for i, column in enumerate(columns):
        if vector >> i & 1:
            product ^= column
    return product


@cache
def _leap(k: int) -> tuple[int, ...]:
    """2^k steps, as the columns of a matrix."""
    if k == 0:
        return tuple(xorshift64(1 << i) for i in range(64))
    half = _leap(k - 1)
    return tuple(_times(half, column) for column in half)


def gumbel_address(u: NDArray[np.int64]) -> NDArray[np.int64]:
    """Addresses in the Gumbel table of 15-bit uniform numbers, of any shape."""
    tail = (u >> GUMBEL_COARSE_BITS) == (1 << GUMBEL_TAIL_BITS) - 1
    fine = (1 << GUMBEL_COARSE_BITS) | (u & ((1 << GUMBEL_COARSE_BITS) - 1))
    return np.where(tail, fine, u >> GUMBEL_TAIL_BITS)


class Sampler:
    """The sampler of one or more independent sequences.

    Parameters
    ----------
    states : array_like of int, shape (batch,)
        States of the generators, from `seed_state`.
    temperature : int
        `TEMPERATURE` format.
    symbols : int
    """

    def __init__(self, states: object, temperature: int, symbols: int) -> None:
        self.states = np.array(states, np.uint64).reshape(-1)
        self.temperature = temperature
        self.symbols = symbols
        self.rows = -(-symbols // GATES)

    def noise(self) -> NDArray[np.int64]:
        """Advance by one character: Gumbel noise, `GUMBEL` format, shape (batch, symbols)."""
        return _GUMBEL[self.noise_words()]

    def noise_words(self) -> NDArray[np.int64]:
        """Advance by one character: words of the table of noise, shape (batch, symbols)."""
        batch = len(self.states)
        words = np.empty((batch, self.rows), np.uint64)
        if batch <= _PLAIN_INTEGERS_UP_TO:
            for b in range(batch):
                x = int(self.states[b])
                for r in range(self.rows):
                    x = xorshift64(x)
                    words[b, r] = x
                self.states[b] = x
        else:
            x_all = self.states
            for r in range(self.rows):
                x_all = x_all ^ (x_all << np.uint64(13))
                x_all = x_all ^ (x_all >> np.uint64(7))
                x_all = x_all ^ (x_all << np.uint64(17))
                words[:, r] = x_all
            self.states = x_all
        lanes = words.astype("<u8").view("<u2").reshape(batch, self.rows * GATES)
        u = (lanes & ((1 << GUMBEL_RANDOM_BITS) - 1)).astype(np.int64)
        return gumbel_address(u[:, : self.symbols])

    def draw(self, logits: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Next symbols from logits (batch, symbols), `LOGIT` format."""
        scores = sampling_score(logits, self.temperature, self.noise())
        return np.argmax(scores, axis=-1).astype(np.uint8)


_PLAIN_INTEGERS_UP_TO = 4
"""Python's own integers step few generators faster than numpy's arrays do."""
