"""Colours of a text: bits to the right characters, in any vocabulary, and HTML that is safe."""

import re

import numpy as np
import pytest

from zynq_lstm.host.colouring import FULL_BITS, bits_of_characters, coloured_html, strength
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.vocabulary import BYTES, Vocabulary


def test_the_first_character_has_none() -> None:
    bits = bits_of_characters(Vocabulary("abc"), "abcab", np.array([1.0, 2.0, 3.0, 4.0]))
    assert bits.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_bytes_of_a_character_are_summed() -> None:
    text = "é€\udcffa"  # two bytes, three, one that is no UTF-8, one
    bits = bits_of_characters(BYTES, text, np.arange(1.0, 7.0))
    assert bits.tolist() == [1.0, 2.0 + 3.0 + 4.0, 5.0, 6.0]


@pytest.mark.parametrize("count", [0, 2, 4])
def test_refuses_another_text_s(count) -> None:
    with pytest.raises(UserError, match=f"text's 4 characters but the first, not {count}"):
        bits_of_characters(Vocabulary("ab"), "abab", np.zeros(count))


def test_refuses_no_text() -> None:
    with pytest.raises(UserError, match="text's 0 characters"):
        bits_of_characters(Vocabulary("ab"), "", np.zeros(0))


def test_strength_ends_at_the_full_colour() -> None:
    assert [strength(b) for b in (-1.0, 0.0, FULL_BITS / 4, FULL_BITS, 99.0)] == [0, 0, 0.25, 1, 1]


def test_html_has_each_character_with_its_bits() -> None:
    made = coloured_html('<"&\n\x07x', np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0]))
    found = re.findall(
        r'<span style="background:rgba\(.*?,([\d.]+)\)" title="([\d.]+) bits">', made
    )
    assert found == [
        *(("0.00", "0.00"), ("0.12", "1.00"), ("0.25", "2.00")),
        *(("0.50", "4.00"), ("1.00", "8.00"), ("1.00", "16.00")),
    ]
    assert re.sub(r"<.*?>", "", made) == "&lt;&quot;&amp;↵\n·x"
