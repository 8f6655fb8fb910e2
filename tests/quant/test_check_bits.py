"""Check bits: the parity of a word and of its address, by counting."""

import numpy as np
import pytest

from zynq_lstm.quant.check_bits import CHECK_BIT, stored_words, word_check_bits


@pytest.mark.parametrize("shape", [(1,), (500,), (100, 7), (0,)])
def test_parity_of_word_and_address(shape):
    rng = np.random.default_rng(len(shape))
    words = rng.integers(0, 1 << 64, shape, dtype=np.uint64)
    words.flat[::3] = 1 << 63
    found = word_check_bits(words)
    assert found.shape == shape
    for place, word in np.ndenumerate(words):
        assert found[place] == (int(word).bit_count() + place[0].bit_count()) % 2


def test_a_stored_word_and_its_address_have_even_parity():
    words = np.random.default_rng(1).integers(0, 1 << 64, 300, dtype=np.uint64)
    for address, (stored, word) in enumerate(zip(stored_words(words), words, strict=True)):
        assert stored % (1 << CHECK_BIT) == word
        assert (stored.bit_count() + address.bit_count()) % 2 == 0


def test_neighbours_of_a_word_or_an_address_differ():
    words = np.full(2, 0x0123_4567_89AB_CDEF, np.uint64)
    assert word_check_bits(words).tolist() in ([0, 1], [1, 0])
    for bit in range(64):
        assert word_check_bits(words ^ np.uint64(1 << bit))[0] != word_check_bits(words)[0]
