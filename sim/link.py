"""A simulated chip as a `zynq_lstm.host.link.Link`: what a DMA engine and a bus are on a board.

Time is the chip's own clock, so a wait costs as long as the simulation of its cycles; it is cut
short by the interrupt.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.host.link import Bytes, LinkError
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.protocol import STREAM_BYTES
from zynq_lstm.sim.simulator import TLAST, Chip, Flags, HardwareError, Until, Words


class SimulatedLink:
    """Registers, streams and time of a `Chip`.

    Parameters
    ----------
    chip : Chip
        Closed with the link.

    Attributes
    ----------
    accesses, transfers : int
        Register accesses and packets so far, either way: what the link costs a host.
    """

    largest_packet = 1 << 22
    """Larger than any image, which is one packet."""

    prompt_piece = 8
    """A word of symbols."""

    prompt_cycles = 10_000
    """At some hundred characters a second, text comes a few times a second."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.accesses = self.transfers = 0
        self._room = 0
        self._words: list[Words] = []
        self._flags: list[Flags] = []

    def read(self, offset: int) -> int:
        """Return the register at a byte offset."""
        self.accesses += 1
        try:
            return self.chip.read(offset)
        except HardwareError as error:
            raise LinkError(str(error)) from error

    def write(self, offset: int, value: int) -> None:
        """Write 32 bits to the register at a byte offset."""
        self.accesses += 1
        try:
            self.chip.write(offset, value)
        except HardwareError as error:
            raise LinkError(str(error)) from error

    def send(self, packet: Bytes) -> None:
        """Begin to send a packet."""
        if not 0 < len(packet) <= self.largest_packet:
            raise LinkError(
                f"A packet must have 1 to {self.largest_packet} bytes, not {len(packet)}"
            )
        if self.chip.offered:
            raise LinkError("A packet must be sent whole before the next begins; it is not")
        self.transfers += 1
        self.chip.offer(*to_words(packet))

    def sent(self) -> bool:
        """Tell whether the packet of `send` has gone out whole."""
        return self.chip.offered == 0

    def accept(self, size: int) -> None:
        """Begin to take a packet of at most ``size`` bytes."""
        if not 0 < size <= self.largest_packet:
            raise LinkError(f"A packet must have 1 to {self.largest_packet} bytes, not {size}")
        self._forget()
        self.transfers += 1
        self._room = -(-size // STREAM_BYTES)
        self.chip.accept(self._room)

    def accepted(self) -> Bytes | None:
        """Return the packet of `accept` once its end has come, ``None`` until then."""
        words, flags = self.chip.collect()
        self._words.append(words)
        self._flags.append(flags)
        if any(flags & TLAST):
            words, flags = np.concatenate(self._words), np.concatenate(self._flags)
            self._forget()
            return from_words(words, flags)
        if self._room and sum(map(len, self._flags)) == self._room:
            raise LinkError(
                f"A packet of at most {self._room} words must end with them; it does not"
            )
        return None

    def wait(self, cycles: int) -> None:
        """Let cycles pass, fewer when the interrupt rises meanwhile."""
        until = Until(0) if self.chip.interrupt else Until.INTERRUPT
        self.chip.clock(cycles, until)

    def elapsed(self) -> int:
        """Return the cycles that have passed."""
        return self.chip.cycles

    def reset(self) -> None:
        """Abandon the transfers of both directions."""
        self.chip.withdraw()
        self.chip.accept(0)
        self.chip.collect()
        self._forget()

    def close(self) -> None:
        """Free the simulator."""
        self.chip.close()

    def _forget(self) -> None:
        self._room, self._words, self._flags = 0, [], []


def open_link(
    config: Config,
    report: Callable[[str], None] | None = None,
    *,
    library: Path | None = None,
) -> SimulatedLink:
    """Make a chip, and a link to it; the arguments are those of `Chip`."""
    return SimulatedLink(Chip(config, library, report))


def to_words(packet: Bytes) -> tuple[Words, int]:
    """Return bytes as words of a packet, shape (n,), and the number of bytes in the last."""
    words = np.zeros(-(-len(packet) // STREAM_BYTES), "<u8")
    words.view(np.uint8)[: len(packet)] = packet
    return words.astype(np.uint64), (len(packet) - 1) % STREAM_BYTES + 1


def from_words(words: Words, flags: NDArray[np.uint16]) -> Bytes:
    """Return the bytes of a packet's words: those that TKEEP marks."""
    data = words.astype("<u8").view(np.uint8).reshape(-1, STREAM_BYTES)
    kept = (flags[:, None] >> np.arange(STREAM_BYTES)) & 1
    return data[kept.astype(bool)]
