"""The state's port against chains and memories as lists, with the timing of the real ones."""

import random

import pytest
from component_simulation import set_ports, simulate

from zynq_lstm.hw.engine import Engine
from zynq_lstm.hw.state_port import StatePort
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.protocol import STATE_C1_SHIFT, STATE_C2_SHIFT, STATE_H2_SHIFT

WIDTHS = {"h1": 8, "h2": 8, "c1": 16, "c2": 16}
SHIFTS = {"h1": 0, "h2": STATE_H2_SHIFT, "c1": STATE_C1_SHIFT, "c2": STATE_C2_SHIFT}
IDLE_AFTER = 100


def random_state(chance, hidden):
    return {n: [chance.getrandbits(w) for _ in range(hidden)] for n, w in WIDTHS.items()}


def words_of(state):
    return [
        sum(value << SHIFTS[n] for n, value in zip(WIDTHS, values, strict=True))
        for values in zip(*(state[n] for n in WIDTHS), strict=True)
    ]


class Datapath:
    """Chains of h and memories of c, as the port sees them."""

    def __init__(self, hidden, state):
        self.hidden, self.cycle, self.due = hidden, 0, []
        self.chains = {n: list(state[n]) for n in ("h1", "h2")}
        self.cells = {n: list(state[n]) for n in ("c1", "c2")}
        self.read_at = self.write_at = 0
        self.loads = []

    def show(self, ctx, dut):
        for n, chain in self.chains.items():
            ctx.set(getattr(dut, f"chain_{n}"), chain[0])
        for n, cells in self.cells.items():
            ctx.set(getattr(dut, f"read_{n}"), cells[self.read_at])

    def see(self, ctx, dut):
        """What the strobes of this cycle do, now or later."""
        get = ctx.get
        if get(dut.c_write):
            for n, cells in self.cells.items():
                cells[self.write_at] = get(getattr(dut, n))
            self.write_at = (self.write_at + 1) % self.hidden
        if get(dut.read):
            self.due.append((self.cycle + 3, self._advance))
        if get(dut.shift):
            self.due.append((self.cycle + Engine.CHAIN_LEAD, self._take))
        if get(dut.load):
            self.loads.append({n: list(c) for n, c in self.chains.items()})
        for at, act in [d for d in self.due if d[0] == self.cycle]:
            act(ctx, dut)
            self.due.remove((at, act))
        self.cycle += 1

    def _advance(self, ctx, dut):
        self.read_at = (self.read_at + 1) % self.hidden

    def _take(self, ctx, dut):
        values = {n: ctx.get(getattr(dut, n)) for n in self.chains}
        self.due.append((self.cycle + Engine.HIDDEN_PLACED + 1, lambda *_: self._shift(values)))

    def _shift(self, values):
        for n, chain in self.chains.items():
            chain.append(values[n])
            chain.pop(0)

    @property
    def state(self):
        return self.chains | self.cells


async def walk(ctx, dut, path, *, words=(), supply=1.0, chance=None, **mode):
    """One start; returns the bytes that leave, the last of them marked, and the words taken."""
    octets, ends, taken, quiet = [], [], 0, 0
    offered = started = finished = False
    while quiet < IDLE_AFTER:
        set_ports(ctx, dut, start=not started, **mode)
        started = True
        offered = offered or (taken < len(words) and chance.random() < supply)
        ctx.set(dut.i_valid, offered)
        ctx.set(dut.i_data, words[taken] if offered else chance.getrandbits(64) if chance else 0)
        path.show(ctx, dut)
        path.see(ctx, dut)
        if ctx.get(dut.o_valid):
            octets.append(ctx.get(dut.o_byte))
            ends.append(ctx.get(dut.o_last))
        if ctx.get(dut.i_ready):
            assert offered, "a word was taken that is not there"
            taken, offered = taken + 1, False
        if finished:
            assert not ctx.get(dut.done)
            assert not ctx.get(dut.busy)
        finished = finished or bool(ctx.get(dut.done))
        quiet = quiet + 1 if finished else 0
        assert path.cycle < 200000, "no end"
        await ctx.tick()
    assert not path.due
    return octets, ends, taken


@pytest.mark.parametrize("hidden", [16, 48])
@pytest.mark.parametrize("supply", [1, 0.03])
def test_write_read_reset(hidden, supply):
    chance = random.Random(hidden)
    dut = StatePort(Config(hidden=hidden, multipliers=64))
    old, new = random_state(chance, hidden), random_state(chance, hidden)
    path = Datapath(hidden, old)

    async def read(ctx, expected):
        octets, ends, taken = await walk(ctx, dut, path, write=0, zero=0)
        assert bytes(octets) == b"".join(w.to_bytes(8, "little") for w in words_of(expected))
        assert ends == [0] * (8 * hidden - 1) + [1]
        assert taken == 0
        assert path.state == expected, "reading changed it"

    async def bench(ctx):
        await read(ctx, old)
        words = [w | chance.getrandbits(16) << 48 for w in words_of(new)]  # free bits do not matter
        found = await walk(
            ctx, dut, path, write=1, zero=0, words=words, supply=supply, chance=chance
        )
        assert found == ([], [], hidden)
        assert path.state == new
        await read(ctx, new)
        await read(ctx, new)
        assert await walk(ctx, dut, path, write=0, zero=1) == ([], [], 0)
        zeros = {n: [0] * hidden for n in WIDTHS}
        assert path.state == zeros
        await read(ctx, zeros)

    simulate(dut, bench)
    # Each walk ends with a copy of layer 1's chain, of which the last unit is on its way.
    assert len(path.loads) == 6


def test_the_copy_is_of_the_whole_chain():
    """The load comes after the last shift; both take the same way into the engine."""
    hidden = 16
    dut = StatePort(Config(hidden=hidden, multipliers=64))
    shifts, loads = [], []

    async def bench(ctx):
        ctx.set(dut.start, 1)
        for cycle in range(40 * hidden):
            if ctx.get(dut.shift):
                shifts.append(cycle)
            if ctx.get(dut.load):
                loads.append(cycle)
            await ctx.tick()
            ctx.set(dut.start, 0)

    simulate(dut, bench)
    assert len(shifts) == hidden
    assert len(loads) == 1
    assert loads[0] > shifts[-1]


def test_a_walk_waits_for_its_words():
    dut = StatePort(Config(hidden=16, multipliers=64))
    path = Datapath(16, {n: [1] * 16 for n in WIDTHS})

    async def bench(ctx):
        set_ports(ctx, dut, start=1, write=1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        for _ in range(300):
            path.see(ctx, dut)
            assert ctx.get(dut.busy)
            assert not ctx.get(dut.i_ready)
            assert not ctx.get(dut.shift)
            await ctx.tick()

    simulate(dut, bench)
    assert path.state == {n: [1] * 16 for n in WIDTHS}
