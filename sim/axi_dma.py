"""The registers of an AXI DMA 7.1 in direct register mode, between a memory and a chip's streams.

What a register does is what the product guide (PG021) says: a transfer begins with the write of a
LENGTH and ends with Idle, when S2MM's LENGTH reads the bytes that came; a LENGTH of 0 does nothing,
nor does any while the channel does not run; an error stops the channel until the engine is reset.
Where the guide says that the result is undefined, `UndefinedUse` is raised instead, so that no
driver can come to rely on it.

Data moves at once, as far as the chip's streams go along: an engine is much faster than the
accelerator. What takes time is the chip, and that has a clock of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.host.dma import (
    ADDRESS,
    ADDRESS_MSB,
    DMACR,
    DMASR,
    LENGTH,
    MM2S,
    S2MM,
    Control,
    Status,
)
from zynq_lstm.quant.protocol import STREAM_BYTES
from zynq_lstm.sim.link import from_words, to_words
from zynq_lstm.sim.memory import DecodeError, Memory
from zynq_lstm.sim.simulator import TLAST

RESET_CYCLES = 32
"""How long the reset bit reads 1."""

ERRORS = Status.INTERNAL_ERROR | Status.SLAVE_ERROR | Status.DECODE_ERROR
INTERRUPTS = Status.IOC_IRQ | Status.DELAY_IRQ | Status.ERROR_IRQ
CONTROL_RESERVED = 2
"""Bit of DMACR that reads 1."""
_WRITABLE = Control.RUN | Control.IOC_ENABLE | Control.ERROR_ENABLE


class UndefinedUse(RuntimeError):  # noqa: N818 - the mistake is the driver's
    """A driver did what PG021 calls undefined."""


class Streams(Protocol):
    """The far ends of both streams, as `zynq_lstm.sim.simulator.Chip` has them."""

    @property
    def cycles(self) -> int: ...
    @property
    def offered(self) -> int: ...
    def offer(self, words: NDArray[np.uint64], last_bytes: int = 8) -> None: ...
    def withdraw(self) -> None: ...
    def accept(self, words: int) -> None: ...
    def collect(self) -> tuple[NDArray[np.uint64], NDArray[np.uint16]]: ...


@dataclass(frozen=True)
class Fault:
    """What a test wants to befall a transfer.

    Parameters
    ----------
    error : Status
        It fails at once with these error bits.
    stuck : bool
        It begins, and no word moves.
    lost : int
        So many bytes are lost at the packet's end.
    """

    error: Status = Status(0)  # noqa: RUF009 - a constant
    stuck: bool = False
    lost: int = 0


class Channel(ABC):
    """What both directions have in common.

    Parameters
    ----------
    name : str
        For messages.
    memory : Memory
    streams : Streams
    length_bits : int
        Width of LENGTH.
    """

    def __init__(self, name: str, memory: Memory, streams: Streams, length_bits: int) -> None:
        self.name, self.memory, self.streams = name, memory, streams
        self.length_mask = (1 << length_bits) - 1
        self.transfers = 0
        """Transfers begun since the making."""
        self.faults: list[Fault] = []
        """Planted: what befalls the next transfers, one each."""
        self.reset()

    def reset(self) -> None:
        """Be as after power-up."""
        self.control, self.status = Control(0), Status.HALTED
        self.address = self.length = 0
        self.busy = False
        self.fault = Fault()

    def read(self, register: int) -> int:
        """Return a register."""
        if self.busy and not self.fault.stuck:
            self.move()
        values = {
            DMACR: self.control | CONTROL_RESERVED,
            DMASR: self.status,
            ADDRESS: self.address & 0xFFFF_FFFF,
            ADDRESS_MSB: self.address >> 32,
            LENGTH: self.length,
        }
        return int(values.get(register, 0))

    def write(self, register: int, value: int) -> None:
        """Write a register."""
        if register == DMACR:
            self._control(Control(value) & _WRITABLE)
        elif register == DMASR:
            self.status &= ~(Status(value) & INTERRUPTS)
        elif register == ADDRESS:
            self.address = self.address & ~0xFFFF_FFFF | value
        elif register == ADDRESS_MSB:
            self.address = self.address & 0xFFFF_FFFF | value << 32
        elif register == LENGTH:
            self._begin(value & self.length_mask)

    def _control(self, value: Control) -> None:
        self.control = value
        if Control.RUN in value and not self.status & ERRORS:
            self.status &= ~Status.HALTED
        elif not self.busy:  # A transfer that has begun ends first.
            self.status = self.status & ~Status.IDLE | Status.HALTED

    def _begin(self, length: int) -> None:
        if self.busy:
            raise UndefinedUse(f"{self.name}: LENGTH must not be written during a transfer")
        if Status.HALTED in self.status or not length:
            return
        if self.address % STREAM_BYTES:
            raise UndefinedUse(
                f"{self.name}: without realignment, the address must be a multiple of "
                f"{STREAM_BYTES}, not 0x{self.address:X}"
            )
        self.length, self.busy = length, True
        self.transfers += 1
        self.status &= ~Status.IDLE
        self.fault = self.faults.pop(0) if self.faults else Fault()
        if self.fault.error:
            self.fail(self.fault.error)
        elif not self.fault.stuck:
            self.start()
            self.move()

    def finish(self) -> None:
        """End a transfer well."""
        self.busy = False
        self.status |= Status.IDLE | Status.IOC_IRQ
        if Control.RUN not in self.control:
            self.status = self.status & ~Status.IDLE | Status.HALTED

    def fail(self, error: Status) -> None:
        """Stop with an error, until a reset."""
        self.busy = False
        self.control &= ~Control.RUN
        self.status = self.status & ~Status.IDLE | Status.HALTED | Status.ERROR_IRQ | error

    @abstractmethod
    def start(self) -> None:
        """Begin to move data."""

    @abstractmethod
    def move(self) -> None:
        """Move what can be moved now, and end the transfer when it is whole."""


class SendChannel(Channel):
    """MM2S: memory to the chip; the packet ends with the transfer."""

    def start(self) -> None:
        """Read the packet and offer it."""
        try:
            data = self.memory.read(self.address, self.length)
        except DecodeError:
            self.fail(Status.DECODE_ERROR)
            return
        self.streams.offer(*to_words(data[: self.length - self.fault.lost]))

    def move(self) -> None:
        """End when the chip has taken all."""
        if self.busy and not self.streams.offered:
            self.finish()


class ReceiveChannel(Channel):
    """S2MM: the chip to memory, until the packet's end."""

    def reset(self) -> None:
        """Forget what has come, too."""
        super().reset()
        self._came: list[NDArray[np.uint8]] = []

    def start(self) -> None:
        """Take as many words as LENGTH has room for."""
        self._came = []
        self.streams.accept(-(-self.length // STREAM_BYTES))

    def move(self) -> None:
        """Take what has come; write and end at the packet's end."""
        words, flags = self.streams.collect()
        if not len(words):
            return
        self._came.append(from_words(words, flags))
        size = sum(map(len, self._came))
        ended = bool(flags[-1] & TLAST)
        if size > self.length or (size == self.length and not ended):
            self.fail(Status.INTERNAL_ERROR)  # The packet is longer than LENGTH.
        elif ended:
            size -= self.fault.lost
            try:
                self.memory.write(self.address, np.concatenate(self._came)[:size])
            except DecodeError:
                self.fail(Status.DECODE_ERROR)
                return
            self.length = size
            self.finish()


class AxiDma:
    """The engine: two channels and their registers.

    Parameters
    ----------
    memory : Memory
    streams : Streams
    length_bits : int
        Width of the LENGTH registers, 8 to 26.
    """

    def __init__(self, memory: Memory, streams: Streams, length_bits: int) -> None:
        self.send = SendChannel("MM2S", memory, streams, length_bits)
        self.receive = ReceiveChannel("S2MM", memory, streams, length_bits)
        self.streams = streams
        self.stuck = False
        """Planted: a reset does not end before this is taken back."""
        self._hangs, self._reset_until = False, 0

    @property
    def transfers(self) -> int:
        """Transfers begun since the making, both ways."""
        return self.send.transfers + self.receive.transfers

    @property
    def resetting(self) -> bool:
        """A reset is going on."""
        return self.streams.cycles < self._reset_until or (self.stuck and self._hangs)

    def read(self, offset: int) -> int:
        """Return the register at a byte offset."""
        channel, register = self._at(offset)
        if self.resetting:
            return int(Control.RESET) if register == DMACR else int(Status.HALTED)
        return channel.read(register)

    def write(self, offset: int, value: int) -> None:
        """Write the register at a byte offset."""
        channel, register = self._at(offset)
        if register == DMACR and Control.RESET & value:
            self.reset()
        elif not self.resetting:
            channel.write(register, value)

    def reset(self) -> None:
        """Reset both channels, whichever was told to, and drop what is on the way."""
        self.streams.withdraw()
        self.streams.collect()
        self.streams.accept(0)
        self.send.reset()
        self.receive.reset()
        self._hangs, self._reset_until = self.stuck, self.streams.cycles + RESET_CYCLES

    def _at(self, offset: int) -> tuple[Channel, int]:
        return (self.send, offset - MM2S) if offset < S2MM else (self.receive, offset - S2MM)
