"""A board's memory as a DMA engine sees it: buffers at physical addresses, and nothing between.

The processor has a cache that the engine does not see (the high-performance ports of a Zynq are
not coherent), so a buffer is two arrays: the processor's, and the memory's. Only flush and
invalidate copy from one to the other; a driver that forgets them reads or sends old bytes here,
too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

FIRST_ADDRESS = 0x1000_0000
PAGE = 0x1000


class DecodeError(LookupError):
    """There is no memory at an address."""


class Block:
    """A contiguous piece of memory.

    Parameters
    ----------
    address : int
        Physical.
    size : int
        Bytes.
    """

    def __init__(self, address: int, size: int) -> None:
        self.address = address
        self.cached = np.zeros(size, np.uint8)
        """What the processor sees."""
        self.stored = np.zeros(size, np.uint8)
        """What the memory holds."""

    def flush(self, offset: int, size: int) -> None:
        """Write the processor's bytes to memory."""
        self.stored[offset : offset + size] = self.cached[offset : offset + size]

    def invalidate(self, offset: int, size: int) -> None:
        """Let the processor see the memory's bytes."""
        self.cached[offset : offset + size] = self.stored[offset : offset + size]


class Memory:
    """Blocks, each at a page of its own with an unused page behind it."""

    def __init__(self) -> None:
        self._blocks: dict[int, Block] = {}
        self._next = FIRST_ADDRESS

    @property
    def allocated(self) -> int:
        """Bytes in use."""
        return sum(len(block.stored) for block in self._blocks.values())

    def allocate(self, size: int) -> Block:
        """Make a block; its address is never used again."""
        block = self._blocks[self._next] = Block(self._next, size)
        self._next += (-(-size // PAGE) + 1) * PAGE
        return block

    def free(self, block: Block) -> None:
        """Give a block back; it may be given back twice."""
        self._blocks.pop(block.address, None)

    def read(self, address: int, size: int) -> Bytes:
        """Return a copy of the memory's bytes.

        Raises
        ------
        DecodeError
            When they are not all in one block.
        """
        return self._at(address, size).copy()

    def write(self, address: int, data: Bytes) -> None:
        """Replace the memory's bytes.

        Raises
        ------
        DecodeError
            When they are not all in one block.
        """
        self._at(address, len(data))[:] = data

    def _at(self, address: int, size: int) -> Bytes:
        for block in self._blocks.values():
            first = address - block.address
            if first >= 0 and first + size <= len(block.stored):
                return block.stored[first : first + size]
        raise DecodeError(f"There is no memory at 0x{address:X}, {size} bytes")
