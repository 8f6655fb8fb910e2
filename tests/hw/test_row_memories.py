"""Scales, biases and stored sums against arrays."""

import numpy as np
import pytest
from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from component_simulation import assert_follows, set_ports, simulate, trace

from zynq_lstm.hw.row_memories import RAM_LATENCY, RowConstants, StoredSums, addend_register
from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.formats import PARTIAL
from zynq_lstm.quant.layout import lane_words

LANES = [f"lane{k}" for k in range(GATES)]


@pytest.mark.parametrize("rows", [17, 64, 448])
def test_row_constants(rows):
    rng = np.random.default_rng(rows)
    lanes = rng.integers(0, 1 << 16, (rows, GATES))
    words = lane_words(lanes)
    order = rng.permutation(rows)
    read = rng.integers(0, rows, 3 * rows)
    writes = 2 * rows  # each word, then its complement without the enable
    inputs = {
        "w_en": np.concatenate([np.tile([1, 0], rows), np.zeros(3 * rows, int)]),
        "w_row": np.concatenate([np.repeat(order, 2), np.zeros(3 * rows, int)]),
        "w_data": [w for row in order for w in (int(words[row]), ~int(words[row]) & (1 << 64) - 1)]
        + [0] * 3 * rows,
        "row": np.concatenate([np.zeros(writes, int), read]),
    }
    seen = trace(RowConstants(rows), inputs, LANES, after=RAM_LATENCY)
    for k, name in enumerate(LANES):
        assert_follows(seen[name][writes:], lanes[read, k], RAM_LATENCY, row=read)


def random_sums(rng, *shape):
    sums = rng.integers(PARTIAL.minimum, PARTIAL.maximum + 1, (*shape, GATES))
    sums[rng.random(sums.shape) < 0.1] = PARTIAL.minimum
    return sums


@pytest.mark.parametrize("hidden", [16, 48])
def test_stored_sums_over_characters(hidden):
    """As in use: A reads layer 2's sums of the character before; then B, layer 1's pass, C."""
    config = Config(hidden=hidden, multipliers=64)
    rng = np.random.default_rng(hidden)
    dut = StoredSums(config)
    b, c = random_sums(rng, 4, hidden), random_sums(rng, 4, hidden)
    due = []  # cycle, expected sums

    async def bench(ctx):
        cycle = 0

        async def step(*, reads=None, store=None, **strobes):
            nonlocal cycle
            names = ("b_valid", "c_valid", "a_read", "layer1_read", "restart", "unit")
            set_ports(ctx, dut, **{n: strobes.get(n, 0) for n in names})
            values = random_sums(rng) if store is None else store
            set_ports(ctx, dut, **{f"total{k}": values[k] for k in range(GATES)})
            if reads is not None:
                due.append((cycle + RAM_LATENCY, reads))
            if due and due[0][0] == cycle:
                _, expected = due.pop(0)
                found = [ctx.get(getattr(dut, f"sum{k}")) for k in range(GATES)]
                assert found == expected.tolist(), f"cycle {cycle}"
            await ctx.tick()
            cycle += 1

        async def idle():
            while rng.random() < 0.3:
                await step()

        for character in range(4):
            # Restart in the middle of everything: the counters are back, the words stay.
            for _ in range(int(rng.integers(0, hidden))):
                await step(a_read=1)
            await step(restart=1)
            if character:
                for unit in range(hidden):
                    await step(a_read=1, reads=c[character - 1, unit])
                    await idle()
            for unit in range(hidden):
                await step(b_valid=1, store=b[character, unit])
                await idle()
            # The pass of layer 1 while C is stored.
            units = list(range(hidden)) if character < 2 else rng.permutation(hidden).tolist()
            stored = 0
            while units or stored < hidden:
                strobes = {}
                if units and rng.random() < 0.7:
                    unit = units.pop(0)
                    strobes |= {"layer1_read": 1, "unit": unit, "reads": b[character, unit]}
                if stored < hidden and rng.random() < 0.7:
                    strobes |= {"c_valid": 1, "store": c[character, stored]}
                    stored += 1
                await step(**strobes)
        for _ in range(RAM_LATENCY):
            await step()
        assert not due

    simulate(dut, bench)


class Addends(wiring.Component):
    def __init__(self):
        super().__init__(
            {
                "is_a": In(1),
                "is_not_a": In(1),
                **{f"bias{k}": In(16) for k in range(GATES)},
                **{f"sum{k}": In(signed(PARTIAL.bits)) for k in range(GATES)},
                **{f"addend{k}": Out(signed(PARTIAL.bits)) for k in range(GATES)},
            }
        )

    def elaborate(self, platform):
        m = Module()
        biases = [getattr(self, f"bias{k}") for k in range(GATES)]
        sums = [getattr(self, f"sum{k}") for k in range(GATES)]
        for k, addend in enumerate(addend_register(m, biases, sums, self.is_a, self.is_not_a)):
            m.d.comb += getattr(self, f"addend{k}").eq(addend)
        return m


def test_addend_is_the_stored_sum_in_a_and_the_bias_elsewhere():
    rng = np.random.default_rng(9)
    cycles = 400
    is_a = rng.integers(0, 2, cycles)
    biases = rng.integers(-(1 << 15), 1 << 15, (GATES, cycles))
    sums = random_sums(rng, cycles).T
    inputs = {"is_a": is_a, "is_not_a": 1 - is_a}
    inputs |= {f"bias{k}": biases[k] & 0xFFFF for k in range(GATES)}
    inputs |= {f"sum{k}": sums[k] for k in range(GATES)}
    seen = trace(Addends(), inputs, [f"addend{k}" for k in range(GATES)], after=1)
    for k in range(GATES):
        assert_follows(seen[f"addend{k}"], np.where(is_a, sums[k], biases[k]), 1, is_a=is_a)
