"""The operators against fractions and decimals, the surprisal against float64's log-softmax."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import slow_reference as slow
from numpy.typing import NDArray

from zynq_lstm.quant import surprisal as s
from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.formats import LOGIT, Format
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.quantizer import quantize

MODEL = Path(__file__).parents[2] / "models" / "shakespeare.safetensors"
TEXT = """
A carpenter came down to mend the gate, and found it in good order.
Who sent for me? he asked. Not I, the gardener said; but stay,
there is a bench that limps, and soup enough for two at noon.

GARDENER:
So sit, my lord, and tell us what the town has heard of late:
is bread grown dear? Does Margaret still sing of winter nights?
"""
BIAS, WORST = 0.0005, 0.01
"""What the mean and the greatest error may be, in bits."""
ROUNDING = s.SURPRISAL.lsb / 2
"""The greatest error that the output's format makes by itself."""


def exact(logits: NDArray[np.integer], targets: NDArray[np.integer]) -> NDArray[np.float64]:
    """Surprisal in bits, float64."""
    x = np.asarray(logits, np.float64) * LOGIT.lsb
    greatest = x.max(axis=-1)
    total = greatest + np.log(np.exp(x - greatest[..., None]).sum(axis=-1))
    chosen = np.take_along_axis(x, np.asarray(targets)[..., None], axis=-1)[..., 0]
    return (total - chosen) / math.log(2)


def errors(logits: NDArray[np.integer], targets: NDArray[np.integer]) -> NDArray[np.float64]:
    return s.surprisal(logits, targets) * s.SURPRISAL.lsb - exact(logits, targets)


def within(values: NDArray[np.integer], form: Format) -> bool:
    return bool(form.minimum <= values.min() and values.max() <= form.maximum)


# Tables


@pytest.mark.parametrize(
    ("table", "form", "step"),
    [(s.exp_high_table(), s.EXP_HIGH, 128), (s.exp_low_table(), s.EXP_LOW, 1)],
)
def test_exponential_tables(table, form, step):
    assert table.shape == (128,)
    assert within(table, form)
    assert table[0] == 2**form.fraction
    for k, entry in enumerate(table.tolist()):
        assert abs(entry - math.exp(-k * step / 1024) * 2**form.fraction) <= 0.500001


def test_lines_of_the_logarithm():
    base, slope = s.log_tables()
    assert base.shape == slope.shape == (64,)
    assert within(base, s.LOG_BASE) and within(slope, s.LOG_SLOPE)
    for k in range(64):
        chord = 64 * math.log2(1 + 1 / (64 + k))
        assert abs(slope[k] / 2**10 - chord) <= 2**-11
        assert abs(base[k] / 2**16 - math.log2(1 + k / 64)) < 2**-13


def test_log2_e():
    assert round(math.log2(math.e) * 2**16) == s.LOG2_E_CODE
    assert within(np.array([s.LOG2_E_CODE]), s.LOG2_E)


# Operators


