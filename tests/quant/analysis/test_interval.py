"""Intervals of means: right for independent values, wider for values that hang together."""

import numpy as np
import pytest

from zynq_lstm.quant.analysis.interval import FEWEST, intervals


def test_independent_values_have_the_textbook_interval() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 10_000)
    (found,) = intervals(values)
    assert found.mean == values.mean()
    half = 1.96 * values.std() / 100
    assert found.low == pytest.approx(found.mean - half, abs=0.2 * half)
    assert found.high == pytest.approx(found.mean + half, abs=0.2 * half)


def test_neighbours_that_hang_together_widen_it() -> None:
    noise = np.random.default_rng(2).normal(size=20_000)
    repeated = np.repeat(noise[:1000], 20)  # As much as 1,000 values
    (found,) = intervals(repeated)
    half = 1.96 / np.sqrt(1000)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.25)


def test_covers_the_true_mean_as_often_as_it_says() -> None:
    random = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        (found,) = intervals(random.normal(size=400))
        hits += found.low <= 0 <= found.high
    assert 180 <= hits <= 198  # 190 expected; three standard deviations, and some less for blocks


def test_a_difference_is_taken_over_the_same_blocks() -> None:
    values = np.random.default_rng(4).normal(size=3000)
    first, second, difference = intervals(values, values + 0.5, np.full(3000, 0.5))
    assert second.low - first.low == pytest.approx(0.5)
    assert difference.low == pytest.approx(0.5) and difference.high == pytest.approx(0.5)


def test_every_character_counts_the_same() -> None:
    """The ring: blocks that begin near the end go on at the beginning."""
    values = np.zeros(100)
    values[0] = values[-1] = 50.0
    (found,) = intervals(values)
    assert found.low < found.mean == 1.0 < found.high


def test_repeats_itself() -> None:
    values = np.random.default_rng(5).normal(size=500)
    assert intervals(values) == intervals(values)


@pytest.mark.parametrize("length", [1, 2, FEWEST - 1])
def test_few_values_have_no_interval(length) -> None:
    (found,) = intervals(np.arange(length) * 1.0)
    assert not found.known
    assert found.to_dict() == {"mean": (length - 1) / 2, "low": None, "high": None}


def test_the_shortest_series_with_an_interval() -> None:
    (found,) = intervals(np.arange(FEWEST) * 1.0)
    assert found.known and found.low < found.mean < found.high
    assert found.to_dict() == {"mean": found.mean, "low": found.low, "high": found.high}
