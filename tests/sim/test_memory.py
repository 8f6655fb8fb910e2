"""A memory that a processor sees through a cache."""

import numpy as np
import pytest

from zynq_lstm.sim.memory import PAGE, DecodeError, Memory


def test_blocks_lie_at_pages_with_a_gap_between() -> None:
    memory = Memory()
    first, second = memory.allocate(PAGE), memory.allocate(1)
    assert first.address % PAGE == second.address % PAGE == 0
    assert second.address - first.address == 2 * PAGE
    assert memory.allocated == PAGE + 1


def test_what_the_processor_writes_is_in_memory_after_a_flush() -> None:
    memory = Memory()
    block = memory.allocate(8)
    block.cached[:] = range(8)
    assert not memory.read(block.address, 8).any()
    block.flush(2, 3)
    assert memory.read(block.address, 8).tolist() == [0, 0, 2, 3, 4, 0, 0, 0]


def test_what_the_engine_writes_is_seen_after_an_invalidate() -> None:
    memory = Memory()
    block = memory.allocate(4)
    memory.write(block.address + 1, np.array([5, 6], np.uint8))
    assert not block.cached.any()
    block.invalidate(0, 4)
    assert block.cached.tolist() == [0, 5, 6, 0]


@pytest.mark.parametrize("first, size", [(-1, 2), (0, 9), (8, 1), (PAGE, 1)])
def test_there_is_nothing_beside_a_block(first, size) -> None:
    memory = Memory()
    block = memory.allocate(8)
    with pytest.raises(DecodeError):
        memory.read(block.address + first, size)
    with pytest.raises(DecodeError):
        memory.write(block.address + first, np.zeros(size, np.uint8))


def test_freed_memory_is_not_there() -> None:
    memory = Memory()
    block = memory.allocate(8)
    memory.free(block)
    memory.free(block)
    assert memory.allocated == 0
    with pytest.raises(DecodeError):
        memory.read(block.address, 1)
    assert memory.allocate(8).address != block.address
