"""The probe of the surprisal's tables: its model makes its answers, and its totals are at edges."""

import numpy as np
import pytest

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.surprisal_probe import (
    SurprisalProbe,
    surprisal_image,
    surprisal_states,
    symbols_of,
)

CONFIGS = [
    Config(hidden=16, layers=1, symbols=4, multipliers=64),
    Config(hidden=48, symbols=16, multipliers=64),
    Config(),
    Config(symbols=256),
]
LINES = 64


@pytest.mark.parametrize("config", CONFIGS, ids=Config.describe)
def test_model_makes_the_answers(config) -> None:
    probe = SurprisalProbe(config)
    texts = np.zeros((len(probe.expected), 2), np.uint8)
    texts[:, 1] = probe.characters.targets
    golden = GoldenModel(surprisal_image(config), len(texts))
    golden.state = surprisal_states(config)
    assert np.array_equal(golden.score(texts), probe.expected)


@pytest.mark.parametrize("config", CONFIGS, ids=Config.describe)
def test_totals_are_on_both_sides_of_edges(config) -> None:
    expected = SurprisalProbe(config).expected[: -2 * LINES]
    below, above = np.split(expected, 2)
    assert np.array_equal(below + 1, above)


def test_model_is_as_large_as_there_are_units_for() -> None:
    assert [symbols_of(config) for config in CONFIGS] == [4, 16, 64, 64]
