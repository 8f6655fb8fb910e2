"""Tests of the moving average."""

import pytest
import torch
from torch import nn

from zynq_lstm.train.averaging import follow


def test_average_follows_and_settles() -> None:
    average, module = nn.Linear(2, 3), nn.Linear(2, 3)
    before = average.weight.clone()
    follow(average, module, 0, 0.999)
    torch.testing.assert_close(average.weight, 0.1 * before + 0.9 * module.weight)
    before = average.weight.clone()
    follow(average, module, 10**6, 0.75)
    torch.testing.assert_close(average.weight, 0.75 * before + 0.25 * module.weight)
    for update in range(100):
        follow(average, module, update, 0.75)
    torch.testing.assert_close(average.weight, module.weight)
    torch.testing.assert_close(average.bias, module.bias)
    assert average.bias.requires_grad


def test_module_is_left_alone() -> None:
    average, module = nn.Linear(2, 3), nn.Linear(2, 3)
    before = module.weight.clone()
    follow(average, module, 5, 0.9)
    assert torch.equal(module.weight, before)
    assert pytest.approx(0) != (average.weight - before).abs().max().item()
