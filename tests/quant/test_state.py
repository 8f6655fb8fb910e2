"""The recurrent state."""

import numpy as np
import pytest

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.state import State


@pytest.mark.parametrize(("batch", "shape"), [(None, (2, 16)), (1, (2, 1, 16)), (5, (2, 5, 16))])
def test_zeros(batch, shape):
    state = State.zeros(2, 16, batch)
    assert state.h.shape == state.c.shape == shape
    assert (state.h.dtype, state.c.dtype) == (np.int8, np.int16)
    assert not state.h.any() and not state.c.any()


@pytest.mark.parametrize(
    ("h", "c", "sentence"),
    [
        (0.0, 0, "State must have integers in h, not float64"),
        (0, float("nan"), "State must have integers in c, not float64"),
        (True, 0, "State must have integers in h, not bool"),
        (128, 0, "State must have h from -128 to 127, not 128 to 128"),
        (0, -32769, "State must have c from -32768 to 32767, not -32769 to -32769"),
    ],
)
def test_checked_refuses_what_the_formats_do_not_hold(h, c, sentence):
    with pytest.raises(UserError, match=f"^{sentence}$"):
        State.checked(State(np.full((2, 16), h), np.full((2, 16), c)), 2, 16)


def test_checked_refuses_other_sizes_and_things():
    with pytest.raises(UserError, match=r"of the shape \(1, 16\), not \(2, 16\)"):
        State.checked(State.zeros(2, 16), 1, 16)
    with pytest.raises(UserError, match="must be a State, not str"):
        State.checked("state", 1, 16)


def test_checked_takes_integers_of_any_type():
    lists = State([[-128] * 16], [[32767] * 16])
    for state in (lists, State(np.array(lists.h, ">i4"), np.array(lists.c, np.uint16))):
        checked = State.checked(state, 1, 16)
        assert (checked.h.dtype, checked.c.dtype) == (np.int8, np.int16)
        assert (checked.h == -128).all() and (checked.c == 32767).all()


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
