"""Ranges of the formats, and that the sums of the datapath fit them."""

import dataclasses

import pytest

from zynq_lstm.quant import formats
from zynq_lstm.quant.formats import Format

ALL = {name: f for name, f in vars(formats).items() if isinstance(f, Format)}


@pytest.mark.parametrize(
    ("form", "minimum", "maximum", "lsb"),
    [
        (Format(8, 7), -128, 127, 1 / 128),
        (Format(16, 11), -32768, 32767, 1 / 2048),
        (Format(16, 14, signed=False), 0, 65535, 1 / 16384),
        (Format(1, 0), -1, 0, 1),
        (Format(1, 0, signed=False), 0, 1, 1),
    ],
)
def test_range(form, minimum, maximum, lsb):
    assert (form.minimum, form.maximum, form.lsb) == (minimum, maximum, lsb)


def test_formats_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        formats.CELL.bits = 8  # type: ignore[misc]


def test_widths():
    assert {name: (f.bits, f.fraction, f.signed) for name, f in ALL.items()} == {
        "WEIGHT": (8, 0, True),
        "HIDDEN": (8, 7, True),
        "CELL": (16, 11, True),
        "ACCUMULATOR": (22, 7, True),
        "SCALE": (16, 14, False),
        "SCALED": (17, 11, True),
        "PARTIAL": (18, 11, True),
        "PREACTIVATION": (16, 11, True),
        "LOGIT": (16, 10, True),
        "ACTIVATION": (16, 15, True),
        "TEMPERATURE": (16, 12, False),
        "GUMBEL": (18, 13, True),
        "SCORE": (21, 12, True),
    }


def test_accumulator_holds_the_largest_sum():
    largest = 128 * formats.WEIGHT_LIMIT * -formats.HIDDEN.minimum
    assert largest <= formats.ACCUMULATOR.maximum < 2 * largest
    assert largest < 2**24  # float32 sums of the golden model are exact


def test_partial_sum_holds_scaled_and_bias():
    assert formats.SCALED.maximum + formats.PREACTIVATION.maximum <= formats.PARTIAL.maximum
    assert formats.SCALED.minimum + formats.PREACTIVATION.minimum >= formats.PARTIAL.minimum
