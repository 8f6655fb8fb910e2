"""A board without a board: the unmodified pynq package on the emitted Verilog.

`VirtualBoard` is a device of pynq's own kind. Overlay, MMIO, allocate and the DMA driver run as
they do on a Zynq; below them, register accesses go to the simulated chip (`zynq_lstm.sim.
simulator`), to a model of the DMA engine (`zynq_lstm.sim.axi_dma`) or to the few registers of the
processing system that set clocks. The bit file is empty; beside it lies a hand-off of our own.

    host.board ── pynq ── VirtualBoard ─┬─ Chip: registers ─┐
                                        ├─ AxiDma ══════════╪═ Chip: streams
                                        └─ Memory ── AxiDma ┘

Time is the chip's: it passes by a few cycles at each access, and when the link sleeps. A sleep
stops clocking once the interrupt is high, for then nothing more will happen, and the rest of it
passes at no cost.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pynq
from pynq.buffer import PynqBuffer
from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
from pynq.pl_server.device import Device
from pynqmetadata.frontends import Metadata

from zynq_lstm.boards.definitions import BOARDS, Board
from zynq_lstm.boards.design import (
    ACCELERATOR_BASE,
    ACCELERATOR_BYTES,
    CLOCK_MHZ,
    DMA_BASE,
    DMA_BYTES,
    LENGTH_BITS,
    NAME,
)
from zynq_lstm.boards.handoff import hardware_handoff
from zynq_lstm.host.board import BoardLink
from zynq_lstm.host.board import open_link as open_board_link
from zynq_lstm.host.link import LinkError
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.sim.axi_dma import AxiDma
from zynq_lstm.sim.memory import Block, Memory
from zynq_lstm.sim.simulator import Chip, HardwareError, Until

ZYNQ_ARCHITECTURE = "armv7l"

ACCESS_CYCLES = 16
"""What an access to the DMA's registers takes of the chip's time; those to its own take theirs."""

DRAIN_CYCLES = 256
"""After the interrupt, for the last words to come out."""

PROMPT_PIECE = 16
"""Characters of the first run when text is wanted as it comes, and of all at full size, for they
come a few times a second."""

PROMPT_SECONDS = 5_000 / (CLOCK_MHZ * 1e6)
"""Runs double while one takes less of the chip's time."""

SLCR_BASE, SLCR_BYTES = 0xF800_0000, 0x1000
IO_PLL_CTRL, FPGA0_CLK_CTRL, CLOCK_STEP = 0x108, 0x170, 0x10
IO_PLL_FACTOR = 20
"""Times pynq's reference of 50 MHz: 1 GHz."""

_slcr: dict[int, int] = {IO_PLL_CTRL: IO_PLL_FACTOR << 12} | {
    FPGA0_CLK_CTRL + k * CLOCK_STEP: 1 << 20 | 20 << 8 for k in range(4)
}
"""System registers: one set for all boards of a process, as pynq keeps one object for clocks."""


class VirtualBuffer(PynqBuffer):
    """A buffer of pynq's kind whose memory is simulated."""

    release: Callable[[], None] | None = None

    def freebuffer(self) -> None:
        """Give the memory back; a slice of a buffer has none to give."""
        release, self.release = self.release, None
        if release is not None:
            release()


