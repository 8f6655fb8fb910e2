"""An AXI DMA 7.1 in direct register mode, as far as pynq's driver leaves something to do.

pynq begins transfers well, but it waits for their end without a limit and cannot reset the engine.
Here are the registers (PG021), what they say about a transfer, in sentences, and a reset that is
done within a limit. A channel that met an error has halted and stays so until the engine is reset.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntFlag
from typing import Protocol

from zynq_lstm.host.link import LinkError

MM2S, S2MM = 0x00, 0x30
"""First register of the channel from memory to the stream, and of the other."""

DMACR, DMASR, ADDRESS, ADDRESS_MSB, LENGTH = 0x00, 0x04, 0x18, 0x1C, 0x28
"""Registers of a channel, from its first."""

DIRECTIONS = {MM2S: "to the accelerator", S2MM: "from the accelerator"}

RESET_POLLS = 50
RESET_POLL_SECONDS = 20e-6
"""A reset takes some ten cycles, when the memory answers."""


class Control(IntFlag):
    """Bits of DMACR."""

    RUN = 1
    RESET = 4
    IOC_ENABLE = 1 << 12
    ERROR_ENABLE = 1 << 14


class Status(IntFlag):
    """Bits of DMASR."""

    HALTED = 1
    IDLE = 2
    INTERNAL_ERROR = 1 << 4
    SLAVE_ERROR = 1 << 5
    DECODE_ERROR = 1 << 6
    IOC_IRQ = 1 << 12
    DELAY_IRQ = 1 << 13
    ERROR_IRQ = 1 << 14


ERRORS = {
    Status.INTERNAL_ERROR: "DMAIntErr, the packet is longer than its buffer or the engine is wrong",
    Status.SLAVE_ERROR: "DMASlvErr, the memory refused an access",
    Status.DECODE_ERROR: "DMADecErr, there is no memory at the buffer's address",
}


class Registers(Protocol):
    """A window of registers, such as ``pynq.MMIO``."""

    def read(self, offset: int) -> int:
        """Return the register at a byte offset."""
        ...

    def write(self, offset: int, value: int) -> None:
        """Write the register at a byte offset."""


class DmaEngine:
    """The engine's status and reset.

    Parameters
    ----------
    registers : Registers
    sleep : callable
        Waits for seconds.
    """

    def __init__(self, registers: Registers, sleep: Callable[[float], None]) -> None:
        self._registers, self._sleep = registers, sleep

    def ended(self, channel: int) -> bool:
        """Tell whether the transfer of `MM2S` or `S2MM` has ended; one register is read.

        Raises
        ------
        LinkError
            When the transfer failed, or the channel does not run.
        """
        status = Status(self._registers.read(channel + DMASR))
        for error, meaning in ERRORS.items():
            if error in status:
                raise LinkError(f"The DMA transfer {DIRECTIONS[channel]} failed: {meaning}")
        if Status.HALTED in status:
            raise LinkError(
                f"The DMA must run until the transfer {DIRECTIONS[channel]} ends, but it has halted"
            )
        return Status.IDLE in status

    def received(self) -> int:
        """Return the bytes of the packet that came last."""
        return int(self._registers.read(S2MM + LENGTH))

    def restart(self) -> None:
        """Reset the engine, which abandons all transfers, and let both channels run.

        Raises
        ------
        LinkError
            When the engine does not come back.
        """
        self._registers.write(MM2S + DMACR, int(Control.RESET))
        self._wait(MM2S + DMACR, int(Control.RESET), "end its reset")
        for channel in (MM2S, S2MM):
            self._registers.write(channel + DMACR, int(Control.RUN))
            self._wait(channel + DMASR, int(Status.HALTED), "run after a reset")

    def _wait(self, register: int, bit: int, what: str) -> None:
        """Wait until a bit is 0."""
        for _ in range(RESET_POLLS):
            if not self._registers.read(register) & bit:
                return
            self._sleep(RESET_POLL_SECONDS)
        raise LinkError(
            f"The DMA must {what} within {RESET_POLLS * RESET_POLL_SECONDS * 1e3:g} ms; it does "
            "not: load the overlay again"
        )
