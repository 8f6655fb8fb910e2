"""Drawn text whose symbols are bytes: pieces are whole characters, ends are where the text ends."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from fake_link import FakeLink
from random_models import random_image

import zynq_lstm.host as host
from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.host.golden import GoldenTransport
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.sampling import encode_temperature, seed_state
from zynq_lstm.quant.vocabulary import BYTES

LENGTH = 60
EURO = "€"


class Drawn(GoldenTransport):
    """Draws given symbols instead of its own, so that they are characters of several bytes."""

    text = (f"a{EURO}bé{EURO}{EURO}cé" * 9).encode()

    def generate(self, prompt, length, temperature, seed, *, promptly=False) -> Iterator:
        for k in range(length):
            self._loaded.logits(prompt)
            prompt = np.frombuffer(self.text[k : k + 1], np.uint8)
            yield prompt


@pytest.fixture(scope="module")
def image() -> Image:
    config = Config(hidden=16, symbols=256, multipliers=64)
    return replace(random_image(config, 256, "ordinary", 1), vocabulary=BYTES)


def sessions(image: Image) -> dict[str, host.Session]:
    link = AcceleratorTransport(FakeLink(image.config, prompt_piece=5))
    transports = {"golden": GoldenTransport(), "fake": link, "drawn": Drawn()}
    for transport in transports.values():
        transport.load(image)
    return {name: host.Session(image, transport) for name, transport in transports.items()}


@pytest.fixture(params=["golden", "fake", "drawn"])
def session(request, image) -> host.Session:
    return sessions(image)[request.param]


def is_at(session: host.Session, image: Image, text: str) -> None:
    """The session stands at the end of a text whose last byte has not been fed."""
    model = GoldenModel(image)
    symbols = BYTES.encode(text)
    model.logits(symbols[:-1])
    assert session.state == model.state
    assert session.pending == BYTES.decode(symbols[-1:])


def test_pieces_are_whole_characters(session, image) -> None:
    pieces = list(session.stream("ab", LENGTH, seed=3))
    assert all(pieces)
    whole = "".join(pieces)
    assert len(BYTES.encode(whole)) == LENGTH
    session.reset()
    assert session.generate("ab", LENGTH, seed=3) == whole


def test_random_bytes_are_those_of_the_golden_model(image) -> None:
    expected = GoldenModel(image).generate(
        BYTES.encode("ab"), LENGTH, encode_temperature(1.0), seed_state(3)
    )
    for name in ("golden", "fake"):
        text = sessions(image)[name].generate("ab", LENGTH, seed=3)
        assert np.array_equal(BYTES.encode(text), expected)


@pytest.mark.parametrize("pieces", [1, 2, 3, 4])
def test_stream_left_early_ends_at_the_text_given_out(session, image, pieces) -> None:
    stream = session.stream("ab", LENGTH, seed=3)
    text = "".join(islice(stream, pieces))
    stream.close()
    is_at(session, image, "ab" + text)


def test_stop_text_of_several_bytes(image) -> None:
    session = sessions(image)["drawn"]
    text = session.generate("ab", LENGTH, stop=f"{EURO}{EURO}")
    assert text == f"a{EURO}bé{EURO}{EURO}"
    is_at(session, image, "ab" + text)


def test_stop_text_inside_a_piece(image) -> None:
    session = sessions(image)["fake"]
    whole = session.generate("ab", LENGTH, seed=3)
    for at in (3, 20, 41):
        stop = whole[at : at + 2]
        expected = whole[: whole.index(stop) + 2]
        session.reset()
        assert session.generate("ab", LENGTH, seed=3, stop=stop) == expected
        is_at(session, image, "ab" + expected)
