"""Tests of the settings' checks."""

import dataclasses

import pytest

from zynq_lstm.quant.errors import UserError
from zynq_lstm.train.settings import TrainingSettings


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("layers", 3, "Number of layers must be an integer from 1 to 2, not 3"),
        ("hidden", 7, "Number of hidden units must be an integer from 8 to 128, not 7"),
        ("hidden", 129, "Number of hidden units must be an integer from 8 to 128, not 129"),
        ("epochs", 0, "Number of epochs must be an integer from 1 to 1000000, not 0"),
        ("streams", 2.0, "Number of streams must be an integer from 1 to 4096, not 2.0"),
        ("unroll", True, "Unroll length must be an integer from 1 to 4096, not True"),
        ("learning_rate", 0.0, "Learning rate must be a number above 0 to 1, not 0.0"),
        ("dropout", 1.0, "Dropout must be a number from 0 to 0.9, not 1.0"),
        ("averaging", float("nan"), "Averaging must be a number from 0 to 0.99999, not nan"),
        ("precision", "int8", "Precision must be one of float32, bfloat16, not 'int8'"),
    ],
)
def test_wrong_value_is_named(name: str, value: object, message: str) -> None:
    with pytest.raises(UserError) as error:
        TrainingSettings(**{name: value})
    assert str(error.value) == message


def test_frozen_and_complete_as_plain_values() -> None:
    settings = TrainingSettings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.hidden = 64
    assert TrainingSettings(**settings.to_dict()) == settings
