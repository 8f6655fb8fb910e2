"""All that a session does, on the emitted Verilog behind pynq: the golden model's, bit by bit."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from tiny_models import tiny_tensors, write_tiny_checkpoint

import zynq_lstm.host as host
from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.quant.state import State
from zynq_lstm.sim.virtual_board import VirtualBoard

MOST_ACCESSES = 40
"""Register accesses and DMA transfers for 1,000 characters."""

PROMPT = "a big deaf"


@pytest.fixture
def text(image: Image) -> str:
    random = np.random.default_rng(11)
    return image.vocabulary.decode(random.integers(0, image.symbols, 700))


@pytest.fixture
def open_session(make_board, image: Image) -> Iterator[Callable[..., host.Session]]:
    """A function that opens a session on a new board; all are closed at the end."""
    opened: list[host.Session] = []

    def call(board: VirtualBoard | None = None, **options) -> host.Session:
        transport = AcceleratorTransport((board or make_board()).open_link(**options))
        transport.load(image)
        opened.append(host.Session(image, transport))
        return opened[-1]

    yield call
    for session in opened:
        session.close()


@pytest.fixture
def session(open_session) -> host.Session:
    return open_session()


@pytest.fixture
def golden(image: Image) -> Iterator[host.Session]:
    with host.open(image) as session:
        yield session


@pytest.mark.parametrize("temperature", [0.0, 0.7, 3.0])
def test_generate(session, golden, temperature) -> None:
    for prompt, length in ((PROMPT, 50), ("", 7), ("b", 1)):
        ours, theirs = (
            s.generate(prompt, length, temperature=temperature, seed=9) for s in (session, golden)
        )
        assert ours == theirs
        assert session.state == golden.state
        assert session.pending == golden.pending


def test_stream_comes_by_pieces(session, golden) -> None:
    pieces = list(session.stream(PROMPT, 100, seed=4))
    assert len(pieces) > 1
    assert "".join(pieces) == golden.generate(PROMPT, 100, seed=4)
    assert session.state == golden.state


def test_a_stream_that_is_left_early(session, golden) -> None:
    stream = session.stream(PROMPT, 500, seed=4)
    begun = next(stream)
    stream.close()
    assert begun == golden.generate(PROMPT, len(begun), seed=4)
    assert session.state == golden.state
    assert session.generate("", 20, seed=6) == golden.generate("", 20, seed=6)


def test_a_stop_text(session, golden) -> None:
    texts = [s.generate(PROMPT, 400, seed=2, stop="a") for s in (session, golden)]
    assert texts[0] == texts[1]
    assert texts[0].endswith("a")
    assert session.state == golden.state


def test_score(session, golden, text) -> None:
    assert session.score(text).bits == golden.score(text).bits
    assert session.state == golden.state


def test_logits(session, golden, text) -> None:
    assert np.array_equal(session.logits(text), golden.logits(text))
    assert session.state == golden.state


def test_state_and_reset(session, golden, image) -> None:
    session.logits(PROMPT)
    kept = session.state
    random = np.random.default_rng(3)
    shape = kept.h.shape
    written = State(
        random.integers(-128, 128, shape).astype(np.int8),
        random.integers(-(2**15), 2**15, shape).astype(np.int16),
    )
    session.state = golden.state = written
    assert session.state == written
    assert np.array_equal(session.logits("ab"), golden.logits("ab"))
    session.state = kept
    golden.reset()
    golden.logits(PROMPT)
    assert np.array_equal(session.logits("ab"), golden.logits("ab"))
    session.reset()
    assert not session.state.h.any()
    assert not session.state.c.any()


def test_load_another_model(session, image, tmp_path) -> None:
    path = write_tiny_checkpoint(tmp_path / "other.safetensors", tiny_tensors(seed=2))
    other = quantize(load_checkpoint(path), image.config)
    first = session.generate(PROMPT, 30, seed=1)
    session.load(other)
    with host.open(other) as golden:
        assert session.generate(PROMPT, 30, seed=1) == golden.generate(PROMPT, 30, seed=1) != first


def test_counters(session) -> None:
    session.generate(PROMPT, 30)
    session.logits("ab")
    counters = session.counters()
    assert counters.characters == len(PROMPT) + 30 - 1 + 1 + 2
    assert counters.cycles >= counters.steps > 0


def test_self_test(session, golden) -> None:
    for s in (session, golden):
        s.generate(PROMPT, 5)
    report = session.self_test()
    assert all(check.passed for check in report.checks), str(report)
    assert session.state == golden.state


@pytest.mark.parametrize("largest", [0, 8, 64])
def test_small_buffers_change_nothing(open_session, golden, image, text, largest) -> None:
    """The least that a link can have is an image's size; what is more adds odd remainders."""
    session = open_session(largest_packet=8 * len(image.payload) + largest)
    assert np.array_equal(session.logits(text), golden.logits(text))
    assert session.score(text).bits == golden.score(text).bits
    assert session.generate(text, 60, seed=8) == golden.generate(text, 60, seed=8)
    assert session.state == golden.state


def test_accesses_for_1000_characters(make_board, open_session, golden, capsys) -> None:
    """Few, none of them per character, and no more the second time."""
    board = make_board()
    session = open_session(board)
    for seed in (1 << 40, 3 << 50):
        before, transfers = board.accesses.total(), board.dma.transfers
        text = session.generate(PROMPT, 1000, temperature=0.9, seed=seed)
        accesses, transfers = board.accesses.total() - before, board.dma.transfers - transfers
        with capsys.disabled():
            print(f"\n1,000 characters: {accesses} register accesses, {transfers} DMA transfers")
        assert accesses + transfers <= MOST_ACCESSES
        golden.reset()
        session.reset()
        assert text == golden.generate(PROMPT, 1000, temperature=0.9, seed=seed)


def test_the_backend_is_all_in_one(image, library, golden) -> None:
    with host.open(image, "virtual", library=library, board="zedboard") as session:
        assert session.generate(PROMPT, 20) == golden.generate(PROMPT, 20)
