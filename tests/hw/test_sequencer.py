"""The sequencer: each step of a character once, in order, and no cycle lost between characters."""

import random

import pytest
from component_simulation import set_ports, simulate

from zynq_lstm.hw.schedule import Schedule
from zynq_lstm.hw.sequencer import KINDS, Sequencer, step_members
from zynq_lstm.quant.config import Config

SIZES = [
    # hidden, layers, multipliers: groups 1, 2, 3 and 8
    (16, 1, 64),
    (16, 2, 64),
    (32, 1, 64),
    (32, 2, 64),
    (48, 1, 64),
    (48, 2, 64),
    (128, 2, 64),
    (128, 2, 512),
]
CASES = [(*size, symbols) for size in SIZES for symbols in (2, 5, 13)]
CASES += [(16, 1, 64, 4), (16, 2, 64, 256), (48, 1, 64, 256), (128, 2, 512, 65)]


def schedule_of(hidden, layers, multipliers, symbols=256):
    capacity = max(4, 1 << (symbols - 1).bit_length())
    return Schedule(Config(hidden=hidden, layers=layers, symbols=capacity, multipliers=multipliers))


def character(schedule, symbols, *, prologue=False, last=False):
    """Steps of a character by cycle, None for a wait, from the first on."""
    c = schedule.config
    first_row = {"A": 0, "B": c.hidden if c.layers == 2 else 0, "C": 2 * c.hidden}
    first_row["O"] = c.matrices * c.hidden
    done = dict.fromkeys(KINDS, 0)
    cycles = []
    for phase in schedule.phases():
        if prologue and phase.kind == "A":
            continue
        if phase.kind == "wait":
            cycles += [None] * phase.steps
            continue
        rows = c.output_rows(symbols) if phase.kind == "O" else phase.steps // c.groups
        for row in range(rows):
            for group in range(c.groups):
                row_done = group == c.groups - 1
                number = first_row[phase.kind] + done[phase.kind] + row
                step = {
                    "address": number * c.groups + group,
                    "row": number,
                    "group": group,
                    "row_done": row_done,
                    "layer": c.layers == 2 and phase.kind in "OC",
                    "first": group == 0,
                    "o_first": phase.kind == "O" and row_done and row == 0,
                    "o_last": phase.kind == "O" and row_done and row == rows - 1,
                    **{f"kind_{k}": phase.kind == k and row_done for k in KINDS},
                }
                cycles.append({n: int(v) for n, v in step.items()})
        done[phase.kind] += rows
        if last and phase.kind == "O":
            return cycles
    return cycles


