"""Ranges against sorted values."""

import numpy as np
import pytest

from zynq_lstm.quant.analysis.datapath import Stage
from zynq_lstm.quant.analysis.ranges import Ranges
from zynq_lstm.quant.formats import ACCUMULATOR, CELL, HIDDEN, PREACTIVATION


def gathered(values, form, place="c", parts=1):
    ranges = Ranges()
    for part in np.array_split(values, parts):
        ranges.add([Stage(place, "layer 1", part, form)])
    return ranges.results()


@pytest.mark.parametrize("form", [HIDDEN, CELL, ACCUMULATOR], ids=["h", "c", "sum"])
@pytest.mark.parametrize("parts", [1, 7])
def test_against_sorted_values(form, parts) -> None:
    spread = form.maximum / 3.3
    values = np.rint(np.random.default_rng(1).normal(0, spread, (5000, 8))).astype(np.int64)
    (found,) = gathered(values, form, parts=parts)
    assert (found.least, found.greatest) == (values.min(), values.max())
    assert found.clipped_low == (values < form.minimum).sum()
    assert found.clipped_high == (values > form.maximum).sum()
    assert found.clipped > 0
    assert found.count == 40_000
    ordered = np.sort(np.clip(values, form.minimum, form.maximum).ravel())
    width = max(1, 2**form.bits // 4096)
    assert found.low == pytest.approx(ordered[40], abs=width)
    assert found.high == pytest.approx(ordered[-41], abs=width)


def test_ends_themselves_are_not_clipped() -> None:
    values = np.array([[CELL.minimum, CELL.maximum, 0]])
    (found,) = gathered(values, CELL)
    assert (found.clipped, found.used) == (0, 1.0)
    (found,) = gathered(np.array([[CELL.maximum + 1]]), CELL)
    assert (found.clipped_low, found.clipped_high) == (0, 1)
    assert found.used > 1


def test_gates_are_kept_apart() -> None:
    values = np.zeros((3, 2, 4), np.int64)
    values[..., 2] = 100
    values[1, 1, 3] = PREACTIVATION.minimum - 1
    found = gathered(values, PREACTIVATION, "preactivation")
    assert [entry.gate for entry in found] == list("ifgo")
    assert [entry.greatest for entry in found] == [0, 0, 100, 0]
    assert [entry.clipped_low for entry in found] == [0, 0, 0, 1]


def test_plain_values_are_in_units() -> None:
    (found,) = gathered(np.array([[-2048, 1024]]), CELL)
    values = found.to_dict()
    assert values["found"] == [-1.0, 0.5]
    assert values["available"] == [-16.0, 32767 / 2048]
    assert values["used"] == 1 / 16
    assert values["values"] == 2
