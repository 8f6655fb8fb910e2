"""The accelerator on a PYNQ board as a link: memory-mapped registers and an AXI DMA engine.

A packet lies in a buffer of contiguous memory, one for each direction, which are made once. pynq's
DMA driver begins the transfers; their ends are looked up here (`zynq_lstm.host.dma`), for pynq
waits without a limit. A transfer costs five register accesses to begin, one for each look at it,
and one more for the length of what came.

pynq is needed by `open_link` only; nothing of it is imported before.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from zynq_lstm.host.dma import MM2S, S2MM, DmaEngine, Registers
from zynq_lstm.host.link import Bytes, LinkError
from zynq_lstm.quant.errors import UserError

LARGEST_PACKET = 1 << 20
"""Bytes of a buffer: an image, which is one packet, has some 300,000."""

PROMPT_PIECE = 4096
"""Characters of the first run when text is wanted as it comes: some hundredths of a second."""

PROMPT_SECONDS = 0.05
"""Runs double then while one takes less."""

_lost: list[Any] = []
"""Buffers that an engine may still write to, because it could not be stopped."""


class BoardLink:
    """Registers, streams and time of an accelerator behind a DMA engine.

    Parameters
    ----------
    registers : Registers
        The accelerator's.
    engine : DmaEngine
        The engine's registers; it has been restarted.
    dma : pynq.lib.dma.DMA
        pynq's driver of the same engine.
    allocate : callable
        Makes a buffer of so many bytes.
    clock_mhz : float
        The accelerator's clock.
    largest_packet : int
        Bytes of each of the two buffers.
    prompt_piece : int
        See `zynq_lstm.host.link.Link`.
    prompt_seconds : float
        Its `prompt_cycles`, as a time.
    sleep, monotonic : callable
        Wait for seconds, and tell the seconds that have passed.
    on_close : callable, optional
        Called at the end of `close`.
    """

    def __init__(
        self,
        registers: Registers,
        engine: DmaEngine,
        dma: Any,
        allocate: Callable[[int], Any],
        *,
        clock_mhz: float,
        largest_packet: int = LARGEST_PACKET,
        prompt_piece: int = PROMPT_PIECE,
        prompt_seconds: float = PROMPT_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.largest_packet, self.prompt_piece = largest_packet, prompt_piece
        self._registers, self._engine = registers, engine
        self._into, self._out = dma.sendchannel, dma.recvchannel
        self._clock_hz = clock_mhz * 1e6
        self.prompt_cycles = round(prompt_seconds * self._clock_hz)
        self._sleep, self._monotonic, self._on_close = sleep, monotonic, on_close
        self._opened = monotonic()
        self._sending = False
        self._accepting = 0
        self._start_channels()
        self._buffers = [allocate(largest_packet), allocate(largest_packet)]

    def read(self, offset: int) -> int:
        """Return the register at a byte offset."""
        return int(self._registers.read(offset))

    def write(self, offset: int, value: int) -> None:
        """Write 32 bits to the register at a byte offset."""
        self._registers.write(offset, int(value))  # pynq refuses integers of numpy.

    def send(self, packet: Bytes) -> None:
        """Begin to send a packet, at most `largest_packet` bytes."""
        buffer = self._piece(0, len(packet))
        buffer[:] = packet
        self._begin(self._into, buffer, "to the accelerator")
        self._sending = True

    def accept(self, size: int) -> None:
        """Begin to take a packet of at most ``size`` bytes."""
        self._begin(self._out, self._piece(1, size), "from the accelerator")
        self._accepting = size

    def sent(self) -> bool:
        """Tell whether the packet of `send` has gone out whole."""
        if self._sending and self._engine.ended(MM2S):
            self._sending = False
        return not self._sending

    def accepted(self) -> Bytes | None:
        """Return the packet of `accept` once its end has come, ``None`` until then."""
        if not self._accepting or not self._engine.ended(S2MM):
            return None
        buffer = self._piece(1, self._accepting)
        self._accepting = 0
        buffer.invalidate()
        return np.array(buffer[: self._engine.received()], np.uint8)

    def wait(self, cycles: int) -> None:
        """Let about this many cycles of the accelerator pass."""
        self._sleep(cycles / self._clock_hz)

    def elapsed(self) -> int:
        """Return the cycles that have passed since the link was opened."""
        return int((self._monotonic() - self._opened) * self._clock_hz)

    def reset(self) -> None:
        """Abandon the transfers of both directions by the engine's soft reset."""
        self._engine.restart()
        self._start_channels()
        self._sending, self._accepting = False, 0

    def close(self) -> None:
        """Stop the engine where it is at work, and free the buffers; it may be called twice.

        Raises
        ------
        LinkError
            When the engine cannot be stopped; then its buffers stay allocated.
        """
        if not self._buffers:
            return
        buffers, self._buffers = self._buffers, []
        try:
            if self._sending or self._accepting:
                self.reset()
        except LinkError:
            _lost.extend(buffers)
            raise
        else:
            for buffer in buffers:
                buffer.freebuffer()
        finally:
            if self._on_close is not None:
                self._on_close()

    def _piece(self, which: int, size: int) -> Any:
        """Return the first bytes of a buffer."""
        if not 0 < size <= self.largest_packet:
            raise LinkError(f"A packet must have 1 to {self.largest_packet} bytes, not {size}")
        if not self._buffers:
            raise LinkError("The link to the board must be open, but it has been closed")
        return self._buffers[which][:size]

    def _begin(self, channel: Any, buffer: Any, direction: str) -> None:
        try:
            channel.transfer(buffer)
        except (RuntimeError, ValueError) as error:
            raise LinkError(f"A DMA transfer {direction} must begin; pynq says: {error}") from error

    def _start_channels(self) -> None:
        """Let pynq know that the engine runs and has not had a transfer."""
        self._into.start()
        self._out.start()


