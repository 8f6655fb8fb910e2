"""Every operator against its slow formulation in Python's integers and fractions."""

import itertools
import math

import numpy as np
import pytest
import slow_reference as slow
from hypothesis import given, settings
from hypothesis import strategies as st

from zynq_lstm.quant import operators as op
from zynq_lstm.quant.formats import (
    ACTIVATION,
    CELL,
    GUMBEL,
    HIDDEN,
    LOGIT,
    PREACTIVATION,
    SCALED,
    SCORE,
    TEMPERATURE,
    Format,
)
from zynq_lstm.quant.sampling import gumbel_table

INT16 = np.arange(-32768, 32768)


def corners(low: int, high: int) -> list[int]:
    """Ends of a range, zero and the powers of two within, each with its neighbours."""
    powers = {sign * 2**k for k in range(23) for sign in (-1, 1)} | {0, low, high}
    near = {p + d for p in powers for d in (-1, 0, 1)}
    return sorted(x for x in near if low <= x <= high)


def within(form: Format) -> st.SearchStrategy[int]:
    return st.integers(form.minimum, form.maximum)


def compare(function, reference, *columns) -> None:
    """Equality on lists of arguments; the message holds the first that differ."""
    arrays = [np.array(column) for column in columns]
    found = function(*arrays).tolist()
    for arguments, value in zip(zip(*columns, strict=True), found, strict=True):
        assert value == reference(*arguments), f"{function.__name__}{arguments}"


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_activation_equals_reference_everywhere(name):
    compare(getattr(op, name), getattr(slow, name), INT16.tolist())


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_activation_is_monotonic_within_its_format(name):
    y = getattr(op, name)(INT16)
    assert (np.diff(y) >= 0).all()
    low = 0 if name == "sigmoid" else ACTIVATION.minimum
    assert low <= y.min() and y.max() <= ACTIVATION.maximum


def test_tanh_is_odd_under_ones_complement():
    assert (op.tanh(~INT16) == ~op.tanh(INT16)).all()


def test_sigmoid_of_complement_is_complement_to_one():
    assert (op.sigmoid(INT16) + op.sigmoid(~INT16) == 32767).all()


def test_tanh_error():
    # Half a cell of 2^-9 at the slope 1, and rounding.
    error = np.abs(op.tanh(INT16) / 2**15 - np.tanh(INT16 / 2**11)).max()
    assert error == pytest.approx(0.00098876, abs=1e-8)


def test_sigmoid_error():
    # Half a cell of 2^-8 at the slope 1/4, and rounding.
    error = np.abs(op.sigmoid(INT16) / 2**15 - 1 / (1 + np.exp(-INT16 / 2**11))).max()
    assert error == pytest.approx(0.00049438, abs=1e-8)


@pytest.mark.parametrize("bits", [8, 16, 17])
@pytest.mark.parametrize("signed", [True, False])
def test_saturate(bits, signed):
    form = Format(bits, 0, signed)
    x = np.array(corners(-(2**20), 2**20))
    assert op.saturate(x, form).tolist() == [
        min(max(v, form.minimum), form.maximum) for v in x.tolist()
    ]


@pytest.mark.parametrize("shift", [1, 2, 8, 14])
def test_round_shift_rounds_halves_up(shift):
    x = np.arange(-(2**16), 2**16)
    expected = np.floor(x / 2**shift + 0.5)  # exact in floats
    assert (op.round_shift(x, shift) == expected).all()


def test_requantize_at_corners():
    pairs = list(itertools.product(corners(-(2**21), 2**21 - 1), corners(0, 65535)))
    compare(op.requantize, slow.requantize, *zip(*pairs, strict=True))


def test_requantize_halves_go_up():
    total = [1, -1, 3, -3]
    assert op.requantize(np.array(total), np.array(2**13)).tolist() == [1, 0, 2, -1]


@given(st.lists(st.tuples(st.integers(-(2**21), 2**21 - 1), st.integers(0, 65535)), min_size=1))
def test_requantize(pairs):
    compare(op.requantize, slow.requantize, *zip(*pairs, strict=True))


def test_requantize_takes_narrow_arrays():
    assert op.requantize(np.array([2**21 - 1], np.int32), np.array([65535], np.uint16)) == 65535


@pytest.mark.parametrize("name", ["preactivation", "logit"])
def test_sums_at_corners(name):
    addends = corners(-(2**17), 2**17 - 1) if name == "preactivation" else corners(-32768, 32767)
    pairs = list(itertools.product(corners(SCALED.minimum, SCALED.maximum), addends))
    compare(getattr(op, name), getattr(slow, name), *zip(*pairs, strict=True))


