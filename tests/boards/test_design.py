"""The clock that is asked for."""

import math

import pytest

from zynq_lstm.boards.design import CLOCK_DIVISOR, CLOCK_MHZ, requested_mhz

DIVISORS = range(4, 64)
"""From FCLK's 250 MHz down to what one divider of the PS makes."""


@pytest.mark.parametrize("divisor", DIVISORS)
def test_no_way_of_rounding_takes_another_divisor(divisor) -> None:
    quotient = 1000 / float(requested_mhz(divisor))
    assert round(quotient) == math.ceil(quotient) == divisor


def test_the_clock_is_the_divisor_s() -> None:
    assert CLOCK_DIVISOR in DIVISORS
    assert pytest.approx(1000) == CLOCK_MHZ * CLOCK_DIVISOR
