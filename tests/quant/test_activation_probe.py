"""The probe of the activations' tables: its models make its answers."""

import numpy as np
import pytest

from zynq_lstm.quant.activation_probe import ActivationProbe, activation_models, units
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.state import State

CONFIGS = [
    Config(hidden=16, layers=1, symbols=4, multipliers=64),
    Config(hidden=48, symbols=64, multipliers=64),
    Config(),
]


@pytest.mark.parametrize("config", CONFIGS, ids=Config.describe)
def test_models_make_the_answers(config) -> None:
    found = []
    for model in activation_models(config):
        golden = GoldenModel(model.image, len(model.c))
        state = State.zeros(config.layers, config.hidden, len(model.c))
        state.c[0] = model.c
        golden.state = state
        golden.step(np.arange(len(model.c)).astype(np.uint8))
        after = golden.state
        answers = np.stack([after.c[0], after.h[0]], axis=2).reshape(-1, 2)
        found.append(answers[: model.count])
    assert np.array_equal(np.concatenate(found), ActivationProbe().expected)


def test_one_model_is_enough_at_full_size() -> None:
    (model,) = activation_models(Config())
    assert model.c.shape == (80, 128) and model.count == len(units().c)


def test_weights_have_no_part() -> None:
    for model in activation_models(CONFIGS[2]):
        assert not model.image.parameters.scales.any()


def test_needs_hardware() -> None:
    config = Config(hidden=128, multipliers=1024, weight_bits=4)
    with pytest.raises(UserError, match="weights of 8 bits"):
        next(activation_models(config))
