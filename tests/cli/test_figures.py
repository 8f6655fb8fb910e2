"""Figures derived from counted cycles."""

import pytest

from zynq_lstm.cli import figures
from zynq_lstm.quant.config import Config


def test_operations_of_the_full_model() -> None:
    # 3 matrices of 512 x 128 and 65 rows of 128; a multiplication and an addition each.
    assert figures.operations_per_character(Config(), 65) == 2 * 204_928


def test_operations_of_one_layer() -> None:
    config = Config(hidden=16, layers=1, symbols=16, multipliers=64)
    assert figures.operations_per_character(config, 13) == 2 * (4 * 16 * 16 + 13 * 16)


def test_rates_at_the_clock() -> None:
    assert figures.characters_per_second(401) == pytest.approx(1e9 / 7 / 401)
    rate = figures.giga_operations_per_second(Config(), 65, 401)
    assert rate == pytest.approx(2 * 204_928 / 401 / 7)
