"""Vocabularies: what they hold, what they refuse, and text to symbols and back."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.vocabulary import Vocabulary

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


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("abxa", "'x' (U+0078) at position 2"),
        ("é", "'é' (U+00E9) at position 0"),
        ("ab\n", "'\\n' (U+000A) at position 2"),
        ("a\U0001f600x", "'\U0001f600' (U+1F600) at position 1"),
        ("A", "'A' (U+0041) at position 0"),
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
