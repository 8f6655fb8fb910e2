"""The float model in PyTorch, as fast as it will write: a step a character, in few operations."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from zynq_lstm.quant.float_model import FloatModel
from zynq_lstm.sim.speed import Floats, Symbols

VERSION = torch.__version__.partition("+")[0]


class TorchWriter:
    """Sequences side by side, from the zero state and symbol 0.

    Parameters
    ----------
    model : FloatModel
    sequences : int
    threads : int
        Of this process, from now on.
    compiled : bool
        By torch.compile, a piece at a time, which takes a while at the first call.
    """

    piece = 8
    """Characters that are compiled as one."""

    def __init__(
        self, model: FloatModel, sequences: int, *, threads: int, compiled: bool = False
    ) -> None:
        torch.set_num_threads(threads)
        first, *rest = model.layers
        self._table = _tensor(first.weight_ih.T + first.bias)
        self._first = _tensor(first.weight_hh.T)
        # Both inputs of a further layer in one product.
        self._rest = [
            (_tensor(np.hstack([layer.weight_ih, layer.weight_hh]).T), _tensor(layer.bias))
            for layer in rest
        ]
        self._head = (_tensor(model.head_weight.T), _tensor(model.head_bias))
        self._state = [torch.zeros(sequences, model.hidden)] * (2 * len(model.layers))
        self._symbol = torch.zeros(sequences, dtype=torch.int64)
        self._write = torch.compile(self._steps, dynamic=False) if compiled else self._steps

    def write(self, noise: Floats) -> Symbols:
        """Write on; see `speed.Writer`."""
        return self._run(noise)[0].numpy()

    def logits(self, noise: Floats) -> Floats:
        """Write on, and return the logits; see `speed.Writer`."""
        return self._run(noise)[1].numpy()

    @torch.inference_mode()
    def _run(self, noise: Floats) -> tuple[Tensor, Tensor]:
        written, logits, self._state = self._write(
            self._symbol, self._state, torch.from_numpy(noise)
        )
        self._symbol = written[-1]
        return written, logits

    def _steps(
        self, symbol: Tensor, state: list[Tensor], noise: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        written, all_logits = [], []
        for row in noise:
            h, c = _cell(torch.addmm(self._table[symbol], state[0], self._first), state[1])
            after = [h, c]
            for k, (weights, bias) in enumerate(self._rest, start=1):
                both = torch.cat([h, state[2 * k]], dim=1)
                h, c = _cell(torch.addmm(bias, both, weights), state[2 * k + 1])
                after += [h, c]
            state = after
            logits = torch.addmm(self._head[1], h, self._head[0])
            symbol = (logits + row).argmax(1)
            written.append(symbol)
            all_logits.append(logits)
        return torch.stack(written), torch.stack(all_logits), state


def _cell(z: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    i, f, g, o = z.chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def _tensor(values: Floats) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32, order="C"))
