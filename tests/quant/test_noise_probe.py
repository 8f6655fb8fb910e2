"""The probe of the tables of noise: its model makes its answers."""

import numpy as np
import pytest

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.noise_probe import (
    CONTESTANTS,
    DRAWS,
    TABLES,
    TEMPERATURE,
    NoiseProbe,
    draws,
    noise_image,
    noise_state,
)
from zynq_lstm.quant.state import State

CONFIGS = [Config(hidden=16, layers=1, symbols=4, multipliers=64), Config()]


@pytest.mark.parametrize("config", CONFIGS, ids=Config.describe)
def test_model_makes_the_answers(config) -> None:
    texts = draws()
    golden = GoldenModel(noise_image(config), len(texts.seeds))
    each = [noise_state(config, int(k)) for k in texts.advantage]
    golden.state = State(
        np.stack([s.h for s in each], axis=1), np.stack([s.c for s in each], axis=1)
    )
    prompts = np.zeros((len(each), 1), np.uint8)
    found = golden.generate(prompts, DRAWS, TEMPERATURE, texts.seeds)
    assert np.array_equal(found, NoiseProbe().expected)


def test_one_or_the_other_contestant_wins() -> None:
    expected = NoiseProbe().expected
    for advantage, winner in enumerate(CONTESTANTS):
        assert (expected[draws().advantage == advantage] == winner).all()


def test_both_tables_read_the_same_words() -> None:
    probe = NoiseProbe()
    assert np.array_equal(*(probe.reads(table) for table in TABLES))
