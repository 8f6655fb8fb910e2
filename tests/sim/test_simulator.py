"""The simulated chip's surroundings: accesses, queues, clocking, limits, pauses."""

import numpy as np
import pytest
from random_models import random_image

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.protocol import Mode
from zynq_lstm.quant.registers import IDENTITY, register
from zynq_lstm.sim import simulator, trace
from zynq_lstm.sim.simulator import TLAST, Chip, HardwareError, Until

CONFIG = Config(hidden=16, symbols=8, multipliers=64)
IDENTITY_AT, SCRATCH, MODE, CONTROL = (
    register(name).offset for name in ("IDENTITY", "SCRATCH", "MODE", "CONTROL")
)
START, SOFT_RESET = (register("CONTROL").field(n).mask for n in ("START", "SOFT_RESET"))


@pytest.fixture(scope="module")
def one_chip():
    chip = Chip(CONFIG)
    yield chip
    chip.close()


@pytest.fixture
def chip(one_chip):
    one_chip.stalls(0, 0, 1)
    one_chip.reset()
    return one_chip


@pytest.fixture(scope="module")
def payload():
    return random_image(CONFIG, 8, "ordinary", seed=1).payload


def start(chip, mode):
    chip.write(register("IRQ_ENABLE").offset, 1)
    chip.write(MODE, int(mode))
    chip.write(CONTROL, START)


def load(chip, payload):
    start(chip, Mode.LOAD)
    chip.offer(payload)
    chip.clock(10 * len(payload), Until.INTERRUPT)
    assert chip.interrupt
    assert register("STATUS").field("LOADED").of(chip.read(register("STATUS").offset))


@pytest.mark.parametrize("build", [simulator.build, trace.build])
def test_what_has_no_hardware_is_refused_before_any_work(build):
    told = []
    with pytest.raises(UserError, match="must have weights of 8 bits, not 4"):
        build(Config(multipliers=1024, weight_bits=4), told.append)
    assert told == []


@pytest.mark.parametrize("chance", [0, 0.5, 0.99])
def test_registers(chip, chance):
    chip.stalls(0, 0, 3, registers=chance)
    for value in (0, 1, 0xFFFF_FFFF, 0x1234_5678):
        before = chip.cycles
        chip.write(SCRATCH, value)
        assert chip.read(SCRATCH) == value
        assert chip.cycles - before < (10_000 if chance else 60)
    assert chip.read(IDENTITY_AT) == IDENTITY


def test_a_soft_reset_keeps_the_next_access_waiting(chip):
    chip.write(SCRATCH, 5)
    chip.write(CONTROL, SOFT_RESET)
    assert chip.read(SCRATCH) == 0


def test_an_access_that_is_not_answered(chip):
    """A master that always pauses gets no answer; the harness waits for so long and no longer."""
    chip.stalls(0, 0, 1, registers=1)
    with pytest.raises(HardwareError, match=r"^A write to register 0x14 must be answered"):
        chip.write(SCRATCH, 1)
    with pytest.raises(HardwareError, match=r"^A read of register 0x00 must be answered"):
        chip.read(IDENTITY_AT)
    chip.stalls(0, 0, 1)
    assert chip.read(IDENTITY_AT) == IDENTITY


def test_streams_go_on_while_registers_are_read(chip, payload):
    start(chip, Mode.LOAD)
    chip.offer(payload)
    assert chip.offered == len(payload)
    chip.read(IDENTITY_AT)
    assert 0 < chip.offered < len(payload)


@pytest.mark.parametrize("into", [0, 0.9])
@pytest.mark.parametrize("out", [0, 0.9])
def test_a_packet_each_way(chip, payload, into, out):
    chip.stalls(into, out, 5, registers=0.5)
    load(chip, payload)
    assert chip.offered == 0
    start(chip, Mode.WRITE_STATE)
    state = np.arange(1, CONFIG.hidden + 1, dtype=np.uint64)
    chip.offer(state)
    chip.clock(10_000, Until.INTERRUPT)
    start(chip, Mode.READ_STATE)
    chip.accept(CONFIG.hidden + 1)
    chip.clock(10_000, Until.ENDED)
    words, flags = chip.collect()
    assert words.tolist() == state.tolist()
    assert flags.tolist() == [255] * (CONFIG.hidden - 1) + [255 | TLAST]
    chip.clock(1000)
    assert len(chip.collect()[0]) == 0


def test_the_sink_takes_no_more_than_it_has_room_for(chip, payload):
    load(chip, payload)
    start(chip, Mode.READ_STATE)
    assert chip.clock(1000, Until.ENDED) == 0, "no room, no waiting"
    chip.accept(3)
    assert 0 < chip.clock(1000, Until.ENDED) < 1000
    words, flags = chip.collect()
    assert len(words) == 3 and not any(flags & TLAST)
    chip.clock(1000)
    assert len(chip.collect()[0]) == 0
    chip.accept(CONFIG.hidden)
    chip.clock(1000, Until.ENDED)
    assert len(chip.collect()[0]) == CONFIG.hidden - 3


def test_clock_counts_and_stops(chip):
    before = chip.cycles
    assert chip.clock(250_000) == 250_000
    assert chip.cycles - before == 250_000
    assert chip.clock(1000, Until.TAKEN) == 0, "nothing is offered"
    chip.offer(np.zeros(600, np.uint64))
    assert chip.clock(2000, Until.TAKEN) == 2000, "the FIFO holds 512 words"
    assert 0 < chip.offered < 100


def test_withdrawn_and_reset(chip, payload):
    chip.offer(np.zeros(2000, np.uint64), 3, ends=False)
    chip.clock(100)
    chip.withdraw()
    assert chip.offered == 0
    chip.reset()
    load(chip, payload)
    start(chip, Mode.READ_STATE)
    chip.accept(5)
    chip.clock(1000, Until.ENDED)
    chip.offer(payload)
    chip.reset()
    assert chip.offered == 0
    assert len(chip.collect()[0]) == 0
    load(chip, payload)


def test_a_library_that_does_not_load_is_named(tmp_path):
    library = tmp_path / "sim-damaged.so"
    library.write_bytes(b"\x7fELF, and cut off")
    with pytest.raises(UserError, match=r"sim-damaged\.so must be a library that loads"):
        Chip(CONFIG, library)


def test_a_closed_chip_is_not_used():
    chip = Chip(CONFIG)
    chip.close()
    chip.close()
    for use in (chip.reset, chip.collect, lambda: chip.read(IDENTITY_AT), lambda: chip.cycles):
        with pytest.raises(RuntimeError, match="after it has been closed"):
            use()
