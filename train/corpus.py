"""From a text file to symbol numbers: vocabulary, split and the streams of one epoch.

The split is by position: the first 90 % of the symbols are the training text, the next 5 %
the validation text and the last 5 % the test text, none of them shuffled, because the state is
carried along each of them. Symbols are the characters of the whole text, in sorted order, or the
bytes of the file, which may then be of any kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.vocabulary import BYTES, HINTS, Vocabulary
from zynq_lstm.train.settings import TrainingSettings
from zynq_lstm.train.text import characters_of, read_file, text_of

TRAINING_PERCENT, VALIDATION_PERCENT = 90, 5


@dataclass(frozen=True)
class Corpus:
    """A text as symbol numbers, split into its three parts.

    Attributes
    ----------
    vocabulary : Vocabulary
        The text's different characters in sorted order, or others that include them.
    training, validation, test : Tensor
        Symbol numbers, uint8 (a text may have hundreds of millions), one dimension.
    sha256 : str
        Digest of the file's bytes.
    """

    vocabulary: Vocabulary
    training: Tensor
    validation: Tensor
    test: Tensor
    sha256: str

    @property
    def length(self) -> int:
        """Symbols of the whole text."""
        return len(self.training) + len(self.validation) + len(self.test)

    @property
    def different(self) -> int:
        """Different symbols in the training text; others of the vocabulary are not learned."""
        return int(torch.bincount(self.training).count_nonzero())

    def describe(self) -> dict[str, str | int | list[int]]:
        """Return what identifies the text: digest, length and the lengths of its parts."""
        split = [len(self.training), len(self.validation), len(self.test)]
        return {"text_sha256": self.sha256, "text_length": self.length, "text_split": split}


def split_symbols(symbols: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return a text's training, validation and test part."""
    first = len(symbols) * TRAINING_PERCENT // 100
    second = len(symbols) * (TRAINING_PERCENT + VALIDATION_PERCENT) // 100
    return symbols[:first], symbols[first:second], symbols[second:]


def load_corpus(path: Path, vocabulary: Vocabulary | None = None) -> Corpus:
    """Read a text file and split it.

    Parameters
    ----------
    path : Path
    vocabulary : Vocabulary, optional
        Without it, the text's own characters.

    Raises
    ------
    UserError
        If the file cannot be read, is not UTF-8, is too short to be split, has fewer than 2 or
        more than 256 different characters, or one outside the vocabulary.
    """
    data, sha256 = read_file(path)
    text = text_of(data, vocabulary, path)
    vocabulary = vocabulary or characters_of(text, path)
    training, validation, test = split_symbols(encode(text, vocabulary))
    if len(validation) < 2:
        raise UserError(
            f"Training text must leave at least 2 {vocabulary.unit}s for validation (5 % of it), "
            f"but {path} has {len(data) if vocabulary is BYTES else len(text)} {vocabulary.unit}s "
            "in all; give a longer text"
        )
    return Corpus(vocabulary, training, validation, test, sha256)


def unseen_symbols(corpus: Corpus, before: Vocabulary | None, path: Path) -> Iterator[str]:
    """Sentences on symbols that nobody sees in a text and few want in a model.

    Parameters
    ----------
    corpus : Corpus
    before : Vocabulary or None
        That of a model that training goes on from; its symbols are known.
    path : Path
        The text.
    """
    if corpus.vocabulary is BYTES:
        return
    known = () if before is None else before.characters
    for character, hint in HINTS.items():
        if character in corpus.vocabulary.characters and character not in known:
            yield f"{path} makes {character!r} (U+{ord(character):04X}) a symbol of the model{hint}"


def encode(text: str, vocabulary: Vocabulary) -> Tensor:
    """Return a text's symbol numbers, uint8.

    Raises
    ------
    UserError
        If a character is not in the vocabulary.
    """
    return torch.from_numpy(vocabulary.encode(text).copy())  # Bytes of a `str` cannot be written.


def updates_per_epoch(symbols: Tensor, settings: TrainingSettings) -> int:
    """Return how many updates an epoch makes: those of one pass, or of a part of a long text.

    Raises
    ------
    UserError
        If the text is too short for a single one.
    """
    streams, unroll = settings.streams, settings.unroll
    updates = (len(symbols) // streams) // unroll
    if updates < 1 or len(symbols) < 2:
        many = streams > 1
        raise UserError(
            f"Training part of the text must have at least {max(2, streams * unroll)} symbols "
            f"({streams} stream{'s' * many} x {unroll} unrolled), but it has {len(symbols)}; give "
            f"a longer text{', fewer streams' * many} or a shorter unroll"
        )
    return min(updates, max(1, settings.epoch_symbols // (streams * unroll)))


def epoch_chunks(
    symbols: Tensor, settings: TrainingSettings, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield one epoch's inputs and targets, chunk after chunk of all streams.

    The text is taken as a ring, which is cut at a place drawn anew for each epoch: the streams
    begin, and the gradient is truncated, at other characters each time, and no character is
    always left over. Each stream's state may be carried from one chunk to the next. Streams begin
    at equal distances, also where they do not come as far as the next one's beginning.

    Yields
    ------
    tuple of Tensor
        Inputs and targets, int64, each of shape (unroll, streams); the targets are the inputs'
        next characters.
    """
    offset = int(torch.randint(len(symbols), (), generator=generator))
    starts = torch.arange(settings.streams) * (len(symbols) // settings.streams)
    within = offset + torch.arange(settings.unroll + 1)[:, None] + starts
    for update in range(updates_per_epoch(symbols, settings)):
        chunk = symbols[(within + update * settings.unroll) % len(symbols)].long()
        yield chunk[:-1], chunk[1:]