def test_sums_do_not_wrap_in_narrow_arrays():
    assert op.logit(np.array([32767], np.int16), np.array([1], np.int16)) == LOGIT.maximum
    assert op.preactivation(np.array([-32768], np.int16), np.array([-1], np.int16)) == (
        PREACTIVATION.minimum
    )


GATE = st.integers(0, ACTIVATION.maximum)
CELL_INPUTS = st.tuples(GATE, GATE, within(ACTIVATION), within(CELL))


def test_cell_update_at_corners():
    gate = [0, 1, 2, 16, 255, 16383, 16384, 32766, 32767]
    signed = [-32768, -32767, -16384, -256, -17, -16, -2, -1, *gate]
    rows = list(itertools.product(gate, gate, signed, signed))
    compare(op.cell_update, slow.cell_update, *zip(*rows, strict=True))


@given(st.lists(CELL_INPUTS, min_size=1))
def test_cell_update(rows):
    compare(op.cell_update, slow.cell_update, *zip(*rows, strict=True))


def test_cell_update_near_ties():
    # Sums on both sides of a half of the last kept bit, where cut and rounded bits matter.
    random = np.random.default_rng(7)
    i, f, c = (random.integers(0, 32768, 40_000) for _ in range(3))
    g = random.integers(-32768, 32768, 40_000)
    rest = (f * c + ((i * g) >> 4)) % 2**15
    near = np.abs(rest - 2**14) < 40
    assert near.sum() > 40
    compare(op.cell_update, slow.cell_update, *(x[near].tolist() for x in (i, f, g, c)))


def test_cell_saturates_both_ways():
    one = np.array([32767])
    assert op.cell_update(one, one, one, np.array([32767])) == 32767
    assert op.cell_update(one, one, ~one, np.array([-32768])) == -32768


def test_hidden_output_at_corners():
    pairs = list(itertools.product(corners(0, 32767), corners(-32768, 32767)))
    compare(op.hidden_output, slow.hidden_output, *zip(*pairs, strict=True))


def test_hidden_output_of_all_tanh_values():
    values = np.unique(op.tanh(INT16))
    for o in (0, 1, 128, 4096, 16384, 30000, 32767):
        found = op.hidden_output(np.full(len(values), o), values).tolist()
        assert found == [slow.hidden_output(o, v) for v in values.tolist()]


def test_hidden_output_of_all_pairs_that_occur():
    """4,095 sigmoids times 4,092 tanhs against float64, which is exact here."""
    gates, values = np.unique(op.sigmoid(INT16)), np.unique(op.tanh(INT16))
    for part in np.array_split(gates, 64):
        found = op.hidden_output(part[:, None], values)
        expected = np.minimum(np.floor(part[:, None] * values / 2.0**23 + 0.5), 127)
        assert (found == expected).all()
        assert found.min() >= HIDDEN.minimum


def test_sampling_score_at_corners():
    noise = sorted({*gumbel_table()[::97].tolist(), *corners(-16649, 90852)})
    for temperature in (0, 1, 2, 3277, 4096, 65535):
        rows = list(itertools.product(corners(-32768, 32767), noise))
        logits, values = (np.array(x) for x in zip(*rows, strict=True))
        found = op.sampling_score(logits, temperature, values).tolist()
        assert found == [slow.sampling_score(a, temperature, b) for a, b in rows]


def test_sampling_score_cannot_overflow():
    table = gumbel_table()
    assert GUMBEL.minimum <= table.min() and table.max() <= GUMBEL.maximum
    ends = np.array([LOGIT.minimum, LOGIT.maximum])
    low = op.sampling_score(ends, TEMPERATURE.maximum, table.min())
    high = op.sampling_score(ends, TEMPERATURE.maximum, table.max())
    assert SCORE.minimum <= low.min() and high.max() <= SCORE.maximum


@settings(max_examples=50)
@given(st.lists(CELL_INPUTS, min_size=6, max_size=6))
def test_shape_is_kept(rows):
    i, f, g, c = (np.array(x).reshape(2, 3) for x in zip(*rows, strict=True))
    assert op.cell_update(i, f, g, c).shape == (2, 3)
    assert op.cell_update(i, f, g, c).ravel().tolist() == [slow.cell_update(*r) for r in rows]


def test_shifts_follow_from_the_formats():
    assert op.REQUANTIZE_SHIFT == 14
    assert op.INPUT_PRODUCT_SHIFT == 4
    assert op.CELL_PRODUCT_SHIFT == 15
    assert op.HIDDEN_SHIFT == 23
    assert op.NOISE_SHIFT == 13
    assert 2 ** (11 - op.TANH_CELL_SHIFT) * 4 == 2 ** (11 - op.SIGMOID_CELL_SHIFT) * 8 == 2048
    assert math.log2(len(op._TANH)) == 11
