"""The engine's registers, as PG021 tells them, between a memory and streams made of lists."""

import numpy as np
import pytest

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
from zynq_lstm.sim.axi_dma import RESET_CYCLES, AxiDma, Fault, UndefinedUse
from zynq_lstm.sim.link import from_words, to_words
from zynq_lstm.sim.memory import Memory
from zynq_lstm.sim.simulator import TLAST

LENGTH_BITS = 16


class Streams:
    """Takes words when it is told to, and gives out what it is told to."""

    def __init__(self) -> None:
        self.cycles = 0
        self.queue: list[tuple[np.ndarray, int]] = []
        self.taken: list[np.ndarray] = []
        self.room = 0
        self.ready = np.zeros(0, np.uint64), np.zeros(0, np.uint16)

    @property
    def offered(self) -> int:
        return sum(len(words) for words, _ in self.queue)

    def offer(self, words, last_bytes=8) -> None:
        self.queue.append((words, last_bytes))

    def take(self) -> None:
        for words, last_bytes in self.queue:
            flags = np.full(len(words), 255, np.uint16)
            flags[-1] = (1 << last_bytes) - 1
            self.taken.append(from_words(words, flags))
        self.queue = []

    def withdraw(self) -> None:
        self.queue = []

    def accept(self, words: int) -> None:
        self.room = words

    def give(self, data, ends=True) -> None:
        words, last_bytes = to_words(np.asarray(data, np.uint8))
        flags = np.full(len(words), 255, np.uint16)
        flags[-1] = (1 << last_bytes) - 1 | (TLAST if ends else 0)
        self.ready = words, flags

    def collect(self):
        (words, flags), room = self.ready, self.room
        self.ready, self.room = (words[room:], flags[room:]), room - len(words[:room])
        return words[:room], flags[:room]


@pytest.fixture
def streams() -> Streams:
    return Streams()


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def dma(memory, streams) -> AxiDma:
    return AxiDma(memory, streams, LENGTH_BITS)


def run(dma: AxiDma, channel: int) -> None:
    dma.write(channel + DMACR, int(Control.RUN))


def begin(dma: AxiDma, channel: int, address: int, length: int) -> None:
    dma.write(channel + ADDRESS, address & 0xFFFF_FFFF)
    dma.write(channel + ADDRESS_MSB, address >> 32)
    dma.write(channel + LENGTH, length)


def status(dma: AxiDma, channel: int) -> Status:
    return Status(dma.read(channel + DMASR))


@pytest.mark.parametrize("channel", [MM2S, S2MM])
def test_a_channel_halts_until_it_is_told_to_run(dma, channel) -> None:
    assert status(dma, channel) == Status.HALTED
    assert dma.read(channel + DMACR) == 2
    run(dma, channel)
    assert status(dma, channel) == Status(0), "idle only after the first transfer"
    assert dma.read(channel + DMACR) == 3
    dma.write(channel + DMACR, 0)
    assert status(dma, channel) == Status.HALTED


@pytest.mark.parametrize("size", range(1, 18))
def test_a_packet_goes_out(dma, memory, streams, size) -> None:
    block = memory.allocate(size)
    block.stored[:] = np.arange(1, size + 1)
    run(dma, MM2S)
    begin(dma, MM2S, block.address, size)
    assert status(dma, MM2S) == Status(0), "the far end has not taken it"
    streams.take()
    assert status(dma, MM2S) == Status.IDLE | Status.IOC_IRQ
    assert np.array_equal(streams.taken[0], block.stored)
    assert dma.read(MM2S + LENGTH) == size


@pytest.mark.parametrize("size", range(1, 18))
def test_a_packet_comes_in_and_its_length_is_told(dma, memory, streams, size) -> None:
    block = memory.allocate(32)
    run(dma, S2MM)
    begin(dma, S2MM, block.address, 20)
    assert status(dma, S2MM) == Status(0)
    streams.give(np.arange(1, size + 1))
    assert status(dma, S2MM) == Status.IDLE | Status.IOC_IRQ
    assert dma.read(S2MM + LENGTH) == size
    assert np.array_equal(block.stored[: size + 1], [*range(1, size + 1), 0])


def test_a_packet_comes_in_by_pieces(dma, memory, streams) -> None:
    block = memory.allocate(32)
    run(dma, S2MM)
    begin(dma, S2MM, block.address, 32)
    for piece, ends in ((range(8), False), (range(8, 16), False), (range(16, 21), True)):
        assert status(dma, S2MM) == Status(0)
        streams.give(list(piece), ends)
    assert status(dma, S2MM) & Status.IDLE
    assert np.array_equal(block.stored[:21], range(21))


def test_nothing_is_taken_before_a_transfer(dma, streams) -> None:
    run(dma, S2MM)
    streams.give([1])
    assert status(dma, S2MM) == Status(0)
    assert len(streams.ready[0]) == 1


def test_interrupt_bits_are_cleared_by_ones(dma, memory, streams) -> None:
    run(dma, MM2S)
    begin(dma, MM2S, memory.allocate(8).address, 8)
    streams.take()
    status(dma, MM2S)
    dma.write(MM2S + DMASR, 0)
    assert status(dma, MM2S) & Status.IOC_IRQ
    dma.write(MM2S + DMASR, 0xFFFF_FFFF)
    assert status(dma, MM2S) == Status.IDLE


