"""Shapes of a quantized model's integers, and the order of its matrices."""

import dataclasses

import numpy as np
import pytest

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.parameters import matrix_rows, row_count


def test_rows_of_two_layers():
    config = Config()
    assert row_count(config, 65) == 3 * 128 + 17
    assert matrix_rows(config, 65) == {
        "ih2": slice(0, 128),
        "hh1": slice(128, 256),
        "hh2": slice(256, 384),
        "out": slice(384, 401),
    }


def test_rows_of_one_layer():
    config = Config(hidden=32, layers=1, symbols=16, multipliers=64)
    assert row_count(config, 4) == 33
    assert matrix_rows(config, 5) == {"hh1": slice(0, 32), "out": slice(32, 34)}


@pytest.mark.parametrize("name", ["weights", "scales", "biases", "table"])
def test_refuses_wrong_shapes(make_parameters, small, name):
    parameters = make_parameters(small, 5)
    right = getattr(parameters, name).shape
    wrong = np.zeros((right[0] + 1, *right[1:]), np.int16)
    with pytest.raises(ValueError) as caught:
        dataclasses.replace(parameters, **{name: wrong})
    assert str(caught.value) == f"Array {name} must have the shape {right}, not {wrong.shape}"


def test_matrix(make_parameters, small):
    parameters = make_parameters(small, 5)
    assert parameters.matrix("hh2") == slice(32, 48)
    assert len(parameters.weights[parameters.matrix("out")]) == 2
