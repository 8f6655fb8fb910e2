"""The probe of the estimate: its sums, and that it can be mapped."""

import numpy as np
import pytest
from component_simulation import assert_follows, trace

from zynq_lstm.hw import estimate
from zynq_lstm.hw.estimate import COLUMNS, LEVELS, RegionArithmetic, RegionTree
from zynq_lstm.hw.multiplier import PAIR_LATENCY
from zynq_lstm.quant.errors import UserError


def test_a_region_of_4_bits_sums_its_products():
    rng = np.random.default_rng(1)
    steps = 20
    weights = rng.integers(-8, 8, (steps, COLUMNS, 8))
    h = rng.integers(-128, 128, (steps, COLUMNS))
    h[0], weights[0] = -128, -8
    inputs = {f"h{c}": h[:, c] for c in range(COLUMNS)}
    for bank in range(8):
        nibbles = weights[:, 2 * bank : 2 * bank + 2].reshape(steps, 16) & 0xF
        words = [sum(int(n) << 4 * k for k, n in enumerate(row)) for row in nibbles]
        inputs[f"word{bank}"] = np.array(words, object)
    latency = 1 + PAIR_LATENCY + LEVELS
    names = [f"sum{k}" for k in range(8)]
    seen = trace(RegionArithmetic(4, 25), inputs, names, after=latency)
    expected = np.einsum("scl,sc->sl", weights, h)
    for k, name in enumerate(names):
        assert_follows(seen[name], expected[:, k], latency)


def test_the_tree_sums_the_regions():
    values = np.random.default_rng(2).integers(-(2**15), 2**15, (10, 8))
    inputs = {f"i{r}_0": values[:, r] for r in range(8)}
    seen = trace(RegionTree(1, 16), inputs, ["o0"], after=4)
    assert_follows(seen["o0"], values.sum(1), 4)


def test_refuses_an_uneven_share():
    with pytest.raises(UserError, match="must be a multiple of the 8 regions, not 201"):
        estimate.estimate(4, 201)


@pytest.mark.slow
def test_maps_as_meant():
    found = estimate.estimate(4, 192)
    assert found["engine"]["DSP48E1"] == 192
    assert found["engine"]["RAMB36"] == 0
    assert 10_000 < found["engine"]["LUT"] < 40_000
