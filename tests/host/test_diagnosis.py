"""From answers to suspects: what no planted fault shows, a register that two pairs share."""

import numpy as np
import pytest

from zynq_lstm.host.diagnosis import suspects
from zynq_lstm.host.suspects import Answer
from zynq_lstm.quant import operators as op
from zynq_lstm.quant.config import BANK_COLUMNS, Config
from zynq_lstm.quant.probe import LAYERS, OUTPUT, Probe, probe_names, probes
from zynq_lstm.quant.state import State

CONFIGS = [
    Config(hidden=16, symbols=8, multipliers=64),
    Config(hidden=48, layers=1, symbols=16, multipliers=64),
]
EACH = pytest.mark.parametrize("config", CONFIGS, ids=Config.describe)


def right(probe: Probe) -> Answer:
    return Answer(probe, probe.after, probe.logits)


def with_stuck_hidden(probe: Probe, column: int, bit: int, value: int) -> Answer:
    """What comes of it where all h of a column have a bit at one value."""
    p = probe.image.parameters
    rows = p.matrix("out")
    h = probe.hidden("out").reshape(len(probe.symbols), p.config.columns, -1).copy()
    bits = h[:, column].astype(np.int8).view(np.uint8)
    mask = np.uint8(1 << bit)
    h[:, column] = (bits | mask if value else bits & ~mask).view(np.int8)
    sums = np.einsum("sk,rgk->srg", h.reshape(len(h), -1), p.weights[rows].astype(np.int64))
    logits = op.logit(op.requantize(sums, p.scales[rows]), p.biases[rows])
    return Answer(probe, probe.after, logits.reshape(probe.logits.shape))


@EACH
def test_nothing_is_suspect_where_nothing_differs(config) -> None:
    for name in probe_names(config):
        assert suspects([right(probe) for probe in probes(config, name, 1)]) == ()


@EACH
@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("bit", range(8))
def test_names_a_stuck_bit_of_the_h_of_a_column(config, bit, value) -> None:
    for column in (0, 3, config.columns - 1):
        answers = [with_stuck_hidden(p, column, bit, value) for p in probes(config, OUTPUT, 1)]
        bank, place = divmod(column, BANK_COLUMNS)
        named = f"bank {bank}: bit {bit} of the h of its column {place} stuck at {value}"
        found = suspects(answers)
        assert named in map(str, found)
        assert {suspect.unit for suspect in found} == {f"bank {bank}"}


def test_lost_h_makes_nobody_suspect() -> None:
    """Where what is probed has not had the h that it was to have, nothing can be said."""
    probe, other = probes(CONFIGS[0], LAYERS[1], 1)
    h = probe.after.h.copy()
    h[0, 0, 0] ^= 1
    wrong = Answer(probe, State(h, probe.after.c), probe.logits)
    assert suspects([wrong, right(other)]) == ()
