"""A process that is killed on a board, or a notebook's kernel restarted, and the next one.

The process dies at one of its register accesses, the accelerator's or the DMA engine's, and does
nothing any more; its buffers are the kernel's then. What it began goes on: transfers, a run. The
next process loads the overlay again, which resets the logic, or takes it as it is.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pynq
import pytest

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.host.board import open_link
from zynq_lstm.host.dma import DMACR, DMASR, MM2S, S2MM, Control, Status
from zynq_lstm.host.link import LinkError
from zynq_lstm.host.session import Session
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.protocol import Mode
from zynq_lstm.quant.registers import register
from zynq_lstm.sim.axi_dma import Fault
from zynq_lstm.sim.simulator import HardwareError
from zynq_lstm.sim.virtual_board import PROMPT_SECONDS, VirtualBoard

TEXT = np.array([1, 2, 3, 0, 5, 4, 1, 1, 2], np.uint8)
LATER = (0, 40, 3000, 60_000)
"""Cycles until the next process comes."""

COMMANDS: dict[str, Callable[[AcceleratorTransport, Image], object]] = {
    "load": lambda t, image: t.load(image),
    "generate": lambda t, image: list(t.generate(TEXT, 20, 4096, 1)),
    "logits": lambda t, image: t.logits(TEXT),
    "score": lambda t, image: t.score(TEXT),
    "read state": lambda t, image: t.read_state(),
    "write state": lambda t, image: t.write_state(GoldenModel(image).state),
}


class Killed(BaseException):
    """Nothing of the process goes on."""


class Process:
    """What runs on a board: an overlay, a link, a driver.

    Parameters
    ----------
    board : VirtualBoard
    bitfile : Path
    download : bool
        Load the overlay, and do not take it as it is.
    """

    def __init__(self, board: VirtualBoard, bitfile: Path, *, download: bool) -> None:
        overlay = pynq.Overlay(str(bitfile), device=board, download=download)
        time = {"sleep": board.sleep, "monotonic": board.monotonic}
        link = open_link(overlay=overlay, prompt_piece=16, prompt_seconds=PROMPT_SECONDS, **time)
        self.board, self.transport = board, AcceleratorTransport(link)

    def dies(self, action: Callable[[], object], accesses: int) -> bool:
        """Whether it dies in an action, right after so many accesses to registers."""
        left = accesses
        real = {name: getattr(self.board, name) for name in ("_read", "_write")}

        def mortal(name: str) -> Callable[..., object]:
            def access(*arguments):
                nonlocal left
                if left < 0:
                    raise Killed
                left -= 1
                value = real[name](*arguments)
                if left < 0:
                    raise Killed
                return value

            return access

        with pytest.MonkeyPatch.context() as patch:
            for name in real:
                patch.setattr(self.board, name, mortal(name))
            try:
                action()
            except Killed:
                self._leave()
                return True
        self.transport.close()
        return False

    def _leave(self) -> None:
        """The operating system takes the buffers back; the engine is not asked."""
        for buffer in self.transport.link._buffers:
            buffer.freebuffer()


@pytest.fixture
def bitfile(board: VirtualBoard, tmp_path) -> Path:
    path = tmp_path / "zynq_lstm.bit"
    path.touch()
    path.with_suffix(".hwh").write_text(board.handoff())
    return path


@pytest.fixture
def starts(board, bitfile, image) -> Callable[[bool], Process]:
    """A function that starts a process, which loads the model."""

    def start(download: bool) -> Process:
        process = Process(board, bitfile, download=download)
        process.transport.load(image)
        return process

    return start


def works(process: Process, image: Image) -> None:
    model = GoldenModel(image)
    drawn = np.concatenate(list(process.transport.generate(TEXT, 4, 4096, 9)))
    assert drawn.tolist() == model.generate(TEXT, 4, 4096, 9).tolist()
    assert process.transport.read_state() == model.state
    process.transport.close()


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_each_access(board, starts, image, name) -> None:
    accesses = 0
    while True:
        process = starts(True)
        if not process.dies(lambda t=process.transport: COMMANDS[name](t, image), accesses):
            break
        board.chip.clock(LATER[accesses % len(LATER)])
        works(starts(accesses % 3 == 0), image)
        accesses += 1
    assert accesses > 5, "a command takes some accesses"


def test_kernel_restarted_while_it_generates(board, starts, image) -> None:
    for accesses in range(0, 48, 7):
        process = starts(True)
        pieces = Session(image, process.transport).stream("a", 300, seed=accesses)
        next(pieces)
        assert process.dies(lambda p=pieces: list(p), accesses)
        board.chip.clock(LATER[accesses % len(LATER)])
        works(starts(False), image)


LEFT = {
    "running": lambda dma: None,
    "stopped": lambda dma: [dma.write(way + DMACR, 0) for way in (MM2S, S2MM)],
    "with an error in": lambda dma: dma.send.fail(Status.SLAVE_ERROR),
    "with an error out": lambda dma: dma.receive.fail(Status.INTERNAL_ERROR),
    "with its interrupt": lambda dma: dma.write(
        S2MM + DMACR, int(Control.RUN | Control.IOC_ENABLE)
    ),
    "just reset": lambda dma: dma.write(MM2S + DMACR, int(Control.RESET)),
}


@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize("way", ["none", "send", "receive"])
def test_engine_left_in_any_state(board, starts, image, left, way) -> None:
    """Idle, or with a transfer that never ends, and then as `LEFT` says."""
    process = starts(True)
    if way != "none":
        getattr(board.dma, way).faults.append(Fault(stuck=True))
    assert process.dies(lambda: COMMANDS["logits"](process.transport, image), 14)
    LEFT[left](board.dma)
    works(starts(False), image)
    assert not board.dma.read(MM2S + DMASR) & Status.HALTED


def test_a_run_that_another_process_left(board, starts, image) -> None:
    """Half a packet is in the accelerator, and its end never comes."""
    for mode in (Mode.LOAD, Mode.SCORE, Mode.WRITE_STATE):
        process = starts(True)
        link = process.transport.link
        for name, value in {"MODE": int(mode), "INPUTS": 99}.items():
            link.write(register(name).offset, value)
        link.write(register("CONTROL").offset, register("CONTROL").field("START").mask)
        board.chip.offer(np.arange(3, dtype=np.uint64), ends=False)
        board.chip.clock(500)
        process._leave()
        works(starts(False), image)


def test_an_accelerator_that_does_not_answer_is_a_sentence(board, starts, monkeypatch) -> None:
    """As an overlay without its clock: no bus answers, and nothing hangs."""
    process = starts(True)

    def nothing(*arguments):
        raise HardwareError("A read of register 0x00 must be answered; it is not")

    with monkeypatch.context() as patch:
        patch.setattr(board.chip, "read", nothing)
        patch.setattr(board.chip, "write", nothing)
        with pytest.raises(LinkError, match="must be answered; it is not"):
            process.transport.link.read(0)
        with pytest.raises(LinkError, match="must be answered; it is not"):
            process.transport.link.write(0, 0)
    process.transport.close()
