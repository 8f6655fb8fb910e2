"""A block memory against a list."""

import numpy as np
import pytest
from component_simulation import assert_follows, trace

from zynq_lstm.hw.memory import BlockRam


@pytest.mark.parametrize("depth, width", [(2, 1), (16, 64), (300, 7)])
def test_as_a_list(depth, width):
    rng = np.random.default_rng([depth, width])
    cycles = 1500
    words = [int(w) & ((1 << width) - 1) for w in rng.integers(0, 1 << 63, depth // 2)]
    inputs = {
        "w_en": rng.random(cycles) < 0.5,
        "w_addr": rng.integers(0, depth, cycles),
        "w_data": [int(w) & ((1 << width) - 1) for w in rng.integers(0, 1 << 63, cycles)],
        "r_addr": rng.integers(0, depth, cycles),
    }
    # Reads of what is being written, often.
    same = rng.random(cycles) < 0.3
    inputs["r_addr"][same] = inputs["w_addr"][same]
    seen = trace(BlockRam(depth, width, init=words), inputs, ["r_data"], after=1)
    held = words + [0] * (depth - len(words))
    expected = []
    for t in range(cycles):
        expected.append(held[inputs["r_addr"][t]])
        if inputs["w_en"][t]:
            held[inputs["w_addr"][t]] = inputs["w_data"][t]
    assert_follows(seen["r_data"], np.array(expected, seen["r_data"].dtype), 1)
