"""Vocabularies: what they hold, what they refuse, and text to symbols and back."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.vocabulary import BYTES, Vocabulary

CHARACTERS = st.characters(codec="utf-8")


@pytest.mark.parametrize(
    ("characters", "sentence"),
    [
        ("", "Vocabulary size must be from 2 to 256, not 0"),
        ("a", "Vocabulary size must be from 2 to 256, not 1"),
        ([chr(k) for k in range(257)], "Vocabulary size must be from 2 to 256, not 257"),
        (["a", "bc"], "Vocabulary must hold single characters, not 'bc'"),
        (["a", ""], "Vocabulary must hold single characters, not ''"),
        (["a", 5], "Vocabulary must hold single characters, not 5"),
        (["a", ["b"]], "Vocabulary must hold single characters, not ['b']"),
        (["a", None], "Vocabulary must hold single characters, not None"),
        ("abca", "Vocabulary must not hold a character twice"),
        (["a", "\udc80"], "Vocabulary must not hold half a character, '\\udc80'"),
    ],
)
def test_refuses(characters, sentence):
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        Vocabulary(characters)


@pytest.mark.parametrize("size", [2, 65, 256])
def test_sizes(size):
    vocabulary = Vocabulary(chr(k) for k in range(size))
    assert len(vocabulary) == size
    everything = "".join(vocabulary.characters)
    symbols = vocabulary.encode(everything)
    assert symbols.dtype == np.uint8
    assert symbols.tolist() == list(range(size))
    assert vocabulary.decode(symbols) == everything


@given(st.lists(CHARACTERS, min_size=2, max_size=40, unique=True), st.data())
def test_round_trip(characters, data):
    vocabulary = Vocabulary(characters)
    text = data.draw(st.text(st.sampled_from(characters)))
    assert vocabulary.decode(vocabulary.encode(text)) == text


@pytest.mark.parametrize("vocabulary", [Vocabulary("ab"), BYTES], ids=["characters", "bytes"])
@pytest.mark.parametrize("text", [None, 5, b"ab", ["a", "b"]], ids=str)
def test_text_is_a_string(vocabulary, text):
    with pytest.raises(UserError, match=f"^Text must be a string, not {type(text).__name__}$"):
        vocabulary.encode(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("abxa", "'x' (U+0078) at position 2"),
        ("é", "'é' (U+00E9) at position 0"),
        ("ab\n", "'\\n' (U+000A) at position 2"),
        ("a\U0001f600x", "'\U0001f600' (U+1F600) at position 1"),
        ("A", "'A' (U+0041) at position 0"),
        ("ab\r\n", "'\\r' (U+000D) at position 2; its lines end as on Windows: convert them first"),
        (
            "\ufeffa",
            "'\\ufeff' (U+FEFF) at position 0; it is a byte order mark: save without it",
        ),
    ],
)
def test_unknown_character_is_named_with_its_place(text, found):
    sentence = f"Text must use the model's 2 characters only; found {found}"
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        Vocabulary("ab").encode(text)


def test_empty_text():
    assert Vocabulary("ab").encode("").shape == (0,)
    assert Vocabulary("ab").decode([]) == ""


def test_order_matters():
    assert Vocabulary("ab") == Vocabulary(["a", "b"]) != Vocabulary("ba")
    assert hash(Vocabulary("ab")) == hash(Vocabulary(("a", "b")))
    assert Vocabulary("ab") != "ab"


@given(st.text(CHARACTERS))
def test_bytes_of_text(text):
    symbols = BYTES.encode(text)
    assert symbols.dtype == np.uint8
    assert symbols.tobytes() == text.encode("utf-8")
    assert BYTES.decode(symbols) == text


@given(st.binary(max_size=40), st.integers(0, 40))
def test_any_bytes_are_text_and_back(data, cut):
    text = BYTES.text_of(data)
    assert text == BYTES.decode(data)
    assert BYTES.encode(text).tobytes() == data
    parts = BYTES.decode(data[:cut]), BYTES.decode(data[cut:])
    assert BYTES.encode("".join(parts)).tobytes() == data


@given(st.lists(st.binary(max_size=5)))
def test_bytes_in_pieces(pieces):
    decoder = BYTES.decoder()
    text, fed = "", b""
    for piece in pieces:
        text, fed = text + decoder.decode(piece), fed + piece
        assert BYTES.encode(text).tobytes() == fed[: len(fed) - decoder.held]
    assert decoder.held <= 3
    assert text + decoder.decode(b"", last=True) == BYTES.decode(fed)
    assert decoder.held == 0


def test_a_character_comes_when_it_is_whole():
    decoder = BYTES.decoder()
    assert [decoder.decode([byte]) for byte in "aЖ€".encode()] == ["a", "", "Ж", "", "", "€"]


def test_characters_in_pieces():
    decoder = Vocabulary("abc").decoder()
    assert decoder.decode([0, 2]) + decoder.decode([1], last=True) == "acb"
    assert decoder.held == 0


def test_half_a_character_is_no_bytes():
    sentence = "Text must consist of whole characters; found '\\ud800' at position 2"
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        BYTES.encode("ab\ud800")


@pytest.mark.parametrize("vocabulary", [Vocabulary("ab\0é"), BYTES])
def test_plain_values_and_back(vocabulary):
    value = json.loads(json.dumps(vocabulary.to_json()))
    assert Vocabulary.from_json(value) == vocabulary


@pytest.mark.parametrize("value", [5, None, "ab", b"bytes", {"a": 0}, ("a", "b")])
def test_plain_values_that_are_none(value):
    sentence = f'Vocabulary must be a list of characters or the word "bytes", not {value!r}'
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        Vocabulary.from_json(value)


def test_bytes_are_not_the_characters_of_latin_1():
    assert Vocabulary(map(chr, range(256))) != BYTES
    assert (BYTES.unit, Vocabulary("ab").unit, len(BYTES)) == ("byte", "character", 256)


def test_text_of_a_file():
    assert Vocabulary("ab").text_of("ä\r\n".encode()) == "ä\r\n"
    with pytest.raises(UnicodeDecodeError):
        Vocabulary("ab").text_of(b"\xff")
