"""What probes of tables have in common; and of each, that no wrong bit that matters is missed."""

import numpy as np
import pytest

from zynq_lstm.quant.activation_probe import CELLS, INPUT_GATES, ActivationProbe
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.noise_probe import NoiseProbe
from zynq_lstm.quant.surprisal_probe import SurprisalProbe
from zynq_lstm.quant.table_probe import Table, TableProbe

CONFIGS = (
    Config(hidden=16, layers=1, symbols=4, multipliers=64),
    Config(hidden=16, symbols=8, multipliers=64),
    Config(),
    Config(symbols=256),
)
PROBES = [ActivationProbe(), NoiseProbe(), *(SurprisalProbe(config) for config in CONFIGS)]
EVERY = 61
"""Of the faults, in the short test."""


def harmless(name: str, word: int, bit: int) -> bool:
    """Whether no answer of the accelerator can be another for it.

    sigmoid does not use the last bit. tanh of 128 / 2^15 is what a product with o needs to be
    rounded to one bit of h: what is below it, and stays below, is 0 anyway.
    """
    if name == INPUT_GATES:
        return bit == 0
    return name == CELLS and word < 2 and bit < 7


def unread(probe: TableProbe, word: int) -> bool:
    """The coarse half of the table of noise has the tail's 32 words, too."""
    return isinstance(probe, NoiseProbe) and 992 <= word < 1024


def check_every_bit_shows(probe: TableProbe, step: int) -> tuple[int, int]:
    """How many bits show, and how many change nothing."""
    expected, counts = probe.expected, [0, 0]
    for name, table in probe.tables.items():
        places = np.arange(len(table.words) * table.bits)[::step]
        for word, bit in zip(*np.divmod(places, table.bits), strict=True):
            found = probe.outcome({**probe.right, name: table.changed(word, bit)})
            alike = np.array_equal(found, expected)
            assert alike == (harmless(name, word, bit) or unread(probe, word)), (name, word, bit)
            counts[alike] += 1
    return counts[0], counts[1]


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_wrong_bits_show(probe) -> None:
    check_every_bit_shows(probe, EVERY)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_every_wrong_bit_shows(probe, capsys) -> None:
    shown, alike = check_every_bit_shows(probe, 1)
    with capsys.disabled():
        print(f"\n{probe.name}: {shown:,} wrong bits show, {alike:,} change nothing", end="")


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_every_word_of_every_copy_is_read(probe) -> None:
    for name, table in probe.tables.items():
        wanted = {word for word in range(len(table.words)) if not unread(probe, word)}
        assert set(np.unique(probe.reads(name))) - {-1} == wanted


def test_what_is_harmless_is() -> None:
    """With any o and either sign: h is as with the right word."""
    probe = ActivationProbe()
    o = np.arange(1 << 15)[:, None]
    right = probe.tables[CELLS].words[:2]
    for bit in range(7):
        for sign in (0, -1):
            products = [o * (words ^ sign) for words in (right, right ^ (1 << bit))]
            h = [(product + (1 << 22)) >> 23 for product in products]
            assert not h[0].any() and not h[1].any()


def test_flips_signs() -> None:
    table = Table(np.array([3, -4]), 4)
    assert table.changed(0, 3).tolist() == [3 - 8, -4]
    assert table.changed(1, 3).tolist() == [3, 8 - 4]
    assert table.changed(1, 0).tolist() == [3, -3]
    assert Table(np.array([3, 4]), 3).changed(1, 2).tolist() == [3, 0]
