"""A pair of multipliers of which some bits of an operand are stuck: what it computes then.

The pair is that of `layout.pack_pairs`, as a DSP48E1 has it: two weights in one operand of 25 bits,
h in one of 18. A pair in LUTs computes the same of its 16 bits of weights and 8 of h; the copies of
sign bits it does not have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.formats import HIDDEN, WEIGHT

Integers = NDArray[np.int64]

PAIR_BITS = 2 * WEIGHT.bits
A_BITS = 25
B_BITS = 18
_PRODUCT_BITS = 16


@dataclass(frozen=True)
class Stuck:
    """Bits of the operands that stand at one value.

    Parameters
    ----------
    name : str
        What they are called.
    a, b : int
        Masks: of the operand with the weights, and of that with h.
    value : int
        0 or 1.
    dsp : bool
        Only a DSP48E1 has them.
    """

    name: str
    a: int
    b: int
    value: int
    dsp: bool = False

    def __str__(self) -> str:
        return f"{self.name} stuck at {self.value}"


def stuck_operands() -> list[Stuck]:
    """All stuck bits of a pair's operands, those of the copies of sign bits last."""
    bits = [(f"bit {k} of its weights", *_weight_mask(k)) for k in range(PAIR_BITS)]
    bits += [(f"bit {k} of its h", *hidden_mask(k)) for k in range(HIDDEN.bits)]
    copies = [*range(WEIGHT.bits - 1, _PRODUCT_BITS), A_BITS - 2, A_BITS - 1]
    ports = [(f"bit {k} of its port A", 1 << k, 0) for k in copies]
    ports += [(f"bit {k} of its port B", 0, 1 << k) for k in range(HIDDEN.bits - 1, B_BITS)]
    return [
        Stuck(name, a, b, value, dsp)
        for dsp, masks in ((False, bits), (True, ports))
        for name, a, b in masks
        for value in (0, 1)
    ]


def _weight_mask(k: int) -> tuple[int, int]:
    """Where a bit of a packed pair stands in the operand of 25 bits."""
    low = WEIGHT.bits - 1
    if k < low:
        return 1 << k, 0
    if k == low:
        return (1 << _PRODUCT_BITS) - (1 << low), 0
    above = k + _PRODUCT_BITS - WEIGHT.bits
    return (1 << above if k < PAIR_BITS - 1 else 3 << above), 0


def hidden_mask(k: int) -> tuple[int, int]:
    """Where a bit of h stands in the operand of 18 bits."""
    sign = HIDDEN.bits - 1
    return 0, (1 << k if k < sign else (1 << B_BITS) - (1 << sign))


def products(pairs: Integers, h: Integers, stuck: Stuck) -> tuple[Integers, Integers]:
    """Both products of packed pairs and h, which broadcast."""
    low, high = pairs & 0xFF, pairs >> WEIGHT.bits
    low = _signed(low, WEIGHT.bits) & ((1 << _PRODUCT_BITS) - 1)
    a = _with(low | _signed(high, WEIGHT.bits) << _PRODUCT_BITS, A_BITS, stuck.a, stuck.value)
    total = a * _with(h, B_BITS, stuck.b, stuck.value) + (1 << (_PRODUCT_BITS - 1))
    lower = total & ((1 << _PRODUCT_BITS) - 1)
    return lower - (1 << (_PRODUCT_BITS - 1)), _signed(total >> _PRODUCT_BITS, _PRODUCT_BITS)


def _with(x: Integers, bits: int, mask: int, value: int) -> Integers:
    """x with stuck bits, as a signed number of so many bits."""
    return _signed(x | mask if value else x & ~mask, bits)


def _signed(x: Integers, bits: int) -> Integers:
    half = 1 << (bits - 1)
    return ((x + half) & ((1 << bits) - 1)) - half