class Watch:
    """Runs a sequencer and remembers its steps by cycle."""

    def __init__(self, schedule, symbols):
        self.dut = Sequencer(schedule)
        self.names = list(step_members(schedule.config))
        self.symbols = symbols
        self.steps, self.starts, self.ends, self.waits = [], [], [], []

    def run(self, scenario):
        async def bench(ctx):
            self.ctx = ctx
            ctx.set(self.dut.last_row, (self.symbols - 1) // 4)
            await ctx.tick().repeat(4)
            await scenario()

        simulate(self.dut, bench)

    async def tick(self, cycles=1):
        get, dut, ctx = self.ctx.get, self.dut, self.ctx
        for _ in range(cycles):
            step = None
            if get(dut.valid):
                step = {n: get(getattr(dut, n)) for n in self.names}
            else:
                assert not get(dut.row_done)
                assert not any(get(getattr(dut, f"kind_{k}")) for k in KINDS)
            now = len(self.steps)
            self.steps.append(step)
            if get(dut.start):
                self.starts.append(now)
            if get(dut.ended):
                self.ends.append(now)
            if get(dut.waiting):
                self.waits.append(now)
            started = get(dut.start)
            await ctx.tick()
            if started:
                ctx.set(dut.prologue, 0)

    async def until(self, condition, limit=20000):
        for _ in range(limit):
            await self.tick()
            if condition():
                return
        raise AssertionError("nothing came")

    def assert_steps(self, start, expected):
        for k, step in enumerate(expected):
            assert self.steps[start + k] == step, f"cycle {k} of {len(expected)}"


@pytest.mark.parametrize("hidden, layers, multipliers, symbols", CASES)
def test_characters_follow_without_a_gap(hidden, layers, multipliers, symbols):
    schedule = schedule_of(hidden, layers, multipliers, symbols)
    watch = Watch(schedule, symbols)
    count = 2

    async def scenario():
        set_ports(watch.ctx, watch.dut, go=1, prologue=1)
        await watch.until(lambda: len(watch.starts) == count)
        watch.ctx.set(watch.dut.last, 1)
        await watch.until(lambda: len(watch.starts) == 1 + count)
        # Looked at with go only.
        set_ports(watch.ctx, watch.dut, go=0, last=0)
        await watch.until(lambda: watch.ends)
        await watch.tick(300)

    watch.run(scenario)
    whole = character(schedule, symbols)
    assert len(whole) == schedule.cycles(symbols)
    assert len([s for s in whole if s]) == schedule.steps(symbols)
    assert {s["address"] for s in whole if s} == set(range(schedule.steps(symbols)))
    expected = character(schedule, symbols, prologue=True)
    assert watch.starts[1] - watch.starts[0] == len(expected)
    for earlier, later in zip(watch.starts[1:-1], watch.starts[2:], strict=True):
        assert later - earlier == schedule.cycles(symbols)
    expected += whole * (count - 1) + character(schedule, symbols, last=True)
    first = next(k for k, step in enumerate(watch.steps) if step)
    watch.assert_steps(first, expected)
    assert not any(watch.steps[first + len(expected) :])
    assert 0 <= first - watch.starts[0] <= 4
    assert len(watch.ends) == 1
    assert watch.ends[0] < first + len(expected) <= watch.ends[0] + 5
    assert watch.waits[-1] == len(watch.steps) - 1


@pytest.mark.parametrize("hidden, layers", [(16, 1), (16, 2), (48, 2)])
def test_a_character_waits_for_leave(hidden, layers):
    symbols = 7
    schedule = schedule_of(hidden, layers, 64, symbols)
    watch = Watch(schedule, symbols)
    chance = random.Random(hidden)
    pauses = [0, 1, 2, 3, *(chance.randint(0, 60) for _ in range(4))]

    async def scenario():
        await watch.tick(30)
        assert not watch.starts
        assert len(watch.waits) == 30
        for pause in pauses:
            started = len(watch.starts)
            watch.ctx.set(watch.dut.go, 1)
            await watch.until(lambda started=started: len(watch.starts) > started)
            watch.ctx.set(watch.dut.go, 0)
            await watch.until(lambda: watch.waits[-1] == len(watch.steps) - 1)
            await watch.tick(pause)
        await watch.tick(60)

    watch.run(scenario)
    assert len(watch.starts) == len(pauses)
    firsts = [k for k, s in enumerate(watch.steps) if s and s["address"] == 0 and s["first"]]
    if layers == 2:  # A is first
        offsets = {f - s for f, s in zip(firsts, watch.starts, strict=True)}
        assert len(offsets) == 1
    whole = [step for step in character(schedule, symbols) if step]
    assert [step for step in watch.steps if step] == whole * len(pauses)


@pytest.mark.parametrize("hidden, layers", [(16, 1), (16, 2), (48, 2)])
def test_stop_in_every_phase(hidden, layers):
    symbols = 13
    schedule = schedule_of(hidden, layers, 64, symbols)
    watch = Watch(schedule, symbols)
    ends, at = [], 0
    for phase in schedule.phases():
        length = phase.steps or schedule.config.output_rows(symbols) * schedule.config.groups
        ends += [at, at + 1, at + length // 2, at + length - 2, at + length - 1]
        at += length
    assert at == schedule.cycles(symbols)
    whole = [step for step in character(schedule, symbols) if step]

    async def scenario():
        ctx, dut = watch.ctx, watch.dut
        for end in ends:
            for held in (1, 5):
                started = len(watch.starts)
                ctx.set(dut.go, 1)
                await watch.until(lambda started=started: len(watch.starts) > started)
                await watch.tick(end)
                ctx.set(dut.stop, 1)
                await watch.tick(held)
                if held > 1:
                    assert ctx.get(dut.waiting)
                    assert not ctx.get(dut.start)
                ctx.set(dut.go, 0)
                ctx.set(dut.stop, 0)
                await watch.tick(5)
                assert ctx.get(dut.waiting)
                # A whole character follows as if nothing had been.
                begin, started = len(watch.steps), len(watch.starts)
                ctx.set(dut.go, 1)
                await watch.until(lambda started=started: len(watch.starts) > started)
                ctx.set(dut.go, 0)
                await watch.until(lambda: watch.waits[-1] == len(watch.steps) - 1)
                await watch.tick(5)
                found = [step for step in watch.steps[begin:] if step]
                assert found == whole, f"after a stop {end} cycles behind a start"

    watch.run(scenario)


def test_nothing_starts_while_stopped():
    watch = Watch(schedule_of(16, 2, 64, 5), 5)

    async def scenario():
        set_ports(watch.ctx, watch.dut, go=1, stop=1)
        await watch.tick(200)

    watch.run(scenario)
    assert not watch.starts
    assert not any(watch.steps)
