"""Every operator of the emitted Verilog, compiled, for every input there is.

Beyond the component tests in tests/hw, which play samples through Amaranth's own simulator. Where
the inputs are too many (requantization, logarithm, noise) a test says which it plays.
"""

import numpy as np
import pytest
from compiled_operators import Operators, assert_equal, signed

from zynq_lstm.quant import operators, surprisal
from zynq_lstm.quant.formats import (
    ACCUMULATOR,
    GUMBEL,
    HIDDEN,
    PARTIAL,
    PREACTIVATION,
    SCALE,
    SCALED,
    SCORE,
    TEMPERATURE,
    WEIGHT_LIMIT,
)
from zynq_lstm.quant.layout import pack_pairs
from zynq_lstm.quant.tables import GUMBEL_COARSE_BITS, GUMBEL_RANDOM_BITS, gumbel_table

WEIGHTS = np.arange(-WEIGHT_LIMIT, WEIGHT_LIMIT + 1)
HIDDENS = np.arange(HIDDEN.minimum, HIDDEN.maximum + 1)


@pytest.fixture(scope="module")
def chip(tmp_path_factory):
    made = Operators(tmp_path_factory.mktemp("operators"))
    yield made
    made.close()


def check_pair(chip, kind, w0):
    """All of w1 and h beside one w0."""
    w1, h = WEIGHTS[:, None], HIDDENS[None, :]
    pairs = pack_pairs(np.stack([np.full_like(WEIGHTS, w0), WEIGHTS], -1).astype(np.int8))
    found = chip(kind, pairs, h)
    products = np.broadcast_to(w0 * h, (len(WEIGHTS), len(HIDDENS))), w1 * h
    for k, product in enumerate(products):
        assert_equal(signed(found, 16 * k, 16), product, w0=w0, w1=w1, h=h)
    return found.size


@pytest.mark.parametrize("kind", ["dsp_pair", "lut_pair"])
def test_multiplier_pair(chip, kind):
    """All 255 x 255 x 256 combinations."""
    assert sum(check_pair(chip, kind, w0) for w0 in WEIGHTS) == 255 * 255 * 256


def test_activations(chip):
    """All 2^16 inputs."""
    x = np.arange(PREACTIVATION.minimum, PREACTIVATION.maximum + 1)
    found = chip("activation", x)
    assert_equal(signed(found, 0, 16), operators.tanh(x), x=x)
    assert_equal(signed(found, 16, 16), operators.sigmoid(x), x=x)


def test_exponential(chip):
    """All 2^16 distances, counted and not."""
    distance = np.arange(1 << surprisal.DISTANCE.bits)
    assert_equal(chip("exponential", distance, 1), surprisal.exponential(distance), d=distance)
    assert_equal(chip("exponential", distance, 0), 0 * distance, d=distance)


def totals():
    """Each total's exponent and all bits of it that are looked at; those cut off: 0, 1, random."""
    bits = surprisal.LOG_LINE_BITS + surprisal.LOG_FRACTION_BITS
    looked_at = np.arange(1 << bits) | 1 << bits
    rng = np.random.default_rng(11)
    for exponent in range(surprisal.TOTAL_EXPONENT):
        cut = exponent + surprisal.TOTAL.fraction - bits
        below = rng.integers(0, 1 << cut, looked_at.size)
        for tail in (0, (1 << cut) - 1, below):
            yield looked_at << cut | tail
    yield np.array([1 << (surprisal.TOTAL.bits - 1)])  # 256 symbols of equal logits


def check_close(chip, total, distance):
    expected = operators.round_shift(
        surprisal.logarithm(total) + surprisal.distance_in_bits(distance),
        surprisal.SURPRISAL_SHIFT,
    )
    assert_equal(chip("close", total, distance), expected, total=total, distance=distance)
    return expected.size


def test_logarithm(chip):
    """All leading bits of totals of 1 to 256; with no distance and with a random one."""
    rng = np.random.default_rng(12)
    played = 0
    for total in totals():
        distance = rng.integers(0, 1 << surprisal.DISTANCE.bits, total.size)
        distance[::2] = 0
        played += check_close(chip, total, distance)
    assert played == 3 * 8 * (1 << 16) + 1


def test_distance_in_bits(chip):
    """All 2^16 distances, beside the least total and random ones."""
    distance = np.arange(1 << surprisal.DISTANCE.bits)
    one = 1 << surprisal.TOTAL.fraction
    check_close(chip, np.full_like(distance, one), distance)
    check_close(chip, np.random.default_rng(13).integers(one, one << 8, distance.size), distance)


def check_lane(chip, total, scale, addend):
    scaled = operators.requantize(total, scale)
    whole = scaled + addend
    inputs = {"sum": total, "scale": scale, "addend": addend}
    found = chip("lane", total, scale, addend)
    assert_equal(signed(found, 16, PARTIAL.bits + 1), whole, **inputs)
    assert_equal(signed(found, 0, 16), operators.preactivation(scaled, addend), **inputs)
    assert_equal(signed(found, 0, 16), operators.logit(scaled, addend), **inputs)
    return scaled


