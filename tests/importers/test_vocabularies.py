"""Vocabularies: lists and numbered characters are read, anything else is refused."""

import json

import pytest

from zynq_lstm.importers.vocabularies import bytes_vocabulary, read_vocabulary, vocabulary_of
from zynq_lstm.quant.errors import UserError


def test_bytes_are_the_characters_of_latin_1() -> None:
    text = bytes(range(256)).decode("latin-1")
    assert bytes_vocabulary().characters == tuple(text)


@pytest.mark.parametrize(
    "value",
    [
        ["b", "é", "\n"],
        {"b": 0, "é": 1, "\n": 2},
        {"\n": 2, "b": 0, "é": 1},
        {"1": "é", "0": "b", "2": "\n"},
    ],
)
def test_reads(tmp_path, value) -> None:
    path = tmp_path / "vocabulary.json"
    for ascii_only in (True, False):
        path.write_text(json.dumps(value, ensure_ascii=ascii_only), encoding="utf-8")
        assert read_vocabulary(path).characters == ("b", "é", "\n")
    path.write_text("\ufeff" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert read_vocabulary(path).characters == ("b", "é", "\n")


def test_digits_are_characters_of_their_own() -> None:
    assert vocabulary_of({"1": 0, "0": 1}, "It").characters == ("1", "0")
    assert vocabulary_of({0: "1", 1: "0"}, "It").characters == ("1", "0")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "JSON list of characters"),
        ("[" * 50_000, "JSON list of characters"),
        ('"ab"', "it is neither"),
        ("3", "it is neither"),
        ('["a"]', "size must be from 2"),
        ('["a", "a"]', "twice"),
        ('["a", "<eos>"]', "'<eos>'"),
        ('["a", 1]', "single characters"),
        ('{"a": 0, "b": 2}', "from 0 to 1, each once"),
        ('{"a": 0, "b": true}', "from 0 to 1, each once"),
        ('{"a": 0, "b": 0}', "from 0 to 1, each once"),
        ('{"a": 0, "b": null}', "from 0 to 1, each once"),
        ('{"0": "a", "2": "b"}', "from 0 to 1, each once"),
        ('{"0": "a", "1": "a"}', "from 0 to 1, each once"),
        ('{"0": "a", "1": 1}', "from 0 to 1, each once"),
        (json.dumps({str(k): k for k in range(300)}), "at most 256"),
        ('["a", "' + "x" * (1 << 16) + '"]', "at most 64 KB"),
    ],
)
def test_refuses(tmp_path, text, part) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(text)
    with pytest.raises(UserError, match=f"^Vocabulary {path}") as caught:
        read_vocabulary(path)
    assert part in str(caught.value)


def test_refuses_what_cannot_be_read(tmp_path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(UserError, match="readable file"):
            read_vocabulary(path)
    (tmp_path / "other").write_bytes(b'["\xff"]')
    with pytest.raises(UserError, match="UTF-8"):
        read_vocabulary(tmp_path / "other")


def test_names_what_it_belongs_to() -> None:
    with pytest.raises(UserError, match=r"^Vocabulary of a model"):
        vocabulary_of(None, "Vocabulary of a model")
