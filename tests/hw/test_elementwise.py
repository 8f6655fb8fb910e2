"""The element-wise pass against `cell_update` and `hidden_output`, both layers in turn."""

import numpy as np
import pytest
from component_simulation import assert_follows, set_ports, simulate

from zynq_lstm.hw.elementwise import Elementwise
from zynq_lstm.hw.engine import Engine
from zynq_lstm.quant import operators as op
from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.formats import CELL, PREACTIVATION

SETTLE = 4
"""Cycles between strobes of the state's port, as long as its memories need at least."""


def random_preactivations(rng, count):
    z = rng.integers(PREACTIVATION.minimum, PREACTIVATION.maximum + 1, (count, GATES))
    z[: count // 2] //= 8  # where the functions bend
    corners = [PREACTIVATION.minimum, PREACTIVATION.maximum, -1, 0, 1, -8192, 8191]
    somewhere = rng.random(z.shape) < 0.2
    z[somewhere] = rng.choice(corners, somewhere.sum())
    rng.shuffle(z)
    # Cells that only grow, so that some are clipped: i, f and |g| close to one.
    growing = rng.random(count) < 0.3
    z[growing, :2] = PREACTIVATION.maximum
    z[growing, 2] = np.where(z[growing, 2] < 0, PREACTIVATION.minimum, PREACTIVATION.maximum)
    return z


def order_of_units(rng, hidden, layers, characters, mixed):
    """Layer of each cycle, -1 for none: whole passes in turn, with pauses; or any order."""
    passes = [layer for _ in range(characters) for layer in range(layers - 1, -1, -1)]
    cycles = []
    for number, layer in enumerate(passes):
        # Units one a cycle, every third cycle (as with three groups), or at any time.
        pause = (0, 2, None)[number // layers % 3]
        for _ in range(hidden):
            cycles.append(layer)
            cycles += [-1] * (int(rng.integers(0, 3)) if pause is None else pause)
        cycles += [-1] * int(rng.integers(0, 4) * (number % 2))
    if mixed:
        cycles = rng.permutation(np.array(cycles)).tolist()
    return np.array(cycles)


@pytest.mark.parametrize(
    "hidden, layers, mixed", [(16, 1, False), (16, 2, False), (48, 2, False), (48, 2, True)]
)
def test_characters(hidden, layers, mixed):
    rng = np.random.default_rng([hidden, layers, mixed])
    dut = Elementwise(Config(hidden=hidden, layers=layers, multipliers=64))
    cells = rng.integers(CELL.minimum, CELL.maximum + 1, (layers, hidden))
    cells[:, ::3] = rng.choice([CELL.minimum, CELL.maximum, 0], cells[:, ::3].shape)
    start = cells.copy()
    order = order_of_units(rng, hidden, layers, 7, mixed)
    z = random_preactivations(rng, len(order))

    expected_h = np.zeros(len(order), int)
    clipped, unit = [], [0] * layers
    for t, layer in enumerate(order):
        if layer < 0:
            continue
        i, f, g, o = op.sigmoid(z[t, 0]), op.sigmoid(z[t, 1]), op.tanh(z[t, 2]), op.sigmoid(z[t, 3])
        before = cells[layer, unit[layer]]
        after = op.cell_update(i, f, g, before)
        whole = op.round_shift(
            f * before + ((i * g) >> op.INPUT_PRODUCT_SHIFT), op.CELL_PRODUCT_SHIFT
        )
        if whole != after:
            clipped.append(t)
        cells[layer, unit[layer]] = after
        expected_h[t] = op.hidden_output(o, op.tanh(after))
        unit[layer] = (unit[layer] + 1) % hidden
    assert clipped, "no cell state was clipped"

    names = ["h", "saturated", *(f"shift{k + 1}" for k in range(layers))]
    seen = []

    async def read_cells(ctx, count):
        """What the memories hold, unit by unit."""
        found = []
        for _ in range(count):
            found.append([ctx.get(getattr(dut, f"state_c{k + 1}")) for k in range(layers)])
            ctx.set(dut.state_read, 1)
            await ctx.tick()
            ctx.set(dut.state_read, 0)
            await ctx.tick().repeat(SETTLE)
        return np.array(found).T.astype(np.uint16).view(np.int16)

    async def restart(ctx):
        ctx.set(dut.restart, 1)
        await ctx.tick()
        ctx.set(dut.restart, 0)
        await ctx.tick().repeat(SETTLE)

    async def bench(ctx):
        for u in range(hidden):
            for k in range(layers):
                ctx.set(getattr(dut, f"state_in{k + 1}"), int(start[k, u]))
            ctx.set(dut.state_write, 1)
            await ctx.tick()
            ctx.set(dut.state_write, 0)
            await ctx.tick().repeat(SETTLE)
        assert np.array_equal(await read_cells(ctx, hidden), start)
        # Left in the middle, then back to unit 0.
        assert np.array_equal(await read_cells(ctx, 5), start[:, :5])
        await restart(ctx)

        for t in range(len(order) + dut.latency + 20):
            here = t < len(order)
            valid = here and order[t] >= 0
            set_ports(ctx, dut, valid=valid, layer=order[t] == 1 if valid else 0)
            if here:
                # Without a unit, anything may be on the inputs.
                set_ports(ctx, dut, **{f"z{k}": z[t, k] for k in range(GATES)})
            seen.append([ctx.get(getattr(dut, n)) for n in names])
            await ctx.tick()

        assert np.array_equal(await read_cells(ctx, hidden), cells)

    simulate(dut, bench)
    h, saturated, *shifts = np.array(seen).T
    units = np.flatnonzero(order >= 0)
    assert_follows(h[units + dut.latency], expected_h[units], 0, z=z[units], cycle=units)
    for k, shift in enumerate(shifts):
        strobes = np.flatnonzero(shift) - dut.strobe_latency
        assert np.array_equal(strobes, np.flatnonzero(order == k))
    flags = np.flatnonzero(saturated)
    assert len(flags) == len(clipped)
    assert len(set(flags - clipped)) == 1, "a flag for each clipped cell, all as late"
    assert 0 < flags[0] - clipped[0] <= dut.latency


def test_strobe_comes_before_h_as_the_engine_wants_it():
    assert Elementwise.latency - Elementwise.strobe_latency == Engine.CHAIN_LEAD
