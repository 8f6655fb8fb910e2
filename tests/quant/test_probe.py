"""Probes: two sets have one unit in common, and each bit of a weight is both values."""

import numpy as np
import pytest

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.layout import pack_pairs
from zynq_lstm.quant.probe import LAYERS, OUTPUT, probe_names, probed_matrices, probes, unit_sets

CONFIGS = [
    Config(hidden=16, symbols=8, multipliers=64),
    Config(hidden=48, layers=1, symbols=16, multipliers=64),
    Config(),
]
EACH = pytest.mark.parametrize("config", CONFIGS, ids=Config.describe)


@pytest.mark.parametrize("hidden", [16, 48, 128])
def test_two_sets_have_one_unit_in_common(hidden) -> None:
    sets = unit_sets(hidden)
    assert (sets.sum(axis=0) == 2).all(), "a row and a column"
    names = {tuple(np.flatnonzero(of)) for of in sets.T}
    assert len(names) == hidden


@EACH
def test_names(config) -> None:
    assert probe_names(config) == (OUTPUT, *LAYERS[: config.layers])
    matrices = [m for name in probe_names(config) for m in probed_matrices(name)]
    assert sorted(matrices) == sorted(["out", "hh1", *(["ih2", "hh2"] * (config.layers == 2))])


@EACH
def test_the_second_probe_has_every_bit_the_other_way(config) -> None:
    for name in probe_names(config):
        one, other = (p.image.parameters.weights for p in probes(config, name, 1))
        words = [pack_pairs(w.transpose(0, 2, 1)) for w in (one, other)]
        assert (words[0] ^ words[1] == 0xFFFF).all()


@EACH
def test_what_is_probed_has_the_h_of_its_set(config) -> None:
    for name in probe_names(config):
        for probe in probes(config, name, 1):
            probed = {"out": OUTPUT, "hh1": LAYERS[0], "hh2": LAYERS[1]}
            matrix = next(m for m, of in probed.items() if of == name)
            h = probe.hidden(matrix)
            assert ((h != 0) == unit_sets(config.hidden)).all()
            assert set(np.abs(h[h != 0])) <= {127, 128}


@EACH
def test_answers_are_the_golden_models(config) -> None:
    for name in probe_names(config):
        for probe in probes(config, name, 1):
            golden = GoldenModel(probe.image, len(probe.symbols))
            golden.state = probe.before
            assert np.array_equal(golden.step(probe.symbols), probe.logits)
            assert golden.state == probe.after
