"""Tests of the learning rate."""

import pytest

from zynq_lstm.train.schedule import learning_rate


def test_rises_then_falls_to_zero() -> None:
    rates = [learning_rate(update, 1000, 0.5, 50) for update in range(1000)]
    assert rates[:51] == sorted(rates[:51])
    assert rates[50:] == sorted(rates[50:], reverse=True)
    assert rates[0] == pytest.approx(0.5 / 51)
    assert max(rates) == rates[50] == 0.5
    assert 0 < rates[-1] < 1e-5


def test_short_run_shortens_the_warm_up() -> None:
    assert learning_rate(10, 100, 0.5, 500) == 0.5
    assert learning_rate(0, 1, 0.5, 500) == 0.5
