"""The LSTM as the accelerator computes it, for quantization-aware training.

It begins from a checkpoint's weights and ends as one: `QuantizedNetwork.tensors` are the quantized
weights, from which the quantizer makes the image whose golden model has this network's logits.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zynq_lstm.quant.formats import LOGIT, PREACTIVATION, Format, output_limit, weight_limit
from zynq_lstm.train.fake_quantization import (
    fake_quantize_rows,
    fake_quantize_values,
    first_steps,
)
from zynq_lstm.train.integer_lstm import layer, product, saturated
from zynq_lstm.train.network import State, drop, drop_units
from zynq_lstm.train.settings import TrainingSettings


class _Matrix(nn.Module):
    """A weight matrix with a learned step a row."""

    def __init__(self, weights: Tensor, limit: int, target: Format):
        super().__init__()
        self.weights = nn.Parameter(weights.clone())
        self._limit, self._target = limit, target
        self.steps = nn.Parameter(first_steps(weights, self._limit))

    def forward(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return values, integers and scales."""
        return fake_quantize_rows(self.weights, self.steps, self._target, self._limit)


class QuantizedNetwork(nn.Module):
    """Input table, one or two LSTM layers and a linear head, in the accelerator's integers.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        A checkpoint's.
    settings : TrainingSettings
        Bits of the weights, dropout.
    """

    def __init__(self, tensors: Mapping[str, Tensor], settings: TrainingSettings):
        super().__init__()
        self._settings = settings
        self._layers = sum(name.startswith("lstm.weight_hh_l") for name in tensors)
        bits = settings.weight_bits
        limit = weight_limit(bits)

        def biases(k: int) -> Tensor:
            return tensors[f"lstm.bias_ih_l{k}"] + tensors[f"lstm.bias_hh_l{k}"]

        self.table = nn.Parameter(tensors["lstm.weight_ih_l0"].T + biases(0))
        self.recurrent = nn.ModuleList(
            _Matrix(tensors[f"lstm.weight_hh_l{k}"], limit, PREACTIVATION)
            for k in range(self._layers)
        )
        self.inputs = nn.ModuleList(
            _Matrix(tensors[f"lstm.weight_ih_l{k}"], limit, PREACTIVATION)
            for k in range(1, self._layers)
        )
        self.biases = nn.ParameterList(biases(k) for k in range(1, self._layers))
        self.head = _Matrix(tensors["head.weight"], output_limit(bits, settings.output_bits), LOGIT)
        self.head_bias = nn.Parameter(tensors["head.bias"].clone())

    def initial_state(self, streams: int) -> State:
        """Return the zero state of so many streams."""
        zero = torch.zeros(1, streams, self.table.shape[1] // 4)
        return [(zero, zero) for _ in range(self._layers)]

    def forward(
        self, symbols: Tensor, state: State, generator: torch.Generator | None = None
    ) -> tuple[Tensor, State]:
        """Compute the logits of a chunk; see `Network.forward`.

        Without dropout they are the golden model's.
        """
        settings = self._settings
        rate = settings.dropout if generator is not None else 0.0
        recurrent_rate = settings.recurrent_dropout if generator is not None else 0.0
        table = fake_quantize_values(self.table, PREACTIVATION)
        addends = nn.functional.embedding(symbols, table)
        h = addends
        after: State = []
        for k, before in enumerate(state):
            if k > 0:
                addends = product(h, self.inputs[k - 1](), PREACTIVATION)
                addends = addends + fake_quantize_values(self.biases[k - 1], PREACTIVATION)
            values, integers, scales = self.recurrent[k]()
            mask = drop(torch.ones_like(values), recurrent_rate, generator)
            h, reached = layer(addends, before, (values * mask, integers * mask, scales))
            after.append(reached)
            h = drop_units(h, rate, generator)
        logits = product(h, self.head(), LOGIT) + fake_quantize_values(self.head_bias, LOGIT)
        return saturated(logits, LOGIT), after

    def decayed(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Return the parameters that weight decay acts on, and those that it leaves alone."""
        parameters = list(self.parameters())
        return [p for p in parameters if p.dim() == 2], [p for p in parameters if p.dim() == 1]

    @torch.no_grad()
    def tensors(self) -> dict[str, Tensor]:
        """Return the quantized weights under PyTorch's names; float32 holds them exactly."""
        tensors: dict[str, Tensor] = {}
        table = fake_quantize_values(self.table, PREACTIVATION)
        zero = torch.zeros(table.shape[1])
        for k in range(self._layers):
            first = k == 0
            tensors[f"lstm.weight_ih_l{k}"] = (
                table.T.contiguous() if first else self.inputs[k - 1]()[0]
            )
            tensors[f"lstm.weight_hh_l{k}"] = self.recurrent[k]()[0]
            tensors[f"lstm.bias_ih_l{k}"] = (
                zero.clone() if first else fake_quantize_values(self.biases[k - 1], PREACTIVATION)
            )
            tensors[f"lstm.bias_hh_l{k}"] = zero.clone()
        tensors["head.weight"] = self.head()[0]
        tensors["head.bias"] = fake_quantize_values(self.head_bias, LOGIT)
        return tensors