def test_exponential_as_fractions():
    high, low = s.exp_high_table().tolist(), s.exp_low_table().tolist()
    distances = np.arange(1 << 16)
    terms = s.exponential(distances)
    assert within(terms, s.TERM)
    for d in [*range(0, 1 << 14, 5), *range(127, 1 << 14, 128)]:
        assert terms[d] == slow.half_up(Fraction(high[d // 128] * low[d % 128], 2**16))
    assert not terms[1 << 14 :].any()
    assert terms[0] == 2**20


def test_exponential_is_close_everywhere():
    distances = np.arange(1 << 16)
    error = s.exponential(distances) * 2.0**-20 - np.exp(-distances / 1024)
    assert np.abs(error).max() < 2**-16
    assert abs(error[: 1 << 14].mean()) < 2**-22


def test_logarithm_as_fractions():
    base, slope = (table.tolist() for table in s.log_tables())
    random = np.random.default_rng(1)
    totals = [2**20, 2**28, 2**28 - 1, 2**20 + 1, *(2 ** random.uniform(20, 28, 3000)).astype(int)]
    found = s.logarithm(totals)
    assert within(found, s.SUMMAND)
    for total, value in zip(totals, found.tolist(), strict=True):
        exponent = int(total).bit_length() - 21
        mantissa = Fraction(int(total), 2 ** (20 + exponent))
        along = math.floor((mantissa - 1) * 2**16)
        line, rest = divmod(along, 2**10)
        rise = slow.half_up(Fraction(slope[line] * rest, 2**10))
        assert value == exponent * 2**16 + base[line] + rise


def test_logarithm_is_close_and_without_bias():
    totals = np.arange(2**20, 2**21, 3)
    for octave in (0, 5, 7):
        error = s.logarithm(totals << octave) * 2.0**-16 - np.log2(totals * 2.0 ** (octave - 20))
        assert np.abs(error).max() < 2**-14
        assert abs(error.mean()) < 2**-20


def test_distance_in_bits():
    distances = np.arange(1 << 16)
    found = s.distance_in_bits(distances)
    assert within(found, s.SUMMAND)
    for d in range(0, 1 << 16, 11):
        assert found[d] == slow.half_up(Fraction(d * s.LOG2_E_CODE, 2**10))
    assert np.abs(found * 2.0**-16 - distances / 1024 * math.log2(math.e)).max() < 0.0005


def test_greatest_sum_fits():
    """256 symbols, all but one at the top, and the one as far away as can be."""
    logits = np.full((1, 256), LOGIT.maximum)
    logits[0, 77] = LOGIT.minimum
    found = s.surprisal(logits, [77])
    assert within(found, s.SURPRISAL)
    assert found[0] * s.SURPRISAL.lsb == pytest.approx(
        65535 / 1024 * math.log2(math.e) + 8, abs=0.01
    )
    assert within(s.logarithm([255 << 20]) + s.distance_in_bits(65535) + 64, s.SUMMAND)


# The whole


@pytest.mark.parametrize("symbols", [2, 4, 16, 64, 256])
def test_flat_with_a_power_of_two(symbols):
    for level in (LOGIT.minimum, 0, LOGIT.maximum):
        found = s.surprisal(np.full((symbols, symbols), level), np.arange(symbols))
        assert (found == symbols.bit_length() - 1 << s.SURPRISAL.fraction).all()


def test_one_symbol_is_certain():
    logits = np.full((65, 65), LOGIT.minimum)
    np.fill_diagonal(logits, LOGIT.maximum)
    assert (s.surprisal(logits, np.arange(65)) == 0).all()


@pytest.mark.parametrize("symbols", [2, 3, 65, 256])
@pytest.mark.parametrize("spread", [1, 50, 1000, 4000, 12000, 40000])
def test_random_logits(symbols, spread):
    random = np.random.default_rng([symbols, spread])
    shape = (4000, symbols)
    logits = np.clip(random.normal(0, spread, shape).round(), LOGIT.minimum, LOGIT.maximum)
    logits = logits.astype(np.int64)
    error = errors(logits, random.integers(0, symbols, len(logits)))
    assert np.abs(error).max() < 2 * ROUNDING < WORST
    assert abs(error.mean()) < BIAS / 2


@pytest.mark.parametrize("symbols", [2, 65, 256])
def test_one_symbol_above_equal_others(symbols):
    """The same rounding in each term: the worst that there is for the sum."""
    distance = np.arange(0, 20000, 3)
    logits = np.repeat(-distance[:, None], symbols, axis=1)
    logits[:, 0] = 0
    for target in (0, 1):
        error = errors(logits, np.full(len(logits), target))
        assert np.abs(error).max() < 2 * ROUNDING
        assert abs(error.mean()) < BIAS / 2


@pytest.mark.parametrize("symbols", [2, 65, 256])
def test_ends_of_the_format(symbols):
    random = np.random.default_rng(symbols)
    logits = random.choice([LOGIT.minimum, LOGIT.maximum, 0, -1, 5], (3000, symbols))
    error = errors(logits, random.integers(0, symbols, len(logits)))
    assert np.abs(error).max() < WORST / 4
    assert abs(error.mean()) < BIAS


@pytest.mark.parametrize("symbols", [2, 3, 65, 255, 256])
def test_all_equal(symbols):
    """One number, so only its rounding counts."""
    error = errors(np.full((1, symbols), 123), np.array([symbols - 1]))
    assert abs(error[0]) < 1.05 * ROUNDING


def test_shipped_model_on_a_text():
    model = load_checkpoint(MODEL)
    image = quantize(model)
    symbols = np.array(model.vocabulary.encode(TEXT))
    logits = GoldenModel(image).logits(symbols[:-1])
    error = errors(logits, symbols[1:])
    assert np.abs(error).max() < 1.1 * ROUNDING
    assert abs(error.mean()) < BIAS / 2


def test_shapes():
    logits = np.random.default_rng(1).integers(-3000, 3000, (3, 5, 7))
    targets = np.random.default_rng(2).integers(0, 7, (3, 5))
    found = s.surprisal(logits.astype(np.int16), targets.astype(np.uint8))
    assert found.shape == (3, 5)
    assert found.dtype == np.int64
    assert s.surprisal(logits[1, 2], targets[1, 2]) == found[1, 2]
