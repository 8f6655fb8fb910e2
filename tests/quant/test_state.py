"""The recurrent state."""

import numpy as np
import pytest

from zynq_lstm.quant.state import State


@pytest.mark.parametrize(("batch", "shape"), [(None, (2, 16)), (1, (2, 1, 16)), (5, (2, 5, 16))])
def test_zeros(batch, shape):
    state = State.zeros(2, 16, batch)
    assert state.h.shape == state.c.shape == shape
    assert (state.h.dtype, state.c.dtype) == (np.int8, np.int16)
    assert not state.h.any() and not state.c.any()


def test_copy_is_independent():
    state = State.zeros(1, 16)
    copy = state.copy()
    copy.h[0, 3], copy.c[0, 3] = 1, 2
    assert state == State.zeros(1, 16) and state != copy


def test_equality_sees_each_part():
    for part in ("h", "c"):
        other = State.zeros(2, 16)
        getattr(other, part)[1, 15] = -1
        assert other != State.zeros(2, 16)
    assert State.zeros(2, 16) != State.zeros(1, 16)
    assert State.zeros(2, 16) != "state"


def test_layers_by_name():
    state = State(np.arange(32, dtype=np.int8).reshape(2, 16), np.ones((2, 16), np.int16))
    state.c[1] = 7
    assert state.h1[0] == 0 and state.h2[0] == 16
    assert state.c1[0] == 1 and state.c2[0] == 7
    single = State.zeros(1, 16)
    assert np.shares_memory(single.h1, single.h2) and np.shares_memory(single.c1, single.c2)
