"""Registers, delays, counting and saturation against plain integers."""

import numpy as np
import pytest
from amaranth.hdl import Fragment, Module, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from component_simulation import assert_follows, evaluate, trace

from zynq_lstm.hw.primitives import (
    KEEP,
    decremented,
    delay,
    greater,
    incremented,
    register,
    saturated,
)
from zynq_lstm.quant.formats import Format
from zynq_lstm.quant.operators import saturate


class Delay(wiring.Component):
    def __init__(self, shape, cycles):
        self._cycles = cycles
        super().__init__({"i": In(shape), "o": Out(shape)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(delay(m, self.i, self._cycles, "value"))
        return m


@pytest.fixture
def module():
    m = Module()
    yield m
    Fragment.get(m, None)  # an unused module is a warning


@pytest.mark.parametrize("shape", [unsigned(1), unsigned(5), signed(18)])
@pytest.mark.parametrize("cycles", [1, 2, 7])
def test_delay_is_exact(shape, cycles):
    low, high = (-(1 << 17), 1 << 17) if shape.signed else (0, 1 << shape.width)
    values = np.random.default_rng(cycles).integers(low, high, 60)
    seen = trace(Delay(shape, cycles), {"i": values}, ["o"], after=cycles)
    assert_follows(seen["o"], values, cycles)
    assert not seen["o"][:cycles].any()


def test_no_delay_is_the_value_itself(module):
    value = Signal()
    assert delay(module, value, 0, "value") is value


def test_a_delay_is_not_negative(module):
    with pytest.raises(ValueError, match="A delay must be at least 0 cycles, not -1"):
        delay(module, Signal(), -1, "value")


@pytest.mark.parametrize("keep", [False, True])
def test_register_has_no_reset_and_keeps_the_shape(module, keep):
    q = register(module, Signal(signed(9)), "q", keep=keep)
    assert q.shape() == signed(9)
    assert q.reset_less
    assert q.attrs == (KEEP if keep else {})


@pytest.mark.parametrize("bits", range(1, 11))
def test_counting(bits):
    counts = range(1 << bits)
    assert evaluate(incremented, [bits], counts) == [(n + 1) % (1 << bits) for n in counts]
    assert evaluate(decremented, [bits], counts) == [(n - 1) % (1 << bits) for n in counts]


@pytest.mark.parametrize("wide, bits", [(9, 8), (12, 8), (19, 16), (24, 17), (17, 17)])
def test_saturation(wide, bits):
    limit, edge = 1 << (wide - 1), 1 << (bits - 1)
    near = np.add.outer([-limit, -edge, 0, edge, limit - 1], np.arange(-3, 4)).ravel()
    random = np.random.default_rng(wide).integers(-limit, limit, 1500)
    values = np.clip(np.concatenate([near, random]), -limit, limit - 1)
    found = evaluate(lambda v: saturated(v, bits), [signed(wide)], values)
    assert found == saturate(values, Format(bits, 0)).tolist()


@pytest.mark.parametrize("bits", [(4, 4), (5, 3), (3, 5), (1, 1)])
def test_comparison_of_all_pairs(bits):
    a, b = (v.ravel() for v in np.meshgrid(*(np.arange(1 << n) for n in bits)))
    assert evaluate(greater, bits, a, b) == (a > b).astype(int).tolist()
