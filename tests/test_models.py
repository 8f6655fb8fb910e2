"""The shipped images: made of their checkpoints, and as good."""

from pathlib import Path

import numpy as np
import pytest

from zynq_lstm.models import CATALOGS, PYTHON, SHAKESPEARE
from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import HEADER_BYTES, Image, read_image
from zynq_lstm.quant.protocol import STREAM_BYTES
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.quant.surprisal import SURPRISAL
from zynq_lstm.quant.vocabulary import BYTES

TEXTS = {
    SHAKESPEARE: "First Citizen:\nBefore we proceed any further, hear me speak.\n",
    PYTHON: "def main(self, name=None):\n    if name is None:\n        return self._name\n",
    CATALOGS: "Diese Seite wurde gelöscht.\nDer Benutzername ist ungültig.\n",
}
each_model = pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)


@each_model
def test_is_made_of_its_checkpoint(path: Path) -> None:
    model = load_checkpoint(path.with_suffix(".safetensors"))
    assert path.read_bytes() == quantize(model).to_bytes()
    assert path.stat().st_size < path.with_suffix(".safetensors").stat().st_size < 2_000_000


@each_model
def test_costs_little(path: Path) -> None:
    """On a line; over the whole test texts it is what the card says."""
    image, model = read_image(path), load_checkpoint(path.with_suffix(".safetensors"))
    symbols = image.vocabulary.encode(TEXTS[path])
    bits = GoldenModel(image).score(symbols).mean() * SURPRISAL.lsb
    assert bits < model.surprisal(symbols).mean() / np.log(2) + 0.02 < 2.5


@each_model
def test_a_flipped_bit_is_told(path: Path) -> None:
    """Each of the header and of the payload's CRC, and some between."""
    content, random = path.read_bytes(), np.random.default_rng(7)
    between = random.integers(8 * HEADER_BYTES, 8 * (len(content) - STREAM_BYTES), 60)
    last = range(8 * (len(content) - STREAM_BYTES), 8 * len(content))
    for bit in (*range(8 * HEADER_BYTES), *between.tolist(), *last):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(UserError, match=r"^image "):
            Image.from_bytes(bytes(damaged))


def test_symbols() -> None:
    assert [read_image(path).symbols for path in TEXTS] == [65, 96, 256]
    assert read_image(CATALOGS).vocabulary is BYTES