class VirtualBoard(Device):
    """A device of pynq's with one accelerator behind one DMA engine.

    Parameters
    ----------
    config : Config
        Sizes of the accelerator.
    board : str
        Name of the board in `zynq_lstm.boards.definitions.BOARDS`.
    library : path, optional
        A compiled simulator of that configuration; without it, one is made.
    report : callable, optional
        Told what is being built.

    Raises
    ------
    UserError
        When there is no such board, or no simulator can be made.
    """

    def __init__(
        self,
        config: Config,
        *,
        board: str = "pynq-z2",
        library: Path | None = None,
        report: Callable[[str], None] | None = None,
    ) -> None:
        if board not in BOARDS:
            raise UserError(f"Board must be one of {', '.join(BOARDS)}, not {board!r}")
        super().__init__(f"virtual-{id(self)}")
        self.capabilities = {"REGISTER_RW": True, "MEMORY_MAPPED": False}
        self.arch, self.name, self.timestamp = ZYNQ_ARCHITECTURE, "virtual", ""
        self.bitfile_name = ""
        self.config = config
        self.board: Board = BOARDS[board]
        self.chip = Chip(config, library, report)
        self.memory = Memory()
        self.dma = AxiDma(self.memory, self.chip, LENGTH_BITS)
        self.accesses: Counter[str] = Counter()
        """Register accesses since the making, by block: ``"accelerator"``, ``"dma"``."""
        self.forged: dict[int, int] = {}
        """Planted: what the accelerator's registers read, by offset, instead of the truth."""
        self._slept = 0
        _be_a_zynq()
        Device.active_device = self

    def handoff(self) -> str:
        """Return the hand-off of the block design."""
        return hardware_handoff(self.board, self.config)

    def open_link(
        self,
        *,
        handoff: str | None = None,
        prompt_piece: int = PROMPT_PIECE,
        prompt_seconds: float = PROMPT_SECONDS,
        **options: Any,
    ) -> BoardLink:
        """Load the overlay and open a link to its accelerator.

        Parameters
        ----------
        handoff : str, optional
            Another hand-off than the board's own.
        prompt_piece, prompt_seconds, **options
            Those of `zynq_lstm.host.board.open_link`.
        """
        with tempfile.TemporaryDirectory() as folder:
            bitfile = Path(folder) / f"{NAME}.bit"
            bitfile.touch()
            bitfile.with_suffix(".hwh").write_text(handoff or self.handoff(), encoding="utf-8")
            return open_board_link(
                bitfile,
                device=self,
                prompt_piece=prompt_piece,
                prompt_seconds=prompt_seconds,
                sleep=self.sleep,
                monotonic=self.monotonic,
                **options,
            )

    def read_registers(self, address: int, length: int) -> bytes:
        """Read 32-bit registers for pynq."""
        words = [self._read(address + k) for k in range(0, length, 4)]
        return np.array(words, "<u4").tobytes()

    def write_registers(self, address: int, data: bytes) -> None:
        """Write 32-bit registers for pynq."""
        for k, word in enumerate(np.frombuffer(data, "<u4")):
            self._write(address + 4 * k, int(word))

    def allocate(self, shape: Any, dtype: Any, **options: Any) -> VirtualBuffer:
        """Return a buffer for pynq."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        block = self.memory.allocate(size)
        buffer = VirtualBuffer(
            shape,
            dtype,
            buffer=block.cached,
            device=self,
            device_address=block.address,
            bo=block,
        )
        memory = self.memory
        buffer.release = lambda: memory.free(block)
        return buffer

    def flush(self, bo: Block, offset: int, ptr: int, size: int) -> None:
        """Write a buffer's bytes from the processor's cache to memory."""
        bo.flush(offset, size)

    def invalidate(self, bo: Block, offset: int, ptr: int, size: int) -> None:
        """Drop the processor's copy of a buffer's bytes."""
        bo.invalidate(offset, size)

    def get_bitfile_metadata(self, bitfile_name: str, partial: bool = False) -> Any:
        """Parse the hand-off beside a bit file."""
        handoff = Path(bitfile_name).with_suffix(".hwh")
        return RuntimeMetadataParser(Metadata(input=str(handoff)))

    def download(self, bitstream: Any, parser: Any = None) -> None:
        """Load a bitstream: whatever was in the logic starts anew."""
        self.chip.reset()
        self.dma.reset()
        self.post_download(bitstream, parser)

    def gen_cache(self, bitstream: Any, parser: Any = None) -> None:
        """Keep no metadata."""

    def close(self) -> None:
        """Free the simulator; it may be called twice."""
        self.chip.close()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        cycles = round(seconds * CLOCK_MHZ * 1e6)
        if self.chip.interrupt:
            passed = self.chip.clock(min(cycles, DRAIN_CYCLES))
        else:
            passed = self.chip.clock(cycles, Until.INTERRUPT)
        self._slept += cycles - passed

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        return (self.chip.cycles + self._slept) / (CLOCK_MHZ * 1e6)

    def _read(self, address: int) -> int:
        block, offset = self._at(address)
        if block == "system":
            return _slcr.get(offset, 0)
        self.accesses[block] += 1
        if block == "dma":
            self.chip.clock(ACCESS_CYCLES)
            return self.dma.read(offset)
        with _told_as_of_a_link():
            value = self.chip.read(offset)
        return self.forged.get(offset, value)

    def _write(self, address: int, value: int) -> None:
        block, offset = self._at(address)
        if block == "system":
            _slcr[offset] = value
            return
        self.accesses[block] += 1
        if block == "dma":
            self.chip.clock(ACCESS_CYCLES)
            self.dma.write(offset, value)
        else:
            with _told_as_of_a_link():
                self.chip.write(offset, value)

    def _at(self, address: int) -> tuple[str, int]:
        for block, base, size in (
            ("accelerator", ACCELERATOR_BASE, ACCELERATOR_BYTES),
            ("dma", DMA_BASE, DMA_BYTES),
            ("system", SLCR_BASE, SLCR_BYTES),
        ):
            if base <= address < base + size:
                return block, address - base
        raise RuntimeError(f"Nothing must be accessed at 0x{address:08X}: no block is there")


def open_link(config: Config, *, prompt_piece: int = PROMPT_PIECE, **options: Any) -> BoardLink:
    """Make a board and open a link to its accelerator; closing the link frees the board.

    Parameters
    ----------
    config, **options
        Those of `VirtualBoard`; the others go to `zynq_lstm.host.board.open_link`.
    prompt_piece : int
        Characters of a run when text is wanted as it comes.
    """
    own = {name: options.pop(name) for name in ("board", "library", "report") if name in options}
    board = VirtualBoard(config, **own)
    try:
        return board.open_link(prompt_piece=prompt_piece, on_close=board.close, **options)
    except BaseException:
        board.close()
        raise


@contextmanager
def _told_as_of_a_link() -> Iterator[None]:
    """Let a bus that does not answer be what a link reports; a real one stops the processor."""
    try:
        yield
    except HardwareError as error:
        raise LinkError(str(error)) from error


def _be_a_zynq() -> None:
    """Tell pynq before 3.1, which asks the machine instead of the device, what it runs on."""
    if not hasattr(pynq.Clocks, "set_device"):
        sys.modules["pynq.ps"].CPU_ARCH = ZYNQ_ARCHITECTURE  # type: ignore[attr-defined]
