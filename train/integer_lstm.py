"""The accelerator's arithmetic in PyTorch, integer by integer, with gradients.

Forward, each number is exactly what `quant.operators` makes of it: sums of products in float32 are
integers below 2^24, requantized products stay below 2^53 in float64, activations come from the
same tables, c and h are rounded and saturated alike. Tensors hold the numbers' values (integer
times LSB), which float32 holds exactly. A network trained this way has the golden model's logits,
not an approximation of them.

Backward, rounding is passed straight through, tanh and sigmoid have the derivatives of the true
functions at the values that came out, and what was saturated gets no gradient.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zynq_lstm.quant import operators as op
from zynq_lstm.quant.formats import ACTIVATION, CELL, HIDDEN, PREACTIVATION, SCALED, Format


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, h: Tensor, values: Tensor, integers: Tensor, scales: Tensor, lsb: float
    ) -> Tensor:
        ctx.save_for_backward(h, values)
        return requantized((h / HIDDEN.lsb) @ integers.T, scales).float() * lsb

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        h, values = ctx.saved_tensors
        to_values = gradient.flatten(0, -2).T @ h.flatten(0, -2)
        return gradient @ values, to_values, None, None, None


def product(h: Tensor, weights: tuple[Tensor, Tensor, Tensor], target: Format) -> Tensor:
    """Requantized products of rows with hidden states.

    Parameters
    ----------
    h : Tensor, shape (..., columns)
        `HIDDEN` format.
    weights : tuple of Tensor
        Values, integers and scales, see `fake_quantize_rows`.
    target : Format
        The format of the sums, which have one more bit, as `SCALED` has one more than
        `PREACTIVATION`.

    Returns
    -------
    Tensor, shape (..., rows)
    """
    return _Product.apply(h, *weights, target.lsb)


def saturated(values: Tensor, form: Format) -> Tensor:
    """Values saturated to a format, without a gradient beyond its range."""
    return values.clamp(form.minimum * form.lsb, form.maximum * form.lsb)


def requantized(sums: Tensor, scales: Tensor) -> Tensor:
    """`operators.requantize`, in float64."""
    total = sums.double().mul_(scales)
    total.mul_(2.0**-op.REQUANTIZE_SHIFT).add_(0.5).floor_()
    return total.clamp_(SCALED.minimum, SCALED.maximum)


class _Layer(torch.autograd.Function):
    """One layer over a chunk; all that depends on the input is in ``addends`` already."""

    @staticmethod
    def forward(
        ctx: Any,
        addends: Tensor,
        h: Tensor,
        c: Tensor,
        values: Tensor,
        integers: Tensor,
        scales: Tensor,
    ) -> Any:
        steps, streams, width = addends.shape
        hidden = width // 4
        columns = integers.T.contiguous()
        sigmoid, tanh = _tables()
        h = h / HIDDEN.lsb
        c = (c / CELL.lsb).int()
        inputs = addends / PREACTIVATION.lsb
        outputs = torch.empty(steps + 1, streams, hidden)
        cells = torch.empty(steps + 1, streams, hidden, dtype=torch.int32)
        gates = torch.empty(steps, streams, 4, hidden, dtype=torch.int32)
        squashed = torch.empty(steps, streams, hidden, dtype=torch.int32)
        outputs[0], cells[0] = h, c
        for t in range(steps):
            z = requantized(outputs[t] @ columns, scales).add_(inputs[t])
            z = z.clamp_(PREACTIVATION.minimum, PREACTIVATION.maximum)
            z = z.sub_(PREACTIVATION.minimum).long().view(streams, 4, hidden)
            now = gates[t]
            now[:, :2] = sigmoid[z[:, :2]]
            now[:, 2] = tanh[z[:, 2]]
            now[:, 3] = sigmoid[z[:, 3]]
            i, f, g, o = now.unbind(1)
            total = f * cells[t] + ((i * g) >> op.INPUT_PRODUCT_SHIFT)
            total = (total + (1 << (op.CELL_PRODUCT_SHIFT - 1))) >> op.CELL_PRODUCT_SHIFT
            cells[t + 1] = total.clamp_(CELL.minimum, CELL.maximum)
            squashed[t] = tanh[(cells[t + 1] - CELL.minimum).long()]
            h = (o * squashed[t] + (1 << (op.HIDDEN_SHIFT - 1))) >> op.HIDDEN_SHIFT
            outputs[t + 1] = h.clamp_(HIDDEN.minimum, HIDDEN.maximum)
        outputs = outputs.mul_(HIDDEN.lsb)
        ctx.save_for_backward(outputs, cells, gates, squashed, values)
        last_c = cells[-1] * CELL.lsb
        ctx.mark_non_differentiable(last_c)
        return outputs[1:], last_c

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> Any:
        outputs, cells, gates, squashed, values = ctx.saved_tensors
        steps, streams, _, hidden = gates.shape
        to_sums = torch.empty(steps, streams, 4, hidden)
        to_h, to_c = torch.zeros(streams, hidden), torch.zeros(streams, hidden)
        for t in reversed(range(steps)):
            i, f, g, o = (gates[t] * ACTIVATION.lsb).unbind(1)
            y = squashed[t] * ACTIVATION.lsb
            c = cells[t + 1]
            to_h = to_h + gradient[t]
            to_c = to_c + to_h * o * (1 - y * y)
            to_c = to_c * ((c > CELL.minimum) & (c < CELL.maximum))
            now = to_sums[t]
            now[:, 0] = to_c * g * i * (1 - i)
            now[:, 1] = to_c * (cells[t] * CELL.lsb) * f * (1 - f)
            now[:, 2] = to_c * i * (1 - g * g)
            now[:, 3] = to_h * y * o * (1 - o)
            to_c = to_c * f
            to_h = now.view(streams, 4 * hidden) @ values
        to_sums = to_sums.view(steps, streams, 4 * hidden)
        to_values = to_sums.flatten(0, 1).T @ outputs[:-1].flatten(0, 1)
        return to_sums, None, None, to_values, None, None


def layer(
    addends: Tensor, state: tuple[Tensor, Tensor], weights: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Compute one LSTM layer over a chunk.

    Parameters
    ----------
    addends : Tensor, shape (steps, streams, 4 * hidden)
        What each step adds to the recurrent sums, Q.11, gates in the order i, f, g, o.
    state : tuple of Tensor, each of shape (1, streams, hidden)
        h (`HIDDEN`) and c (`CELL`) before the first step.
    weights : tuple of Tensor
        Of the recurrent matrix (4 * hidden, hidden), see `fake_quantize_rows`.

    Returns
    -------
    h : Tensor, shape (steps, streams, hidden)
        After each step.
    state : tuple of Tensor
        After the last one, cut off from the gradient.
    """
    h, c = _Layer.apply(addends, state[0][0], state[1][0], *weights)
    return h, (h[-1:].detach(), c[None])


@cache
def _tables() -> tuple[Tensor, Tensor]:
    """sigmoid and tanh of each `PREACTIVATION`, from the least, `ACTIVATION`, int32."""
    x = np.arange(PREACTIVATION.minimum, PREACTIVATION.maximum + 1)
    return (
        torch.from_numpy(op.sigmoid(x).astype(np.int32)),
        torch.from_numpy(op.tanh(x).astype(np.int32)),
    )