def open_link(
    bitfile: str | os.PathLike[str] | None = None,
    overlay: Any = None,
    *,
    device: Any = None,
    largest_packet: int = LARGEST_PACKET,
    prompt_piece: int = PROMPT_PIECE,
    prompt_seconds: float = PROMPT_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
    on_close: Callable[[], None] | None = None,
) -> BoardLink:
    """Load an overlay and open a link to the accelerator in it.

    Parameters
    ----------
    bitfile : path, optional
        The overlay's .bit, with its .hwh beside it. Without it, and without ``overlay``, the first
        of `zynq_lstm.host.overlay.BIT_FILES` that is there.
    overlay : pynq.Overlay, optional
        One that has been loaded already.
    device : pynq.Device, optional
        Where to load ``bitfile``; by default pynq's active device.
    largest_packet, prompt_piece, prompt_seconds, sleep, monotonic, on_close
        See `BoardLink`.

    Raises
    ------
    UserError
        When pynq or the bit file is missing, or the overlay is none with the accelerator and a DMA
        engine that fits it.
    LinkError
        When the DMA engine cannot be reset.
    """
    pynq_side = _pynq_side()
    if overlay is None:
        overlay = pynq_side.load(bitfile, device)
    elif bitfile is not None:
        raise UserError("Either the bit file or an overlay must be given, not both")
    parts = pynq_side.find(overlay, largest_packet)
    engine = DmaEngine(parts.dma_registers(), sleep)
    engine.restart()  # Before pynq's driver, which would wait for an engine in an error for ever.
    return BoardLink(
        parts.accelerator_registers(),
        engine,
        parts.dma(),
        parts.allocate,
        clock_mhz=pynq_side.clock_mhz(),
        largest_packet=largest_packet,
        prompt_piece=prompt_piece,
        prompt_seconds=prompt_seconds,
        sleep=sleep,
        monotonic=monotonic,
        on_close=on_close,
    )


def _pynq_side() -> Any:
    try:
        return importlib.import_module("zynq_lstm.host.overlay")
    except ImportError as error:
        raise UserError(
            f"Backend board needs the package pynq, 3.0.1 to 3.1.x, as on a PYNQ board; importing "
            f"it failed: {error}"
        ) from error
