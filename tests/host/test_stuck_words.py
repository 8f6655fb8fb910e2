"""Names of words that are wrong: from answers that the probes' tables would give with them."""

import random

import numpy as np
import pytest

from zynq_lstm.host.stuck_words import fault_of, wrong_words
from zynq_lstm.host.suspects import Suspect
from zynq_lstm.quant.activation_probe import ActivationProbe
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.noise_probe import NoiseProbe
from zynq_lstm.quant.surprisal_probe import SurprisalProbe

PROBES = [ActivationProbe(), NoiseProbe(), SurprisalProbe(Config())]
FAULTS = 4
"""Of each table."""


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_names_the_word(probe) -> None:
    chance = random.Random(1)
    for name, table in probe.tables.items():
        faults = 0
        while faults < FAULTS:
            word, bit = chance.randrange(len(table.words)), chance.randrange(table.bits)
            found = probe.outcome({**probe.right, name: table.changed(word, bit)})
            if np.array_equal(found, probe.expected):
                continue
            faults += 1
            assert Suspect(name, fault_of(word)) in wrong_words(probe, found)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_names_nothing_where_nothing_or_too_much_is_wrong(probe) -> None:
    assert wrong_words(probe, probe.expected) == ()
    assert wrong_words(probe, 1 - probe.expected) == ()