CORNER_SUMS = np.unique(
    [
        np.clip(sign * base + near, ACCUMULATOR.minimum, ACCUMULATOR.maximum)
        for base in [0, *(1 << k for k in range(ACCUMULATOR.bits)), 128 * 127 * 128]
        for sign in (-1, 1)
        for near in range(-2, 3)
    ]
)
CORNER_SCALES = np.unique(
    np.clip(
        [0, *((1 << k) + near for k in range(SCALE.bits + 1) for near in (-1, 0, 1))],
        0,
        SCALE.maximum,
    )
)
CORNER_ADDENDS = np.unique(
    [
        np.clip(sign * (1 << k) + near, PARTIAL.minimum, PARTIAL.maximum)
        for k in (0, 8, 14, 15, 16, 17)
        for sign in (-1, 1)
        for near in (-1, 0, 1)
    ]
)


def test_requantizer_corners(chip):
    """Powers of two and their neighbours of sums, scales and addends, each with each."""
    scaled = check_lane(
        chip, CORNER_SUMS[:, None, None], CORNER_SCALES[None, :, None], CORNER_ADDENDS
    )
    assert (scaled.min(), scaled.max()) == (SCALED.minimum, SCALED.maximum)


@pytest.mark.parametrize("scale", [1, 2, 1 << 13, 1 << 14, (1 << 14) + 1, SCALE.maximum])
def test_requantizer_every_sum(chip, scale):
    """All 2^22 sums with a scale: every tie of the rounding, both edges of the saturation."""
    sums = np.arange(ACCUMULATOR.minimum, ACCUMULATOR.maximum + 1)
    check_lane(chip, sums, scale, sums[::-1] >> 4)


def test_requantizer_at_random(chip):
    """Four million, most of a size that is not clipped."""
    rng = np.random.default_rng(14)
    n = 1 << 22
    sums = rng.integers(ACCUMULATOR.minimum, ACCUMULATOR.maximum + 1, n) >> rng.integers(0, 12, n)
    scales = rng.integers(0, SCALE.maximum + 1, n) >> rng.integers(0, 8, n)
    addends = rng.integers(PARTIAL.minimum, PARTIAL.maximum + 1, n) >> rng.integers(0, 6, n)
    check_lane(chip, sums, scales, addends)


def test_noise(chip):
    """All 2^15 random words; temperatures around powers of two, and some at random."""
    temperatures = [*((1 << k) + near for k in range(TEMPERATURE.bits) for near in (-1, 0, 1))]
    temperatures += [TEMPERATURE.maximum, *np.random.default_rng(15).integers(0, 1 << 16, 50)]
    random = np.arange(1 << GUMBEL_RANDOM_BITS)
    tail = random >> GUMBEL_COARSE_BITS == 31
    cell = np.where(
        tail, (1 << GUMBEL_COARSE_BITS) + random % (1 << GUMBEL_COARSE_BITS), random >> 5
    )
    noise = gumbel_table()[cell]
    assert noise.max() <= GUMBEL.maximum
    for temperature in temperatures:
        found = signed(chip("noise", random, temperature), 0, SCORE.bits)
        expected = operators.round_shift(noise * temperature, operators.NOISE_SHIFT)
        assert_equal(found, expected, random=random, temperature=temperature)


FAULTS = {
    "zynq_lstm_dsp_pair.v": ("17'h08000", "17'h07fff"),  # the constant that parts the products
    "zynq_lstm_lut_pair.v": ("[11:4] } + half_12", "[11:4] } ^ half_12"),  # the last adder
    "zynq_lstm_tanh.v": ("[14:13]", "[14:14]"),  # an input from 4 to 8 reads a lower cell
    "zynq_lstm_sigmoid.v": ("{ 1'h0, \\$27", "{ 1'h0, sign_d3"),  # the sign is not inverted
    "zynq_lstm_surprisal_lane.v": ("17'h08000", "17'h07fff"),  # a rounding constant
    "zynq_lstm.v": ("$signed(11'h200)", "$signed(11'h1ff)"),  # that of the logarithm
    "zynq_lstm_requantizer_lane.v": ("15'h2000", "15'h1fff"),
    "zynq_lstm_noise.v": ("14'h1000", "14'h0fff"),
}
"""File: text in it, and what it becomes, wherever it is there."""


def plant(name, text):
    if name not in FAULTS:
        return text
    old, new = FAULTS[name]
    assert old in text, f"{name} must hold {old}"
    return text.replace(old, new)


@pytest.mark.slow
def test_planted_faults_are_found(tmp_path):
    chip = Operators(tmp_path, alter=plant)
    checks = [
        lambda: check_pair(chip, "dsp_pair", -3),
        lambda: check_pair(chip, "lut_pair", 7),
        lambda: test_activations(chip),
        lambda: test_exponential(chip),
        lambda: test_logarithm(chip),
        lambda: test_requantizer_every_sum(chip, 1 << 13),
        lambda: test_noise(chip),
    ]
    try:
        for check in checks:
            with pytest.raises(AssertionError, match="differ, first"):
                check()
    finally:
        chip.close()
