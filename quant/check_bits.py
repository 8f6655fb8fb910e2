"""The check bit of a weight memory's word: what the hardware stores beside its 64 bits.

It is the parity of the word and of its address, so that a word that is read with an odd number of
wrong bits, or from an address that has one, shows (`zynq_lstm.hw.memory_check`). The loader makes
it of the words that come; images do not hold it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.layout import Words

CHECK_BIT = 64
"""Its place, behind those of the word."""


def word_check_bits(words: Words) -> NDArray[np.uint8]:
    """The check bits of words whose address is the first index, same shape; each 0 or 1."""
    addresses = np.arange(len(words), dtype=np.uint64)
    folded = words ^ addresses.reshape(-1, *(1,) * (words.ndim - 1))
    for shift in (32, 16, 8, 4, 2, 1):
        folded = folded ^ (folded >> np.uint64(shift))
    return (folded & np.uint64(1)).astype(np.uint8)


def stored_words(words: Words) -> list[int]:
    """Words of one memory, shape (n,), by address from 0, each with its check bit: 65 bits."""
    pairs = zip(words, word_check_bits(words), strict=True)
    return [int(word) | int(bit) << CHECK_BIT for word, bit in pairs]
