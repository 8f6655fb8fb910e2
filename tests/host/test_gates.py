"""The gates of a text on each backend: they lead from each state to the next."""

import numpy as np
import pytest
from random_models import random_image

import zynq_lstm.host as host
from zynq_lstm.host.gates import gates_of
from zynq_lstm.quant import operators
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.formats import ACTIVATION, CELL, HIDDEN, LOGIT
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.vocabulary import BYTES

TEXT = "abba fee!\nbad cab"


def states_follow(reading, image: Image) -> None:
    """The cells and hidden states are those that the gates make, bit by bit."""
    i, f, g, o = (np.rint(reading.gates[gate] / ACTIVATION.lsb).astype(np.int64) for gate in "ifgo")
    c = np.rint(reading.c / CELL.lsb).astype(np.int64)
    before = np.concatenate([np.zeros_like(c[:1]), c[:-1]])
    assert np.array_equal(operators.cell_update(i, f, g, before), c)
    h = operators.hidden_output(o, operators.tanh(c))
    assert np.array_equal(h, np.rint(reading.h / HIDDEN.lsb))


def test_gates_lead_from_each_state_to_the_next(session: host.Session, image: Image) -> None:
    session.generate("a cab", 3)
    reading = gates_of(session, TEXT)
    shape = (len(TEXT), image.config.layers, image.config.hidden)
    assert {values.shape for values in (*reading.gates.values(), reading.c, reading.h)} == {shape}
    states_follow(reading, image)
    expected = GoldenModel(image).logits(image.vocabulary.encode(TEXT))
    assert np.array_equal(reading.logits, expected * LOGIT.lsb)


def test_the_text_goes_on_from_there(session: host.Session, golden: host.Session) -> None:
    gates_of(session, TEXT)
    assert session.generate("a", 10) == golden.generate(TEXT + "a", 10)


@pytest.mark.parametrize("layers", [1, 2])
def test_gates_of_extreme_models(layers: int) -> None:
    config = Config(hidden=16, layers=layers, symbols=16, multipliers=64)
    image = random_image(config, 13, "saturated", seed=layers)
    with host.open(image) as session:
        reading = gates_of(session, "abcabc")
    assert reading.c.shape[1] == layers
    states_follow(reading, image)


def test_a_model_of_bytes_reads_byte_by_byte() -> None:
    config = Config(hidden=16, symbols=256, multipliers=64)
    whole = random_image(config, 256, "ordinary", seed=3)
    image = Image.from_parameters(whole.parameters, BYTES, whole.metadata)
    with host.open(image) as session:
        reading = gates_of(session, "é!")
    assert len(reading.logits) == 3
    states_follow(reading, image)


def test_refuses_what_it_cannot_read(golden: host.Session) -> None:
    for text, message in (("", "at least one character"), ("é", "found 'é'")):
        with pytest.raises(UserError, match=message):
            gates_of(golden, text)
