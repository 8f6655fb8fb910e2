"""A counter of events: two cycles behind them, modulo its size, back to 0 by a reset alone."""

import numpy as np
from amaranth.hdl import ResetInserter, Signal
from component_simulation import simulate, trace

from zynq_lstm.hw.event_counter import EventCounter


def test_it_counts_modulo_its_size():
    events = np.random.default_rng(1).integers(0, 2, 60)
    totals = trace(EventCounter(4), {"event": events}, ["total"], after=3)["total"]
    counted = np.cumsum(events) % 16
    assert counted.max() == 15 and counted[-1] < sum(events), "it must have wrapped"
    np.testing.assert_array_equal(totals[2 : 2 + len(events)], counted)


def test_a_reset_clears_it():
    reset = Signal()
    dut = ResetInserter(reset)(EventCounter(8))

    async def bench(ctx):
        ctx.set(dut.event, 1)
        await ctx.tick().repeat(5)
        assert ctx.get(dut.total) == 4
        ctx.set(dut.event, 0)
        ctx.set(reset, 1)
        await ctx.tick().repeat(2)
        ctx.set(reset, 0)
        await ctx.tick().repeat(3)
        assert ctx.get(dut.total) == 0

    simulate(dut, bench)
