"""Weights as the accelerator will hold them, with gradients for those that are trained.

Quantization-aware training keeps float weights, but computes with what the quantizer would make of
them. Rounding has no useful gradient, so the gradient passes through it as if it were not there
(the straight-through estimator; Bengio et al. 2013, "Estimating or propagating gradients through
stochastic neurons").

A row's weights share a scale, on the grid of `SCALE`. At 8 bits the quantizer's choice, the least
scale at which the largest weight fits, costs next to nothing. At 4 bits it would spend most of the
15 levels on a few large weights, so here rows may be clipped, and the scale is learned together
with the weights (LSQ; Esser et al. 2020, "Learned step size quantization"). It is never so large
that no weight would reach the limit: from that one the quantizer finds the very same scale and
integers again. The checkpoint needs no scales, and no accuracy is lost on the
way into the image.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from zynq_lstm.quant.formats import SCALE, Format
from zynq_lstm.quant.quantizer import scale_unit

_SEARCHED = 40
"""Scales that the search for the first one compares."""


class _Rows(torch.autograd.Function):
    """Weights (rows, columns) and the logarithms of their steps (rows,) to multiples of steps."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, steps: Tensor, unit: float, limit: int) -> Any:
        scales = row_scales(weights, steps, unit, limit)
        exact = weights.double() / (scales[:, None] * unit)
        integers = exact.round().clamp_(-limit, limit)
        values = (integers * (scales[:, None] * unit)).float()
        integers = integers.float()
        ctx.save_for_backward(exact.float(), integers, scales.float())
        ctx.unit, ctx.limit = unit, limit
        ctx.mark_non_differentiable(integers, scales)
        return values, integers, scales

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> Any:
        exact, integers, scales = ctx.saved_tensors
        inside = exact.abs() <= ctx.limit + 0.5
        # d value / d step is the level beyond the limits, and the rounding error within them.
        per_step = torch.where(inside, integers - exact, integers)
        damping = 1 / math.sqrt(exact.shape[1] * ctx.limit)
        to_step = (gradient * per_step).sum(1) * scales * (ctx.unit * damping)
        return gradient * inside, to_step, None, None


def row_scales(weights: Tensor, steps: Tensor, unit: float, limit: int) -> Tensor:
    """Integer scale of each row, float64: the learned one, or one at which the largest just fits.

    Rounded down, so that the largest becomes the limit and not less.
    """
    largest = weights.abs().amax(1).double()
    fitting = (largest / (limit * unit)).floor()
    learned = (steps.double().exp() / unit).round()
    return torch.minimum(learned, fitting).clamp(1, SCALE.maximum)


def fake_quantize_rows(
    weights: Tensor, steps: Tensor, target: Format, limit: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Quantize rows.

    Parameters
    ----------
    weights : Tensor, shape (rows, columns)
    steps : Tensor, shape (rows,)
        Natural logarithm of the weight that an integer of 1 stands for.
    target : Format
        Of the rows' requantized sums.
    limit : int
        Largest integer.

    Returns
    -------
    values : Tensor, shape (rows, columns)
        The quantized weights; gradients pass through it to weights and steps.
    integers : Tensor, shape (rows, columns)
        What the multipliers get, float32.
    scales : Tensor, shape (rows,)
        What the sums are scaled with, `SCALE` format, float64.
    """
    return _Rows.apply(weights, steps, scale_unit(target), limit)


def first_steps(weights: Tensor, limit: int) -> Tensor:
    """Steps to begin with: for each row the one with the least squared error.

    Returns
    -------
    Tensor, shape (rows,)
        Natural logarithms.
    """
    largest = weights.abs().amax(1).clamp_min(1e-6) / limit
    best, step = torch.full_like(largest, math.inf), largest
    for share in torch.linspace(1.0, 0.25, _SEARCHED):
        tried = (largest * share)[:, None]
        error = ((weights / tried).round().clamp(-limit, limit) * tried - weights).square().sum(1)
        step = torch.where(error < best, tried[:, 0], step)
        best = torch.minimum(error, best)
    return step.log()


class _Values(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, form: Format) -> Tensor:
        scaled = (values / form.lsb).round()
        ctx.save_for_backward((scaled >= form.minimum) & (scaled <= form.maximum))
        return scaled.clamp(form.minimum, form.maximum) * form.lsb

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (inside,) = ctx.saved_tensors
        return gradient * inside, None


def fake_quantize_values(values: Tensor, form: Format) -> Tensor:
    """Round values to a fixed-point format and saturate them; gradients pass through."""
    return _Values.apply(values, form)
