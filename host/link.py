"""What a driver needs of one accelerator: its registers, its two streams and its time.

A board has them behind memory-mapped I/O and a DMA engine, a simulation behind its own clock. All
that is the same on both, the commands, their packets and their errors, is in
`zynq_lstm.host.accelerator`; whoever adds another way to the hardware writes one class with these
methods.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


class Link(Protocol):
    """Registers, streams and time of one accelerator.

    One packet at a time goes each way. A transfer goes on by itself once it has begun; `wait` is
    the only method that lets time pass on purpose.
    """

    largest_packet: int
    """Bytes that one transfer may have, either way."""

    prompt_piece: int
    """Characters to generate in the first run when the text is wanted as it comes."""

    prompt_cycles: int
    """Runs double then while one takes fewer cycles than this, by `elapsed`."""

    def read(self, offset: int) -> int:
        """Return the register at a byte offset (`zynq_lstm.quant.registers`)."""
        ...

    def write(self, offset: int, value: int) -> None:
        """Write 32 bits to the register at a byte offset."""

    def send(self, packet: Bytes) -> None:
        """Begin to send a packet, at most `largest_packet` bytes.

        Raises
        ------
        LinkError
            When the transfer cannot begin.
        """

    def accept(self, size: int) -> None:
        """Begin to take a packet of at most ``size`` bytes.

        Raises
        ------
        LinkError
            When the transfer cannot begin.
        """

    def sent(self) -> bool:
        """Tell whether the packet of `send` has gone out whole.

        Raises
        ------
        LinkError
            When the transfer failed; the sentence says how.
        """
        ...

    def accepted(self) -> Bytes | None:
        """Return the packet of `accept` once its end has come, ``None`` until then.

        Raises
        ------
        LinkError
            When the transfer failed, or ended without the packet's end.
        """
        ...

    def wait(self, cycles: int) -> None:
        """Let about this many cycles of the accelerator pass, fewer when a run ends meanwhile."""

    def elapsed(self) -> int:
        """Return the cycles that have passed since the link was opened: what time limits count."""
        ...

    def reset(self) -> None:
        """Abandon the transfers of both directions; the accelerator is the caller's to reset.

        Raises
        ------
        LinkError
            When the transfers cannot be abandoned.
        """

    def close(self) -> None:
        """Free what the link holds; it is not used afterwards."""


class LinkError(RuntimeError):
    """A transfer or an access failed; the text is a sentence for people."""
