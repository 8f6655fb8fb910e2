"""The 4-bit multipliers of the estimate against plain products, all of them."""

import itertools

import numpy as np
from component_simulation import assert_follows, trace

from zynq_lstm.hw.nibble_multiplier import DspNibbles, LutNibble

WEIGHTS, HIDDEN = range(-8, 8), range(-128, 128)


def test_pairs_in_a_dsp():
    # Each w0 with each h, and each pair of weights with the corners and some more.
    w1 = [-8, -1, 0, 7]
    vectors = [(a, b, h) for a in WEIGHTS for b in w1 for h in HIDDEN]
    vectors += [(a, b, h) for a in WEIGHTS for b in WEIGHTS for h in (-128, -1, 0, 1, 77, 127)]
    w0, w1, h = np.array(vectors).T
    seen = trace(DspNibbles(), {"w0": w0, "w1": w1, "h": h}, ["p0", "p1"], after=3)
    assert_follows(seen["p0"], w0 * h, DspNibbles.latency, w0=w0, w1=w1, h=h)
    assert_follows(seen["p1"], w1 * h, DspNibbles.latency, w0=w0, w1=w1, h=h)


def test_products_in_luts():
    w, h = np.array(list(itertools.product(WEIGHTS, HIDDEN))).T
    seen = trace(LutNibble(), {"w": w, "h": h}, ["p"], after=3)
    assert_follows(seen["p"], w * h, LutNibble.latency, w=w, h=h)


def test_all_take_the_same_time():
    assert DspNibbles.latency == LutNibble.latency
