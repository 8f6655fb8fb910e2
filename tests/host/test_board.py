"""The link to a board on a DMA driver out of lists: what it begins, looks up and frees.

With pynq itself and the emitted Verilog: tests/on_pynq.
"""

import importlib.util

import numpy as np
import pytest

from zynq_lstm.host.board import BoardLink, open_link
from zynq_lstm.host.dma import MM2S, S2MM
from zynq_lstm.host.link import LinkError
from zynq_lstm.quant.errors import UserError

SIZE = 64


class Buffer(np.ndarray):
    """What pynq allocates, with a log of what is done to it."""

    def freebuffer(self) -> None:
        self.log.append(("free", len(self)))

    def invalidate(self) -> None:
        self.base.log.append(("invalidate", len(self)))


class Channel:
    def __init__(self, name: str, log: list) -> None:
        self.name, self.log, self.error = name, log, None

    def start(self) -> None:
        self.log.append(("start", self.name))

    def transfer(self, array) -> None:
        if self.error is not None:
            raise self.error
        self.log.append(("transfer", self.name, len(array)))
        self.array = array


class Board:
    """Engine, driver, registers and time."""

    def __init__(self) -> None:
        self.log: list = []
        self.sendchannel, self.recvchannel = Channel("send", self.log), Channel("recv", self.log)
        self.idle: dict[int, bool] = {}
        self.now = 5.0
        self.length = 0
        self.refuses = False

    def ended(self, channel: int) -> bool:
        self.log.append(("ended", channel))
        return self.idle.get(channel, False)

    def received(self) -> int:
        return self.length

    def restart(self) -> None:
        if self.refuses:
            raise LinkError("stuck")
        self.log.append(("restart",))

    def allocate(self, size: int) -> Buffer:
        buffer = np.zeros(size, np.uint8).view(Buffer)
        buffer.log = self.log
        return buffer

    def read(self, offset: int):
        return np.uint32(offset + 1)

    def write(self, offset: int, value) -> None:
        assert type(value) is int
        self.log.append(("write", offset, value))

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def link(board) -> BoardLink:
    made = BoardLink(
        board,
        board,
        board,
        board.allocate,
        clock_mhz=2.0,
        largest_packet=SIZE,
        sleep=board.sleep,
        monotonic=board.monotonic,
        on_close=lambda: board.log.append(("closed",)),
    )
    assert board.log == [("start", "send"), ("start", "recv")]
    board.log.clear()
    return made


def test_registers_are_python_s_integers(board, link) -> None:
    assert type(link.read(4)) is int
    assert link.read(4) == 5
    link.write(8, np.uint32(7))
    assert board.log == [("write", 8, 7)]


def test_time_is_the_clock_s(board, link) -> None:
    assert link.elapsed() == 0
    link.wait(3_000_000)
    assert link.elapsed() == 3_000_000
    assert board.now == 6.5


def test_a_packet_goes_out(board, link) -> None:
    assert link.sent()
    link.send(np.arange(5, dtype=np.uint8))
    assert board.sendchannel.array.tolist() == [0, 1, 2, 3, 4]
    assert not link.sent()
    board.idle[MM2S] = True
    assert link.sent()
    assert link.sent()
    assert board.log == [("transfer", "send", 5), ("ended", MM2S), ("ended", MM2S)]


def test_a_packet_comes_in(board, link) -> None:
    link.accept(10)
    assert link.accepted() is None
    board.recvchannel.array[:] = np.arange(10)
    board.idle[S2MM], board.length = True, 4
    came = link.accepted()
    assert type(came) is np.ndarray
    assert came.tolist() == [0, 1, 2, 3]
    board.recvchannel.array[:] = 9
    assert came.tolist() == [0, 1, 2, 3], "it is a copy"
    assert board.log == [
        ("transfer", "recv", 10),
        ("ended", S2MM),
        ("ended", S2MM),
        ("invalidate", 10),
    ]
    assert link.accepted() is None


@pytest.mark.parametrize("size", [0, SIZE + 1])
def test_sizes_are_bounded(board, link, size) -> None:
    for begin in (lambda: link.send(np.zeros(size, np.uint8)), lambda: link.accept(size)):
        with pytest.raises(LinkError, match=f"^A packet must have 1 to {SIZE} bytes, not {size}$"):
            begin()
    assert board.log == []


@pytest.mark.parametrize("error", [RuntimeError("not idle"), ValueError("too long")])
def test_what_pynq_refuses_is_a_sentence(board, link, error) -> None:
    board.recvchannel.error = error
    with pytest.raises(LinkError) as caught:
        link.accept(1)
    assert str(caught.value) == (
        f"A DMA transfer from the accelerator must begin; pynq says: {error}"
    )


def test_a_reset_abandons_both_transfers(board, link) -> None:
    link.send(np.zeros(1, np.uint8))
    link.accept(1)
    board.log.clear()
    link.reset()
    assert board.log == [("restart",), ("start", "send"), ("start", "recv")]
    assert link.sent()
    assert link.accepted() is None
    assert len(board.log) == 3


def test_close_frees_once(board, link) -> None:
    link.close()
    link.close()
    assert board.log == [("free", SIZE), ("free", SIZE), ("closed",)]
    with pytest.raises(LinkError, match=r"has been closed$"):
        link.accept(1)


def test_close_stops_an_engine_at_work_before_it_frees(board, link) -> None:
    link.accept(1)
    board.log.clear()
    link.close()
    done = [entry[0] for entry in board.log]
    assert done == ["restart", "start", "start", "free", "free", "closed"]


def test_close_keeps_buffers_that_an_engine_may_write_to(board, link, monkeypatch) -> None:
    kept: list = []
    monkeypatch.setattr("zynq_lstm.host.board._lost", kept)
    link.send(np.zeros(1, np.uint8))
    board.refuses = True
    board.log.clear()
    with pytest.raises(LinkError, match="stuck"):
        link.close()
    assert board.log == [("closed",)]
    assert [len(buffer) for buffer in kept] == [SIZE, SIZE]
    link.close()


@pytest.mark.skipif(importlib.util.find_spec("pynq") is not None, reason="pynq is installed")
def test_without_pynq_there_is_a_sentence() -> None:
    with pytest.raises(UserError, match=r"needs the package pynq, 3\.0\.1 to 3\.1\.x, as on a "):
        open_link()
