"""Tests of reading, splitting and streaming a text."""

import dataclasses
import hashlib
from pathlib import Path

import pytest
import torch

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.vocabulary import BYTES, Vocabulary
from zynq_lstm.train.corpus import (
    encode,
    epoch_chunks,
    load_corpus,
    unseen_symbols,
    updates_per_epoch,
)
from zynq_lstm.train.settings import TrainingSettings

SETTINGS = TrainingSettings(streams=4, unroll=16)


def test_split_is_90_5_5_by_position(text_path: Path) -> None:
    corpus = load_corpus(text_path)
    text = text_path.read_text()
    assert corpus.vocabulary == Vocabulary(sorted(set(text)))
    assert corpus.describe() == {
        "text_sha256": hashlib.sha256(text_path.read_bytes()).hexdigest(),
        "text_length": 6000,
        "text_split": [5400, 300, 300],
    }
    parts = (corpus.training, corpus.validation, corpus.test)
    decoded = [corpus.vocabulary.decode(part) for part in parts]
    assert decoded == [text[:5400], text[5400:5700], text[5700:]]


def test_line_ends_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(b"one\r\ntwo\n" * 10)
    corpus = load_corpus(path)
    assert corpus.length == 90
    assert "\r" in corpus.vocabulary.characters


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"one\ntwo\n", []),
        (b"one\r\ntwo\n", ["'\\r' (U+000D) a symbol of the model; its lines end as on Windows"]),
        (b"\xef\xbb\xbfone", ["'\\ufeff' (U+FEFF) a symbol of the model; it is a byte order"]),
        (b"\xef\xbb\xbfone\r\n", ["U+000D", "U+FEFF"]),
    ],
)
def test_symbols_that_nobody_sees_are_told(tmp_path: Path, data: bytes, parts: list[str]) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(data * 10)
    corpus = load_corpus(path)
    told = list(unseen_symbols(corpus, None, path))
    assert len(told) == len(parts)
    for part, sentence in zip(parts, told, strict=True):
        assert str(path) in sentence and part in sentence
    assert not list(unseen_symbols(corpus, corpus.vocabulary, path))
    assert not list(unseen_symbols(load_corpus(path, BYTES), None, path))


def test_bytes_of_any_file(tmp_path: Path) -> None:
    path = tmp_path / "text.bin"
    data = bytes([200, 0, 255, 13]) * 20
    path.write_bytes(data)
    corpus = load_corpus(path, BYTES)
    assert corpus.vocabulary is BYTES
    assert corpus.describe()["text_split"] == [72, 4, 4]
    parts = (corpus.training, corpus.validation, corpus.test)
    assert b"".join(bytes(part.tolist()) for part in parts) == data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "could not be read (No such file or directory); give the path of a text file"),
        (b"", "Training text must not be empty, but "),
        (b"a" * 100, " has 'a' only; give a text in which there is something to learn"),
        ("".join(map(chr, range(300, 557))).encode(), " has 257; replace or remove rare"),
        (
            b"good\xffbad",
            " has an invalid byte at offset 4; convert it to UTF-8 or train a new model on bytes "
            "(--symbols bytes)",
        ),
        ("".join(map(chr, range(300, 557))).encode(), "train on bytes (--symbols bytes)"),
        (b"ab" * 10, " has 20 characters in all; give a longer text"),
    ],
)
def test_unusable_text(tmp_path: Path, data: bytes | None, message: str) -> None:
    path = tmp_path / "text.txt"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UserError) as error:
        load_corpus(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_foreign_character() -> None:
    with pytest.raises(UserError, match=r"must use the model's 2 characters only; found 'c'"):
        encode("abc", Vocabulary("ab"))


def test_text_too_short_for_one_update() -> None:
    with pytest.raises(UserError) as error:
        updates_per_epoch(torch.zeros(63, dtype=torch.uint8), SETTINGS)
    assert str(error.value) == (
        "Training part of the text must have at least 64 symbols (4 streams x 16 unrolled), "
        "but it has 63; give a longer text, fewer streams or a shorter unroll"
    )
    with pytest.raises(UserError) as error:
        updates_per_epoch(torch.zeros(9), dataclasses.replace(SETTINGS, streams=1))
    assert str(error.value) == (
        "Training part of the text must have at least 16 symbols (1 stream x 16 unrolled), "
        "but it has 9; give a longer text or a shorter unroll"
    )


@pytest.mark.parametrize("length", [64, 127, 1000])
def test_chunks_follow_the_text(length: int) -> None:
    symbols = torch.arange(length)
    generator = torch.Generator().manual_seed(3)
    chunks = list(epoch_chunks(symbols, SETTINGS, generator))
    assert len(chunks) == updates_per_epoch(symbols, SETTINGS)
    inputs = torch.cat([inputs for inputs, _ in chunks])
    targets = torch.cat([targets for _, targets in chunks])
    assert torch.equal(targets, (inputs + 1) % length)
    assert torch.equal(inputs[1:], targets[:-1])
    assert len(inputs.unique()) == inputs.numel()


def test_epochs_begin_at_different_places() -> None:
    generator = torch.Generator().manual_seed(3)
    firsts = {
        int(next(epoch_chunks(torch.arange(1000), SETTINGS, generator))[0][0, 0]) for _ in range(9)
    }
    assert len(firsts) == 9


def test_an_epoch_of_a_long_text_reads_parts_of_it() -> None:
    symbols = torch.arange(1000)
    settings = dataclasses.replace(SETTINGS, epoch_symbols=200)
    generator = torch.Generator().manual_seed(3)
    seen: set[int] = set()
    for _ in range(30):
        chunks = list(epoch_chunks(symbols, settings, generator))
        inputs = torch.cat([inputs for inputs, _ in chunks])
        assert inputs.shape == (3 * 16, 4)
        assert torch.equal((inputs[0] - inputs[0, 0]) % 1000, torch.arange(4) * 250)
        assert len(inputs.unique()) == inputs.numel()
        seen |= set(inputs.flatten().tolist())
    assert len(seen) == 1000
    assert updates_per_epoch(symbols, dataclasses.replace(settings, epoch_symbols=1)) == 1


def test_a_symbol_takes_a_byte(text_path: Path) -> None:
    for vocabulary in (None, BYTES):
        corpus = load_corpus(text_path, vocabulary)
        assert corpus.training.dtype == torch.uint8
        inputs, targets = next(epoch_chunks(corpus.training, SETTINGS, torch.Generator()))
        assert inputs.dtype == targets.dtype == torch.int64
