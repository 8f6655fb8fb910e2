"""A pair of multipliers with stuck bits, against its operands put together bit by bit."""

import numpy as np
import pytest

from zynq_lstm.quant.layout import pack_pairs
from zynq_lstm.quant.stuck_operands import A_BITS, B_BITS, Stuck, products, stuck_operands

RNG = np.random.default_rng(1)
WEIGHTS = RNG.integers(-127, 128, (500, 2)).astype(np.int8)
PAIRS = pack_pairs(WEIGHTS)[:, 0].astype(np.int64)
H = RNG.integers(-128, 128, 500)


def test_nothing_stuck_is_the_products() -> None:
    even, odd = products(PAIRS, H, Stuck("", 0, 0, 0))
    assert np.array_equal(even, WEIGHTS[:, 0].astype(np.int64) * H)
    assert np.array_equal(odd, WEIGHTS[:, 1].astype(np.int64) * H)


def with_bits(x: int, bits: int, mask: int, value: int) -> int:
    """A number of two's complement, taken apart and put together."""
    digits = [x >> k & 1 for k in range(bits)]
    digits = [value if mask >> k & 1 else digit for k, digit in enumerate(digits)]
    return sum(d << k for k, d in enumerate(digits[:-1])) - (digits[-1] << (bits - 1))


@pytest.mark.parametrize("stuck", stuck_operands(), ids=str)
def test_products_of_a_dsp48e1(stuck) -> None:
    """Two weights in 25 bits, times h in 18, plus 2^15 so that the lower one does not borrow."""
    even, odd = products(PAIRS, H, stuck)
    for k, (w0, w1) in enumerate(WEIGHTS.astype(int)):
        a = with_bits(w0 + (w1 << 16), A_BITS, stuck.a, stuck.value)
        b = with_bits(int(H[k]), B_BITS, stuck.b, stuck.value)
        total = a * b + (1 << 15)
        assert even[k] == total % (1 << 16) - (1 << 15)
        assert odd[k] == with_bits(total >> 16, 16, 0, 0)


def test_each_bit_of_each_operand_is_there() -> None:
    all_of = stuck_operands()
    assert len(set(all_of)) == len(all_of)
    for value in (0, 1):
        masks = [s for s in all_of if s.value == value]
        assert np.bitwise_or.reduce([s.a for s in masks]) == (1 << A_BITS) - 1
        assert np.bitwise_or.reduce([s.b for s in masks]) == (1 << B_BITS) - 1
