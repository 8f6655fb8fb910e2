"""Quantized weights, their gradients, and that the quantizer finds the same integers again."""

import numpy as np
import pytest
import torch

from zynq_lstm.quant.formats import LOGIT, PREACTIVATION, SCALE
from zynq_lstm.quant.quantizer import quantize_rows, scale_unit
from zynq_lstm.train.fake_quantization import (
    fake_quantize_rows,
    fake_quantize_values,
    first_steps,
    row_scales,
)


def weights_of(rows: int = 40, columns: int = 32, seed: int = 1) -> torch.Tensor:
    """Rows of very different sizes, one of them zero."""
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.logspace(-4, 0.2, rows)[:, None]
    weights = torch.randn(rows, columns, generator=generator) * sizes
    weights[3] = 0.0
    return weights


@pytest.mark.parametrize("target", [PREACTIVATION, LOGIT], ids=["preactivation", "logit"])
@pytest.mark.parametrize("limit", [7, 119, 127])
@pytest.mark.parametrize("share", [0.3, 1.0, 2.0])
def test_the_quantizer_finds_the_same_integers(target, limit, share) -> None:
    """Whether rows are clipped or the step is larger than they need."""
    weights = weights_of()
    steps = first_steps(weights, limit) + np.log(share)
    values, integers, scales = fake_quantize_rows(weights, steps, target, limit)
    assert integers.abs().max() == limit
    assert torch.equal(values.double(), integers * (scales[:, None] * scale_unit(target)))
    found, found_scales = quantize_rows(values.numpy(), target, "rows", limit)
    assert np.array_equal(found, integers.numpy())
    nonzero = integers.abs().amax(1).numpy() > 0
    assert np.array_equal(found_scales[nonzero], scales.numpy()[nonzero])
    assert nonzero.sum() == 39


def test_scales_stay_within_their_format() -> None:
    weights = torch.tensor([[5.0, -3.0], [1e-9, 0.0]])
    scales = row_scales(weights, torch.tensor([5.0, -50.0]), scale_unit(PREACTIVATION), 7)
    assert scales.tolist() == [SCALE.maximum, 1]


@pytest.mark.parametrize("limit", [7, 127])
def test_first_steps_are_the_best_of_many(limit) -> None:
    weights = weights_of()
    best = first_steps(weights, limit).exp()

    def errors(steps: torch.Tensor) -> torch.Tensor:
        levels = (weights / steps[:, None]).round().clamp(-limit, limit)
        return (levels * steps[:, None] - weights).square().sum(1)

    fitting = weights.abs().amax(1) / limit
    for share in (1.0, 0.8, 0.6, 0.4):
        assert (errors(best) <= errors(fitting.clamp_min(1e-9) * share) * 1.01 + 1e-12).all()
    if limit == 7:
        assert errors(best).sum() < 0.95 * errors(fitting.clamp_min(1e-9)).sum()


def test_gradients_pass_straight_through() -> None:
    weights = torch.tensor([[0.30, -0.26, 0.9, -0.01]], requires_grad=True)
    steps = torch.tensor([0.1]).log().requires_grad_()
    values, _, scales = fake_quantize_rows(weights, steps, PREACTIVATION, 7)
    step = scales.item() * scale_unit(PREACTIVATION)
    torch.testing.assert_close(values, torch.tensor([[3.0, -3.0, 7.0, 0.0]]) * step)
    given = torch.tensor([[1.0, 10.0, 100.0, 1000.0]])
    values.backward(given)
    # The third weight is clipped: its value follows the step, seven for one.
    assert weights.grad.tolist() == [[1.0, 10.0, 0.0, 1000.0]]
    exact = weights.detach() / step
    levels = torch.tensor([[3.0, -3.0, 7.0, 0.0]])
    each = torch.where(exact.abs() <= 7.5, levels - exact, levels)
    expected = (given * each).sum() * step / (4 * 7) ** 0.5
    torch.testing.assert_close(steps.grad, expected[None])


def test_values() -> None:
    values = torch.tensor([0.3, 17.0, -16.0, -17.0], requires_grad=True)
    rounded = fake_quantize_values(values, PREACTIVATION)
    assert rounded.tolist() == [614 / 2048, 32767 / 2048, -16.0, -16.0]
    rounded.sum().backward()
    assert values.grad.tolist() == [1.0, 0.0, 1.0, 0.0]
