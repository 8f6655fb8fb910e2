"""The simulated chip as a link: packets of bytes, their ends, time."""

import numpy as np
import pytest
from random_models import random_image

from zynq_lstm.host.link import LinkError
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.protocol import Mode
from zynq_lstm.quant.registers import register
from zynq_lstm.sim.link import SimulatedLink, from_words, to_words
from zynq_lstm.sim.simulator import TLAST, Chip

CONFIG = Config(hidden=16, symbols=8, multipliers=64)
STATE_BYTES = 8 * CONFIG.hidden


@pytest.fixture(scope="module")
def one_link():
    link = SimulatedLink(Chip(CONFIG))
    yield link
    link.close()


@pytest.fixture
def link(one_link):
    one_link.reset()
    one_link.chip.reset()
    payload = random_image(CONFIG, 8, "ordinary", seed=1).payload
    run(one_link, Mode.LOAD, payload.view(np.uint8))
    return one_link


def start(link, mode, **registers):
    for name, value in {"IRQ_ENABLE": 1, "MODE": int(mode), **registers}.items():
        link.write(register(name).offset, value)
    link.write(register("CONTROL").offset, register("CONTROL").field("START").mask)


def run(link, mode, packet, **registers):
    start(link, mode, **registers)
    link.send(packet)
    link.wait(100_000)
    assert link.sent()
    assert link.read(register("ERROR").offset) == 0


@pytest.mark.parametrize("size", [1, 7, 8, 9, 24])
def test_bytes_are_words_and_back(size):
    packet = np.arange(1, size + 1, dtype=np.uint8)
    words, last_bytes = to_words(packet)
    assert len(words) == (size + 7) // 8 and last_bytes == (size - 1) % 8 + 1
    flags = np.full(len(words), 255, np.uint16)
    flags[-1] = TLAST | (1 << last_bytes) - 1
    assert from_words(words, flags).tolist() == packet.tolist()


def test_a_packet_each_way(link):
    state = np.arange(STATE_BYTES, dtype=np.uint8) % 6
    state.view("<u8")[:] &= np.uint64(0xFFFF_FFFF_FFFF)
    run(link, Mode.WRITE_STATE, state)
    accesses, transfers = link.accesses, link.transfers
    link.accept(STATE_BYTES)
    assert link.accepted() is None
    start(link, Mode.READ_STATE)
    link.wait(10_000)
    link.wait(100)
    assert link.accepted().tolist() == state.tolist()
    assert link.accepted() is None
    assert (link.accesses - accesses, link.transfers - transfers) == (3, 1)


@pytest.mark.parametrize("length", range(1, 10))
def test_bytes_by_tkeep(link, length):
    link.accept(STATE_BYTES)
    run(link, Mode.GENERATE, np.zeros(1, np.uint8), INPUTS=1, OUTPUTS=length)
    link.wait(100)
    assert len(link.accepted()) == length


def test_room_without_an_end(link):
    start(link, Mode.READ_STATE)
    link.accept(9)  # two words
    link.wait(10_000)
    with pytest.raises(
        LinkError, match=r"^A packet of at most 2 words must end with them; it does not$"
    ):
        link.accepted()
    link.reset()
    assert link.accepted() is None


def test_a_wait_ends_with_the_run(link):
    start(link, Mode.RESET_STATE)
    before = link.elapsed()
    link.wait(50_000)
    assert 0 < link.elapsed() - before < 1000
    before = link.elapsed()
    link.wait(500)
    assert link.elapsed() - before == 500, "an interrupt that is there already shortens nothing"


def test_reset_abandons_both_ways(link):
    link.send(np.zeros(1 << 16, np.uint8))
    link.accept(64)
    link.wait(100)
    assert not link.sent()
    link.reset()
    assert link.sent()
    assert link.accepted() is None


def test_refusals(link):
    for call, size in ((link.accept, 0), (link.accept, link.largest_packet + 1)):
        with pytest.raises(LinkError, match=f"^A packet must have 1 to .* bytes, not {size}$"):
            call(size)
    with pytest.raises(LinkError, match=r"not 0$"):
        link.send(np.zeros(0, np.uint8))
    link.send(np.zeros(1 << 16, np.uint8))
    with pytest.raises(LinkError, match="must be sent whole before the next"):
        link.send(np.zeros(8, np.uint8))


def test_a_bus_that_does_not_answer(link):
    link.chip.stalls(0, 0, 1, registers=1)
    try:
        with pytest.raises(LinkError, match=r"must be answered"):
            link.read(0)
        with pytest.raises(LinkError, match=r"must be answered"):
            link.write(0x14, 1)
    finally:
        link.chip.stalls(0, 0, 1)