@pytest.mark.parametrize("channel", [MM2S, S2MM])
def test_a_length_of_zero_or_of_a_halted_channel_does_nothing(dma, memory, channel) -> None:
    address = memory.allocate(8).address
    begin(dma, channel, address, 8)
    assert status(dma, channel) == Status.HALTED
    run(dma, channel)
    begin(dma, channel, address, 0)
    begin(dma, channel, address, 1 << LENGTH_BITS)
    assert status(dma, channel) == Status(0)
    assert dma.transfers == 0


@pytest.mark.parametrize("size, ends", [(17, True), (16, False), (24, True)])
def test_a_packet_longer_than_its_buffer_is_an_internal_error(
    dma, memory, streams, size, ends
) -> None:
    run(dma, S2MM)
    begin(dma, S2MM, memory.allocate(32).address, 16)
    streams.give(range(size), ends)
    assert status(dma, S2MM) == Status.HALTED | Status.INTERNAL_ERROR | Status.ERROR_IRQ


@pytest.mark.parametrize("channel", [MM2S, S2MM])
def test_an_address_without_memory_is_a_decode_error(dma, memory, streams, channel) -> None:
    block = memory.allocate(16)
    run(dma, channel)
    begin(dma, channel, block.address + 8, 16)
    streams.give(range(16))
    assert status(dma, channel) == Status.HALTED | Status.DECODE_ERROR | Status.ERROR_IRQ


@pytest.mark.parametrize("channel", [MM2S, S2MM])
def test_only_a_reset_ends_an_error(dma, memory, streams, channel) -> None:
    address = memory.allocate(16).address
    for way in (dma.send, dma.receive):
        way.faults.append(Fault(error=Status.SLAVE_ERROR))
    run(dma, channel)
    begin(dma, channel, address, 16)
    failed = Status.HALTED | Status.SLAVE_ERROR
    assert status(dma, channel) == failed | Status.ERROR_IRQ
    dma.write(channel + DMASR, 0xFFFF_FFFF)
    run(dma, channel)
    assert status(dma, channel) == failed
    dma.write(S2MM + DMACR, int(Control.RESET))
    assert dma.read(MM2S + DMACR) & Control.RESET
    streams.cycles += RESET_CYCLES
    assert not dma.read(MM2S + DMACR) & Control.RESET
    assert status(dma, MM2S) == status(dma, S2MM) == Status.HALTED
    run(dma, channel)
    begin(dma, channel, address, 16)
    streams.take()
    streams.give(range(16))
    assert status(dma, channel) & Status.IDLE, "a fault is of one transfer"


def test_a_reset_drops_what_is_on_the_way(dma, memory, streams) -> None:
    address = memory.allocate(16).address
    for channel in (MM2S, S2MM):
        run(dma, channel)
        begin(dma, channel, address, 16)
    dma.write(MM2S + DMACR, int(Control.RESET))
    assert streams.offered == streams.room == 0


def test_a_stopped_channel_ends_its_transfer_first(dma, memory, streams) -> None:
    run(dma, MM2S)
    begin(dma, MM2S, memory.allocate(8).address, 8)
    dma.write(MM2S + DMACR, 0)
    assert not status(dma, MM2S) & Status.HALTED
    streams.take()
    assert status(dma, MM2S) == Status.HALTED | Status.IOC_IRQ


def test_what_is_undefined_is_refused(dma, memory) -> None:
    address = memory.allocate(32).address
    run(dma, MM2S)
    with pytest.raises(UndefinedUse, match=r"^MM2S: .* must be a multiple of 8, not 0x10000004$"):
        begin(dma, MM2S, address + 4, 8)
    begin(dma, MM2S, address, 8)
    with pytest.raises(UndefinedUse, match="must not be written during a transfer"):
        begin(dma, MM2S, address, 8)


def test_a_transfer_that_is_stuck(dma, memory, streams) -> None:
    address = memory.allocate(16).address
    for way in (dma.send, dma.receive):
        way.faults.append(Fault(stuck=True))
    for channel in (MM2S, S2MM):
        run(dma, channel)
        begin(dma, channel, address, 16)
    streams.take()
    streams.give(range(8))
    assert status(dma, MM2S) == status(dma, S2MM) == Status(0)
    assert not streams.taken
    dma.write(MM2S + DMACR, int(Control.RESET))
    streams.cycles += RESET_CYCLES
    run(dma, S2MM)
    begin(dma, S2MM, address, 16)
    streams.give(range(8))
    assert status(dma, S2MM) & Status.IDLE


def test_bytes_that_are_lost(dma, memory, streams) -> None:
    block = memory.allocate(16)
    block.stored[:] = range(16)
    for way in (dma.send, dma.receive):
        way.faults.append(Fault(lost=3))
    for channel in (MM2S, S2MM):
        run(dma, channel)
        begin(dma, channel, block.address, 16)
    streams.take()
    streams.give(range(16, 32))
    assert status(dma, MM2S) & status(dma, S2MM) & Status.IDLE
    assert streams.taken[0].tolist() == list(range(13))
    assert dma.read(S2MM + LENGTH) == 13
    assert block.stored.tolist() == [*range(16, 29), 13, 14, 15]


def test_a_reset_that_is_stuck(dma, streams) -> None:
    dma.stuck = True
    assert not dma.read(MM2S + DMACR) & Control.RESET
    dma.write(MM2S + DMACR, int(Control.RESET))
    streams.cycles += 1000 * RESET_CYCLES
    assert dma.read(MM2S + DMACR) & Control.RESET
    dma.stuck = False
    assert not dma.read(MM2S + DMACR) & Control.RESET
