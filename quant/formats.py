"""The fixed-point formats of the whole design, each with its one name.

A format Qm.n has m integer bits (without the sign) and n fraction bits: value = integer / 2^n.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """A fixed-point format.

    Parameters
    ----------
    bits : int
        Width, with the sign.
    fraction : int
        Fraction bits.
    signed : bool
    """

    bits: int
    fraction: int
    signed: bool = True

    @property
    def minimum(self) -> int:
        """Least integer."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def maximum(self) -> int:
        """Greatest integer."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    @property
    def lsb(self) -> float:
        """Value of one."""
        return 2.0**-self.fraction


WEIGHT = Format(8, 0)
"""int8 in units of the row's scale; limited to +-127, so that a pair of products never collides."""


def weight_limit(bits: int) -> int:
    """Greatest magnitude of a weight of so many bits: 127 of 8, 7 of 4; rows are symmetric."""
    return (1 << (bits - 1)) - 1


def output_limit(weight_bits: int, output_bits: int) -> int:
    """The same of the output layer's weights, in an engine for weights of ``weight_bits``.

    Where they have twice as many bits, of two multipliers one takes the sixteens, from -7 to 7,
    and one the ones, from -8 to 7: then it is 119.
    """
    limit = weight_limit(weight_bits)
    return limit if output_bits == weight_bits else (limit << weight_bits) + limit


WEIGHT_LIMIT = weight_limit(WEIGHT.bits)

HIDDEN = Format(8, 7)
"""Hidden state h, Q0.7."""

CELL = Format(16, 11)
"""Cell state c, Q4.11, saturating."""

ACCUMULATOR = Format(22, 7)
"""Sum of 128 products of weight and h: at most 128 * 127 * 128 < 2^21 in magnitude."""

SCALE = Format(16, 14, signed=False)
"""Row scale: accumulator to `SCALED`."""

SCALED = Format(17, 11)
"""A requantized row sum, Q5.11 (logits: Q6.10), saturating."""

PARTIAL = Format(18, 11)
"""A stored row sum, Q6.11: `SCALED` plus a bias of 16 bits, which cannot overflow."""

PREACTIVATION = Format(16, 11)
"""Input of the activations, Q4.11, saturating; biases and input table rows have it too."""

LOGIT = Format(16, 10)
"""Logits and the output layer's biases, Q5.10, saturating."""

ACTIVATION = Format(16, 15)
"""Output of tanh, Q0.15; sigmoid uses its non-negative half."""

TEMPERATURE = Format(16, 12, signed=False)
"""Temperature, Q4.12."""

GUMBEL = Format(18, 13)
"""Gumbel noise, Q4.13."""

SCORE = Format(21, 12)
"""logit + temperature * noise, Q8.12: what the sampler compares."""
