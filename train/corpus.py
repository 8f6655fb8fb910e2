"""From a text file to symbol numbers: vocabulary, split and the streams of one epoch.

The split is by position: the first 90 % of the characters are the training text, the next 5 %
the validation text and the last 5 % the test text, none of them shuffled, because the state is
carried along each of them. The vocabulary is that of the whole text, in sorted order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from zynq_lstm.quant.errors import UserError

LARGEST_VOCABULARY = 256
TRAINING_PERCENT, VALIDATION_PERCENT = 90, 5


@dataclass(frozen=True)
class Corpus:
    """A text as symbol numbers, split into its three parts.

    Attributes
    ----------
    vocabulary : tuple of str
        The text's different characters in sorted order; a symbol's number is its place.
    training, validation, test : Tensor
        Symbol numbers, int64, one dimension.
    sha256 : str
        Digest of the file's bytes.
    """

    vocabulary: tuple[str, ...]
    training: Tensor
    validation: Tensor
    test: Tensor
    sha256: str

    @property
    def length(self) -> int:
        """Characters of the whole text."""
        return len(self.training) + len(self.validation) + len(self.test)

    def describe(self) -> dict[str, str | int | list[int]]:
        """Return what identifies the text: digest, length and the lengths of its parts."""
        split = [len(self.training), len(self.validation), len(self.test)]
        return {"text_sha256": self.sha256, "text_length": self.length, "text_split": split}


def read_text(path: Path) -> tuple[str, str]:
    """Read a UTF-8 text file, its line ends unchanged.

    Returns
    -------
    tuple of str
        The text and the SHA-256 digest of the file's bytes in hexadecimal.

    Raises
    ------
    UserError
        If the file cannot be read or is not UTF-8.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            f"Training text must be a readable file, but {path} could not be read ({reason}); "
            "give the path of a text file"
        ) from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"Training text must be UTF-8, but {path} has an invalid byte at offset "
            f"{error.start}; convert it to UTF-8"
        ) from error
    return text, hashlib.sha256(data).hexdigest()


def split_text(text: str) -> tuple[str, str, str]:
    """Return a text's training, validation and test part."""
    first = len(text) * TRAINING_PERCENT // 100
    second = len(text) * (TRAINING_PERCENT + VALIDATION_PERCENT) // 100
    return text[:first], text[first:second], text[second:]


def load_corpus(path: Path) -> Corpus:
    """Read a text file and split it.

    Raises
    ------
    UserError
        If the file cannot be read, is not UTF-8, is too short to be split, or has fewer than 2
        or more than 256 different characters.
    """
    text, sha256 = read_text(path)
    vocabulary = tuple(sorted(set(text)))
    if not 2 <= len(vocabulary) <= LARGEST_VOCABULARY:
        raise UserError(
            f"Training text must have from 2 to {LARGEST_VOCABULARY} different characters, but "
            f"{path} has {len(vocabulary)}; replace or remove rare characters"
            if vocabulary
            else f"Training text must not be empty, but {path} is; give a longer text"
        )
    symbols = encode(text, vocabulary)
    sizes = [len(part) for part in split_text(text)]
    training, validation, test = symbols.split(sizes)
    if len(validation) < 2:
        raise UserError(
            "Training text must leave at least 2 characters for validation (5 % of it), but "
            f"{path} has {len(text)} characters in all; give a longer text"
        )
    return Corpus(vocabulary, training, validation, test, sha256)


def encode(text: str, vocabulary: tuple[str, ...]) -> Tensor:
    """Return a text's symbol numbers, int64.

    Raises
    ------
    UserError
        If a character is not in the vocabulary.
    """
    number = {character: place for place, character in enumerate(vocabulary)}
    try:
        return torch.from_numpy(np.fromiter((number[c] for c in text), np.int64, len(text)))
    except KeyError as error:
        raise UserError(
            f"Text must consist of the model's {len(vocabulary)} characters, but it contains "
            f"{error.args[0]!r}; remove that character or train a model on such a text"
        ) from error


def updates_per_epoch(symbols: Tensor, streams: int, unroll: int) -> int:
    """Return how many updates one pass over the training text makes.

    Raises
    ------
    UserError
        If the text is too short for a single one.
    """
    updates = (len(symbols) // streams) // unroll
    if updates < 1 or len(symbols) < 2:
        raise UserError(
            f"Training part of the text must have at least {max(2, streams * unroll)} characters "
            f"({streams} streams x {unroll} unrolled), but it has {len(symbols)}; give a longer "
            "text, fewer streams or a shorter unroll"
        )
    return updates


def epoch_chunks(
    symbols: Tensor, streams: int, unroll: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield one epoch's inputs and targets, chunk after chunk of all streams.

    The text is taken as a ring, which is cut at a place drawn anew for each epoch: the streams
    begin, and the gradient is truncated, at other characters each time, and no character is
    always left over. Each stream's state may be carried from one chunk to the next.

    Yields
    ------
    tuple of Tensor
        Inputs and targets, each of shape (unroll, streams); the targets are the inputs' next
        characters.
    """
    updates = updates_per_epoch(symbols, streams, unroll)
    offset = int(torch.randint(len(symbols), (), generator=generator))
    ring = torch.roll(symbols, -offset)
    ring = torch.cat([ring, ring[:1]])
    starts = torch.arange(streams) * (len(symbols) // streams)
    within = torch.arange(unroll + 1)[:, None] + starts
    for update in range(updates):
        chunk = ring[within + update * unroll]
        yield chunk[:-1], chunk[1:]
