"""The session's refusals and failures: one sentence, and nothing is lost that need not be."""

import math

import numpy as np
import pytest

import zynq_lstm.host as host
from zynq_lstm.host.golden import GoldenTransport
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.state import State


def fail(*arguments) -> None:
    raise host.AcceleratorError("Accelerator failed")


def test_refuses_what_is_no_state(session: host.Session) -> None:
    session.generate("ab", 5)
    before = session.state
    two = host.TextState(before.h, before.c, "ab")
    for state, message in (
        (None, "must be a State, not NoneType"),
        ((before.h, before.c), "must be a State, not tuple"),
        (two, "one pending character at most, not 'ab'"),
        (host.TextState(before.h, before.c, 5), "must be a string"),
        (State(before.h * 0.5, before.c), "integers in h, not float"),
        (State(before.h, before.c.astype(int) + 2**16), "c from -32768 to 32767, not"),
    ):
        with pytest.raises(UserError, match=message):
            session.state = state
        assert session.state == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", 5), "Prompt must not be empty"),
        (("ab?", 5), r"^Prompt must use .* found '\?' \(U\+003F\) at position 2"),
        (("ab", 0), "Length must be an integer of at least 1, not 0"),
        (("ab", -3), "Length must be an integer of at least 1, not -3"),
        (("ab", 2**32), "Length must be at most 4294967295"),
        (("ab", 1.5), "Length must be an integer"),
        (("ab", np.int64(0)), "Length must be an integer of at least 1"),
        ((None, 5), "Prompt must be a string, not NoneType"),
        ((b"ab", 5), "Prompt must be a string, not bytes"),
        ((["a", "b"], 5), "Prompt must be a string, not list"),
    ],
)
def test_refuses_prompts_and_lengths(session: host.Session, arguments, message) -> None:
    with pytest.raises(UserError, match=message):
        session.stream(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -0.1}, "Temperature must be"),
        ({"temperature": math.nan}, "Temperature must be"),
        ({"temperature": math.inf}, "Temperature must be"),
        ({"temperature": 16.0}, "Temperature must be"),
        ({"seed": -1}, "Seed must be"),
        ({"seed": 2**64}, "Seed must be"),
        ({"stop": ""}, "Stop text must not be empty"),
        ({"stop": "a?"}, "^Stop text must use .* found '\\?'"),
        ({"stop": 5}, "Stop text must be a string, not int"),
    ],
)
def test_refuses_options(session: host.Session, options, message) -> None:
    with pytest.raises(UserError, match=message):
        session.stream("ab", 5, **options)


def test_refuses_texts_that_have_nothing_to_predict(session: host.Session) -> None:
    with pytest.raises(UserError, match="must not be empty"):
        session.logits("")
    with pytest.raises(UserError, match="at least 2 characters, not 1"):
        session.score("a")


def test_refusal_leaves_the_session_as_it_was(session: host.Session) -> None:
    whole = session.generate("ab", 20, temperature=0)
    session.reset()
    first = session.generate("ab", 12, temperature=0)
    with pytest.raises(UserError):
        session.generate("?", 8)
    assert first + session.generate("", 8, temperature=0) == whole


def test_refuses_to_go_on_from_an_unknown_state(golden: host.Session, monkeypatch) -> None:
    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(GoldenModel, "logits", interrupted)
        with pytest.raises(KeyboardInterrupt):
            golden.logits("abc")
    with pytest.raises(UserError, match="State of the session is unknown"):
        golden.logits("abc")
    golden.reset()
    golden.logits("abc")


def test_a_reset_that_failed_leaves_the_state_unknown(golden: host.Session, monkeypatch) -> None:
    golden.generate("ab", 5)
    with monkeypatch.context() as patch:
        patch.setattr(GoldenTransport, "reset_state", fail)
        with pytest.raises(host.AcceleratorError):
            golden.reset()
    with pytest.raises(UserError, match="State of the session is unknown"):
        golden.generate("", 5)
    golden.reset()
    assert golden.pending is None


def test_nothing_goes_on_from_wrong_weights(fake: host.Session, golden: host.Session) -> None:
    text = fake.generate("ab", 9)
    fake._transport.link.flipped = {3}
    with pytest.raises(host.AcceleratorError, match="weight memory 3 gave words other"):
        fake.generate("", 9)
    with pytest.raises(UserError, match="State of the session is unknown"):
        fake.generate("", 9)
    assert fake.faulty_memories() == ()
    fake.reset()
    assert fake.generate("ab", 9) == text == golden.generate("ab", 9)


def test_frees_the_transport_where_a_session_cannot_begin(image, monkeypatch) -> None:
    monkeypatch.setattr(GoldenTransport, "counters", fail)
    transport = GoldenTransport()
    transport.load(image)
    with pytest.raises(host.AcceleratorError):
        host.Session(image, transport)
    with pytest.raises(RuntimeError, match="must be loaded"):
        transport.read_state()


def test_frees_the_transport_where_a_stream_cannot_end(image) -> None:
    transport = GoldenTransport()
    transport.load(image)
    session = host.Session(image, transport)

    def stream():
        try:
            yield
        finally:
            fail()

    session._stream = stream()
    next(session._stream)
    with pytest.raises(host.AcceleratorError):
        session.close()
    with pytest.raises(RuntimeError, match="must be loaded"):
        transport.read_state()
    session.close()


def test_refuses_work_after_its_end(image: Image) -> None:
    session = host.open(image)
    stream = session.stream("a", 5)
    next(stream)
    session.close()
    session.close()
    assert list(stream) == []
    works = (session.counters, session.faulty_memories, session.reset)
    for work in (lambda: session.generate("a", 5), *works):
        with pytest.raises(UserError, match="must be open"):
            work()
