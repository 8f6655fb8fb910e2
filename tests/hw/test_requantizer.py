"""A lane of the requantizer against `requantize`, `preactivation` and `logit`."""

import itertools

import numpy as np
from component_simulation import assert_follows, trace

from zynq_lstm.hw.requantizer import Lane
from zynq_lstm.quant.formats import ACCUMULATOR, PARTIAL, SCALE, SCALED
from zynq_lstm.quant.operators import logit, preactivation, requantize


def corners():
    """Sums, scales and addends at every limit, and products around ties of the rounding."""
    sums = [ACCUMULATOR.minimum, ACCUMULATOR.maximum, -2080768, 2080768, -1, 0, 1]
    scales = [0, 1, SCALE.maximum, 1 << 13, 1 << 14, 3 << 13]
    addends = [PARTIAL.minimum, PARTIAL.maximum, -(1 << 15), (1 << 15) - 1, 0]
    whole = list(itertools.product(sums, scales, addends))
    ties = [(s, 1 << 13, 0) for s in range(-9, 10)]  # s / 2: each odd one is a tie
    ties += [(s, 1 << 12, a) for s in range(-9, 10) for a in (-1, 0, 1)]
    # Around both limits of the requantized sum, and of the sum with its addend.
    limits = [
        (sign * (edge + d), 1 << SCALE.fraction, addend)
        for edge in (1 << (SCALED.bits - 1), 1 << 15)
        for sign in (-1, 1)
        for d in range(-3, 4)
        for addend in (-1, 0, 1, 20000, -20000)
    ]
    return whole + ties + limits


def test_lane():
    rng = np.random.default_rng(7)
    # Random sums of a size that saturates now and then, and a quarter of any size.
    n = 6000
    sums = rng.integers(ACCUMULATOR.minimum, ACCUMULATOR.maximum + 1, n)
    sums[n // 4 :] >>= rng.integers(0, 14, n - n // 4)
    scales = rng.integers(0, SCALE.maximum + 1, n)
    addends = rng.integers(PARTIAL.minimum, PARTIAL.maximum + 1, n)
    addends[::2] >>= 2
    vectors = np.concatenate([np.array(corners()), np.stack([sums, scales, addends], 1)])
    rng.shuffle(vectors)
    sums, scales, addends = vectors.T

    latest = Lane.latency

    def late(column, cycles):
        return np.concatenate([np.zeros(cycles, np.int64), column, np.zeros(latest - cycles, int)])

    seen = trace(
        Lane(),
        {
            "sum": late(sums, 0),
            "scale": late(scales, Lane.SCALE_AFTER),
            "addend": late(addends, Lane.ADDEND_AFTER),
        },
        ["total", "value"],
    )
    scaled = requantize(sums, scales)
    inputs = {"sum": sums, "scale": scales, "addend": addends}
    assert_follows(seen["total"], scaled + addends, Lane.TOTAL_LATENCY, **inputs)
    assert_follows(seen["value"], preactivation(scaled, addends), Lane.latency, **inputs)
    assert_follows(seen["value"], logit(scaled, addends), Lane.latency, **inputs)
    # The vectors reach both saturations on both sides.
    assert {SCALED.minimum, SCALED.maximum} <= set(scaled)
    assert {-(1 << 15), (1 << 15) - 1} <= set(preactivation(scaled, addends))
