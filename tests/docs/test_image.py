"""docs/image.md has the sizes that the layout has, and its example of a pair."""

import re
from pathlib import Path

import numpy as np
import pytest

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import HEADER_BYTES, MAGIC, VERSION
from zynq_lstm.quant.layout import PAYLOAD_MAGIC, pack_pairs, payload_words
from zynq_lstm.quant.parameters import row_count

TEXT = (Path(__file__).parents[2] / "docs" / "image.md").read_text(encoding="utf-8")
SYMBOLS = 65


def test_the_sizes_of_the_payload() -> None:
    config = Config()
    rows = row_count(config, SYMBOLS)
    assert rows == config.steps(SYMBOLS)
    parts = (1, rows * config.banks, rows, rows, SYMBOLS * config.hidden, 1)
    assert sum(parts) == payload_words(config, SYMBOLS)
    sentence = f"{rows} rows and steps, {config.banks} banks, and\n"
    sentence += " + ".join(f"{n:,}" for n in parts) + f" = {sum(parts):,} words."
    assert sentence in TEXT


def test_the_header() -> None:
    assert f"header, {HEADER_BYTES} bytes" in TEXT
    assert f"version of the format: {VERSION} |" in TEXT
    assert MAGIC == b"ZLSTM\r\n\x1a" and "`ZLSTM`, CR, LF, 0x1A" in TEXT
    assert f"0x{PAYLOAD_MAGIC:04X}  " in TEXT


def test_the_pair() -> None:
    """As it is stored, and as docs and `hw.multiplier.DspPair` make one multiplicand of it."""
    w1, w0 = map(int, re.findall(r"w1 = (-?\d+) and w0 = (-?\d+) are stored", TEXT)[0])
    stored, multiplied = re.findall(r"stored as 0x(\w+) and multiplied as 0x(\w+)", TEXT)[0]
    (pair,) = pack_pairs(np.array([w0, w1], np.int8)).tolist()
    assert int(stored, 16) == pair
    assert int(multiplied, 16) == w1 * 2**16 + w0


def extended(value: int, bits: int, to: int) -> int:
    """The lowest `bits` of a value, sign-extended."""
    return (value - (value >> bits - 1 << bits)) & (1 << to) - 1


@pytest.mark.parametrize("w1", [-127, -1, 0, 1, 127])
def test_each_pair_is_a_multiplicand(w1) -> None:
    for w0 in range(-127, 128):
        (pair,) = pack_pairs(np.array([w0, w1], np.int8)).tolist()
        multiplicand = extended(pair >> 8, 8, 9) << 16 | extended(pair & 0xFF, 8, 16)
        assert multiplicand == w1 * 2**16 + w0 & (1 << 25) - 1
