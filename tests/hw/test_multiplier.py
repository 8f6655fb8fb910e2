"""Both kinds of multiplier pair against plain products."""

import itertools

import numpy as np
import pytest
from component_simulation import assert_follows, trace

from zynq_lstm.hw.multiplier import DspPair, LutPair
from zynq_lstm.quant.formats import HIDDEN, WEIGHT_LIMIT
from zynq_lstm.quant.layout import pack_pairs

CORNERS = (-WEIGHT_LIMIT, -1, 0, 1, WEIGHT_LIMIT)
ALL_H = range(HIDDEN.minimum, HIDDEN.maximum + 1)


@pytest.mark.parametrize("kind", [DspPair, LutPair])
def test_products(kind):
    rng = np.random.default_rng(3)
    corners = np.array(list(itertools.product(CORNERS, CORNERS, ALL_H)))
    limits = [-WEIGHT_LIMIT, -WEIGHT_LIMIT, HIDDEN.minimum], [WEIGHT_LIMIT + 1] * 2 + [128]
    vectors = np.concatenate([corners, rng.integers(*limits, (4000, 3))])
    # All of one weight beside a random one, on either side.
    weights = np.arange(-WEIGHT_LIMIT, WEIGHT_LIMIT + 1)
    other, h = rng.integers(*limits, (len(weights), 3)).T[1:]
    vectors = np.concatenate(
        [vectors, np.stack([weights, other, h], 1), np.stack([other, weights, h], 1)]
    )
    rng.shuffle(vectors)
    w0, w1, h = vectors.T
    pairs = pack_pairs(vectors[:, :2].astype(np.int8))[:, 0]
    seen = trace(kind(), {"pair": pairs, "h": h}, ["p0", "p1"], after=kind.latency)
    assert_follows(seen["p0"], w0 * h, kind.latency, w0=w0, w1=w1, h=h)
    assert_follows(seen["p1"], w1 * h, kind.latency, w0=w0, w1=w1, h=h)


def test_both_kinds_take_the_same_time():
    assert DspPair.latency == LutPair.latency
