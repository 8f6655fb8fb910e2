"""The LSTM as it is trained: embedding, LSTM layers, head, and their dropout.

The accelerator's first layer takes a one-hot symbol, that is, it looks up a column of its input
weights. Training factors this matrix into an embedding (V, E) and a projection (4H, E), which
makes the gradients of rare symbols share what the frequent ones learn; `Network.tensors` multiplies
the two out again. Gates are in PyTorch's order i, f, g, o.

Initial weights:

- the recurrent matrix of each gate is orthogonal, so that the state's gradient neither grows nor
  fades at first (Saxe et al. 2014, "Exact solutions to the nonlinear dynamics of learning");
- input weights are uniform within +-sqrt(3 / inputs), which keeps the variance;
- the forget gate's bias is 1, so that cells remember at first (Jozefowicz et al. 2015, "An
  empirical exploration of recurrent network architectures"); all other biases are 0.

Dropout keeps its mask for a whole chunk ("variational", Gal and Ghahramani 2016), and recurrent
weights are dropped singly and once per chunk (Merity et al. 2018, "Regularizing and optimizing
LSTM language models"), because per-step noise in the recurrence would destroy the memory.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from zynq_lstm.train.settings import TrainingSettings

State = list[tuple[Tensor, Tensor]]
"""Per layer h and c, each of shape (1, streams, hidden)."""


class Network(nn.Module):
    """Embedding, one or two LSTM layers and a linear head.

    Parameters
    ----------
    symbols : int
        Size V of the vocabulary.
    settings : TrainingSettings
        Layers, hidden units H, embedding width E, dropout and precision.
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(self, symbols: int, settings: TrainingSettings, generator: torch.Generator):
        super().__init__()
        self._settings = settings
        hidden, width = settings.hidden, settings.embedding
        self.embedding = nn.Parameter(_uniform((symbols, width), 1.0, generator))
        self.lstm = nn.ParameterList()
        for layer in range(settings.layers):
            inputs = width if layer == 0 else hidden
            bias = torch.zeros(4 * hidden)
            bias[hidden : 2 * hidden] = 1.0
            self.lstm.append(_uniform((4 * hidden, inputs), math.sqrt(3 / inputs), generator))
            self.lstm.append(torch.cat([_orthogonal(hidden, generator) for _ in range(4)]))
            self.lstm.append(bias)
        bound = math.sqrt(3 / hidden)
        self.head_weight = nn.Parameter(_uniform((symbols, hidden), 0.5 * bound, generator))
        self.head_bias = nn.Parameter(torch.zeros(symbols))

    def initial_state(self, streams: int) -> State:
        """Return the zero state of so many streams."""
        zero = torch.zeros(1, streams, self._settings.hidden)
        return [(zero, zero) for _ in range(self._settings.layers)]

    def forward(
        self, symbols: Tensor, state: State, generator: torch.Generator | None = None
    ) -> tuple[Tensor, State]:
        """Compute the logits of a chunk.

        Parameters
        ----------
        symbols : Tensor
            Symbol numbers, shape (steps, streams).
        state : list of tuple of Tensor
            State before the first step.
        generator : torch.Generator, optional
            Source of the dropout masks. With it the chunk is computed for training, in the
            precision of the settings; without it exactly, in float32.

        Returns
        -------
        tuple
            Logits, shape (steps, streams, V), float32, and the state after the last step,
            float32 and cut off from the gradient.
        """
        settings = self._settings
        training = generator is not None
        dtype = torch.float32
        if training and settings.precision == "bfloat16":
            dtype = torch.bfloat16
        rate = settings.dropout if training else 0.0
        values = nn.functional.embedding(symbols, self.embedding)
        after: State = []
        for layer, (h, c) in enumerate(state):
            w_ih, w_hh, bias = self.lstm[3 * layer : 3 * layer + 3]
            values = drop_units(values, rate, generator)
            w_hh = drop(w_hh, settings.recurrent_dropout if training else 0.0, generator)
            weights = [w.to(dtype) for w in (w_ih, w_hh, bias, torch.zeros_like(bias))]
            values, h, c = torch.lstm(
                values.to(dtype),
                (h.to(dtype), c.to(dtype)),
                weights,
                True,
                1,
                0.0,
                training,
                False,
                False,
            )
            after.append((h.detach().float(), c.detach().float()))
        values = drop_units(values, rate, generator)
        logits = nn.functional.linear(values, self.head_weight.to(dtype), self.head_bias.to(dtype))
        return logits.float(), after

    def decayed(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Return the parameters that weight decay acts on, and those that it leaves alone."""
        # The embedding decays too: rare symbols would otherwise keep the largest input weights, and
        # these would set the scale that all others are quantized with.
        parameters = list(self.parameters())
        return [p for p in parameters if p.dim() == 2], [p for p in parameters if p.dim() == 1]

    @torch.no_grad()
    def tensors(self) -> dict[str, Tensor]:
        """Return the weights under PyTorch's names, the embedding folded in.

        Returns
        -------
        dict of str to Tensor
            ``lstm.weight_ih_l0`` (4H, V) for a one-hot input, and the other weights of an
            ``nn.LSTM`` called ``lstm`` and of an ``nn.Linear`` called ``head``; float32 copies.
        """
        tensors: dict[str, Tensor] = {}
        for layer in range(len(self.lstm) // 3):
            w_ih, w_hh, bias = self.lstm[3 * layer : 3 * layer + 3]
            if layer == 0:
                # Folded in float64: the product is rounded only once.
                w_ih = (w_ih.double() @ self.embedding.double().T).float()
            tensors[f"lstm.weight_ih_l{layer}"] = w_ih.contiguous().clone()
            tensors[f"lstm.weight_hh_l{layer}"] = w_hh.clone()
            tensors[f"lstm.bias_ih_l{layer}"] = bias.clone()
            tensors[f"lstm.bias_hh_l{layer}"] = torch.zeros_like(bias)
        tensors["head.weight"] = self.head_weight.clone()
        tensors["head.bias"] = self.head_bias.clone()
        return tensors


def drop(weights: Tensor, rate: float, generator: torch.Generator | None) -> Tensor:
    """Set each value to zero with probability `rate`, scale the others to keep the mean."""
    if rate == 0.0:
        return weights
    keep = torch.empty_like(weights).bernoulli_(1 - rate, generator=generator)
    return weights * (keep / (1 - rate))


def drop_units(values: Tensor, rate: float, generator: torch.Generator | None) -> Tensor:
    """Drop units of (steps, streams, units), the same ones in all steps."""
    if rate == 0.0:
        return values
    return values * drop(torch.ones_like(values[:1]), rate, generator)


def _uniform(shape: tuple[int, int], bound: float, generator: torch.Generator) -> Tensor:
    return torch.empty(shape).uniform_(-bound, bound, generator=generator)


def _orthogonal(size: int, generator: torch.Generator) -> Tensor:
    return nn.init.orthogonal_(torch.empty(size, size), generator=generator)
