"""Faults in use, on the emitted Verilog: bits flipped on the way in, no image, aborts and resets.

Without the driver, so that each cycle can be met: whatever happens, the command ends, and the next
result is right or ERROR says why there is none.
"""

import numpy as np
import pytest
from bare_commands import Bare
from random_models import random_image

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.layout import header_word
from zynq_lstm.quant.protocol import RUNS, Error, Mode

CONFIG = Config(hidden=16, symbols=8, multipliers=64)
IMAGE = random_image(CONFIG, 7, "ordinary", 1)
LAST = len(IMAGE.payload) - 1
FULL = Config()
FULL_LIMIT = 1_500_000
"""Cycles in which a command at full size must end."""


@pytest.fixture
def bare(used_by_hand) -> Bare:
    """After a reset by the pin, nothing loaded."""
    link = used_by_hand(CONFIG).link
    link.chip.reset()
    return Bare(link, IMAGE)


def flipped(word: int, bit: int) -> np.ndarray:
    payload = IMAGE.payload.copy()
    payload[word] ^= np.uint64(1 << bit)
    return payload


# Bits flipped in a transfer


def test_each_bit_of_the_header(bare) -> None:
    """Refused; the model that was there is gone only where the number of symbols is a sound one,
    for then the memories have been written to."""
    assert not bare.load()
    for bit in range(64):
        assert bare.load(flipped(0, bit)) == Error.IMAGE, bit
        symbols = 7 ^ 1 << bit
        sound = bit < 16 and 2 <= symbols <= CONFIG.symbols
        assert bare.status("LOADED") is not sound, bit
        if sound:
            assert not bare.load()
        if bit % 8 == 0 or sound:
            bare.still_right()


@pytest.mark.parametrize("word", [1, LAST // 2, LAST - 1, LAST])
def test_each_bit_of_a_word(bare, word) -> None:
    for bit in range(64):
        assert bare.load(flipped(word, bit)) == Error.CRC, bit
        assert not bare.status("LOADED")
    assert not bare.load()
    bare.still_right()


def test_a_bit_in_each_word(bare) -> None:
    """Each of the 64 places in a word is met in each section."""
    for word in range(1, LAST + 1):
        assert bare.load(flipped(word, word * 37 % 64)) == Error.CRC, word
        if word % 32 == 0:
            assert bare.do(bare.command(Mode.LOGITS)) == Error.NOT_LOADED
    assert not bare.load()
    bare.still_right()


# No image, or another accelerator's


def test_no_run_without_an_image(bare) -> None:
    bare.check_without_an_image()


@pytest.mark.parametrize(
    "config",
    [
        Config(hidden=32, symbols=8, multipliers=64),
        Config(hidden=16, symbols=8, multipliers=64, layers=1),
        Config(hidden=32, symbols=8, multipliers=128),
    ],
    ids=Config.describe,
)
def test_an_image_of_another_accelerator(bare, config) -> None:
    assert not bare.load()
    assert bare.load(random_image(config, 7, "ordinary", 2).payload) == Error.IMAGE
    bare.still_right()


def test_an_image_of_more_symbols_than_there_is_room_for(bare) -> None:
    larger = Config(hidden=16, symbols=16, multipliers=64)
    image = random_image(larger, 9, "ordinary", 2)
    assert int(image.payload[0]) == header_word(CONFIG, 9), "told by nothing but the number"
    assert not bare.load()
    assert bare.load(image.payload) == Error.IMAGE
    bare.still_right()


# Aborts


def length(bare: Bare, mode: Mode, count: int) -> int:
    """Cycles of an undisturbed command, from the answer to its start."""
    bare.begin(bare.command(mode, count))
    begun = bare.link.elapsed()
    assert not bare.end()
    bare.link.reset()
    return bare.link.elapsed() - begun


def sweep(bare: Bare, mode: Mode, step: int) -> None:
    """Abort at cycles of one character, or of another command, and behind its end."""
    cycles = length(bare, mode, 1) + 8
    aborted = [abort(bare, mode, k, 1) == Error.ABORTED for k in range(0, cycles + step, step)]
    assert aborted[0] and not aborted[-1], "met before and behind the end"


def abort(bare: Bare, mode: Mode, cycles: int, count: int) -> Error:
    """Abort after some cycles; what has come out by then is right."""
    command = bare.command(mode, count)
    bare.begin(command)
    bare.link.chip.clock(cycles)
    bare.control("ABORT")
    error = bare.end()
    assert error in (Error(0), Error.ABORTED), (mode, cycles)
    bare.link.reset()
    if error and mode == Mode.LOAD and not bare.status("LOADED"):
        assert not bare.load()
    bare.still_right()
    return error


EVERY_CYCLE = [
    *(pytest.param(mode, 1, id=mode.name.lower()) for mode in Mode if mode != Mode.LOAD),
    pytest.param(Mode.LOAD, 3, id="load, each third"),
    pytest.param(Mode.LOAD, 1, id="load", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("mode", "step"), EVERY_CYCLE)
def test_abort_at_every_cycle(bare, mode, step) -> None:
    """From the start's answer to behind the end."""
    assert not bare.load()
    sweep(bare, mode, step)


FULL_SIZE = [
    pytest.param(Mode.GENERATE, 29, id="generate, each 29th"),
    *(pytest.param(mode, 1, id=mode.name.lower(), marks=pytest.mark.slow) for mode in RUNS),
]


@pytest.mark.parametrize(("mode", "step"), FULL_SIZE)
def test_abort_at_cycles_of_a_character_at_full_size(used_by_hand, shakespeare, mode, step) -> None:
    """One character: start, prologue, all of its cycles, drain."""
    bare = Bare(used_by_hand(FULL).link, shakespeare, limit=FULL_LIMIT)
    assert not bare.load()
    assert length(bare, mode, 1) > FULL.steps(shakespeare.symbols)
    sweep(bare, mode, step)


# Resets


def soft(bare: Bare) -> None:
    """As a driver does it: both transfers are abandoned first, and what came meanwhile after it."""
    bare.link.reset()
    bare.control("SOFT_RESET")
    bare.link.reset()


def pin(bare: Bare) -> None:
    bare.link.chip.reset()
    bare.link.reset()


@pytest.mark.parametrize("reset", [soft, pin])
def test_reset_at_every_word_of_a_load(bare, reset) -> None:
    """Word by word, in one or the other of its two cycles; the model is gone, and can be loaded."""
    assert not bare.load()
    for k in range(LAST + 20):
        bare.begin(bare.command(Mode.LOAD))
        bare.link.chip.clock(2 * k + k % 2)
        over = not bare.status("BUSY")
        reset(bare)
        bare.write("IRQ_ENABLE", 1)
        assert bare.read("STATUS") == bare.read("SYMBOLS") == bare.read("ERROR") == 0, k
        if k % 16 == 0:
            assert bare.do(bare.command(Mode.SCORE)) == Error.NOT_LOADED
        assert not bare.load()
        bare.still_right()
    assert over, "the last one came behind the end"
