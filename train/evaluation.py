"""How well a model predicts a text: cross-entropy with the state carried along all of it.

The first character is given; every other one is predicted from those before it, starting from a
zero state, in float32 and without dropout. Training validates its network by `cross_entropy`;
`evaluate` measures a checkpoint with nothing but PyTorch's own ``nn.LSTM`` and ``nn.Linear``, which
is the reference that the quantized model is compared with.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from zynq_lstm.quant.errors import UserError
from zynq_lstm.train.checkpoint import read_checkpoint, rewrite_results, vocabulary_of
from zynq_lstm.train.corpus import encode, split_symbols
from zynq_lstm.train.network import State
from zynq_lstm.train.progress import bits
from zynq_lstm.train.text import read_file, text_of

CHUNK = 8192
"""Characters computed by one call; it bounds the memory and does not change the result."""


class Model(Protocol):
    """What can be evaluated: a zero state, and logits and next state of a chunk of symbols."""

    def initial_state(self, streams: int) -> State: ...

    def __call__(self, symbols: Tensor, state: State) -> tuple[Tensor, State]: ...


@torch.inference_mode()
def cross_entropy(model: Model, symbols: Tensor) -> float:
    """Return the mean cross-entropy of a text, in nats per predicted character.

    Parameters
    ----------
    model : Model
        A `Network` or a `Reference`.
    symbols : Tensor
        The text's symbol numbers, one dimension, at least 2 of them.
    """
    state = model.initial_state(1)
    total = 0.0
    for start in range(0, len(symbols) - 1, CHUNK):
        chunk = symbols[start : start + CHUNK + 1].to(torch.int64)
        logits, state = model(chunk[:-1, None], state)
        total += nn.functional.cross_entropy(logits[:, 0], chunk[1:], reduction="sum").item()
    return total / (len(symbols) - 1)


class Reference(nn.Module):
    """A checkpoint's model, made of PyTorch's own modules and its tensors as they are.

    Parameters
    ----------
    tensors : dict of str to Tensor
        The checkpoint's tensors.

    Raises
    ------
    UserError
        If a tensor is missing, left over or of a wrong shape.
    """

    def __init__(self, tensors: dict[str, Tensor]):
        super().__init__()
        try:
            symbols, hidden = tensors["head.weight"].shape
            layers = sum(name.startswith("lstm.weight_hh_l") for name in tensors)
            self.lstm = nn.LSTM(symbols, hidden, layers)
            self.head = nn.Linear(hidden, symbols)
            self.load_state_dict(tensors)
        except (KeyError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise UserError(
                "Checkpoint must have the tensors of an LSTM called lstm and of a linear layer "
                f"called head, but it does not fit ({reason}); give the file that training wrote"
            ) from error

    def initial_state(self, streams: int) -> State:
        """Return the zero state of so many streams."""
        zero = torch.zeros(1, streams, self.lstm.hidden_size)
        return [(zero, zero) for _ in range(self.lstm.num_layers)]

    def forward(self, symbols: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits, shape (steps, streams, V), and state after symbols (steps, streams)."""
        one_hot = nn.functional.one_hot(symbols, self.lstm.input_size).float()
        h, c = (torch.cat(part) for part in zip(*state, strict=True))
        values, (h, c) = self.lstm(one_hot, (h, c))
        return self.head(values), list(zip(h.split(1), c.split(1), strict=True))


def evaluate(checkpoint_path: Path, text: str) -> tuple[float, int]:
    """Measure a checkpoint on a text.

    Parameters
    ----------
    checkpoint_path : Path
        The checkpoint.
    text : str
        Text of the model's characters, at least 2 symbols.

    Returns
    -------
    tuple
        Mean cross-entropy in nats per predicted symbol, and how many were predicted: one
        fewer than the text has.

    Raises
    ------
    UserError
        If the checkpoint cannot be used, or the text is too short or has foreign characters.
    """
    tensors, metadata = read_checkpoint(Path(checkpoint_path))
    symbols = encode(text, vocabulary_of(metadata))
    if len(symbols) < 2:
        raise UserError(
            f"Text must have at least 2 characters, but it has {len(symbols)}; give a longer text"
        )
    return cross_entropy(Reference(tensors), symbols), len(symbols) - 1


def record_test_results(checkpoint_path: Path, text_path: Path) -> float:
    """Measure a finished model on its text's test part and note that in the checkpoint.

    Training itself never looks at the test part. This is for the one figure that is published.

    Returns
    -------
    float
        Bits per symbol of the test part.

    Raises
    ------
    UserError
        If the checkpoint or the text cannot be used, or it was trained on another text.
    """
    data, sha256 = read_file(Path(text_path))
    tensors, metadata = read_checkpoint(Path(checkpoint_path))
    trained_on = json.loads(metadata["settings"]).get("text_sha256")
    if sha256 != trained_on:
        raise UserError(
            f"Test text must be the end of the text that {checkpoint_path} was trained on (SHA-256 "
            f"{trained_on}), but {text_path} is another (SHA-256 {sha256}); give that text"
        )
    vocabulary = vocabulary_of(metadata)
    test = split_symbols(encode(text_of(data, vocabulary, text_path), vocabulary))[2]
    nats = cross_entropy(Reference(tensors), test)
    rewrite_results(
        Path(checkpoint_path),
        {"test_nats": nats, "test_bpc": bits(nats), "test_characters": len(test) - 1},
    )
    return bits(nats)
