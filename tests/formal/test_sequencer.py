"""The sequencer, proved by induction to issue the steps of the schedule, each exactly once.

The reference walks through `Schedule.phases()` by three counters (phase, row, group), for any
number of output rows, any starts, ends and stops. Of the controller it is assumed that the number
of output rows stands, that `prologue` holds until the cycle behind `start`, and that a character
without prologue follows only one that went to its end.
"""

import pytest
from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.utils import ceil_log2
from component_simulation import set_ports, simulate
from formal_proof import Bench, altered, prove, refutes

from zynq_lstm.hw.requantizer import Lane
from zynq_lstm.hw.row_memories import RAM_LATENCY
from zynq_lstm.hw.schedule import Schedule
from zynq_lstm.quant.config import Config

TINY = [(16, 2, 64, 8), (16, 1, 64, 8), (32, 2, 64, 8), (32, 1, 64, 8), (128, 2, 512, 128)]
"""Hidden size, layers, multipliers, symbols: one and two steps a row."""

READ_AFTER = Lane.ADDEND_AFTER - 1 - RAM_LATENCY + 1
"""Cycles from a row's sums at the engine to the reading of its stored sums in their memory; new
ones are written `Lane.TOTAL_LATENCY` after the engine's sums."""


class Reference:
    """Where the schedule is in each cycle."""

    def __init__(self, bench, dut, schedule):
        self.phases = phases = schedule.phases()
        self.config = c = schedule.config
        m: Module = bench.m
        self.active, self.ending = Signal(name="active"), Signal(name="ending")
        self.is_last = Signal(name="no_more")
        self.complete = Signal(name="complete")
        longest = max([p.steps for p in phases] + [c.output_rows(c.symbols)])
        self.phase = Signal(range(len(phases)), name="the_phase")
        self.row, self.group = Signal(range(longest), name="the_row"), Signal(8, name="the_group")
        kinds = [p.kind for p in phases]
        in_phase = [self.active & (self.phase == n) for n in range(len(phases))]
        self.kind = {
            k: Cat(in_phase[n] for n in range(len(phases)) if kinds[n] == k).any()
            for k in ("A", "B", "C", "O", "wait")
        }
        self.issues = self.active & ~self.kind["wait"]
        rows = [0 if p.kind == "O" else p.steps // self.groups(p) for p in phases]
        self.rows = Signal(range(longest + 1), name="the_rows")
        m.d.comb += self.rows.eq(Mux(self.kind["O"], dut.last_row + 1, Array(rows)[self.phase]))
        self.last_group = self.kind["wait"] | (self.group == c.groups - 1)
        self.on_last = self.row + 1 == self.rows
        over = self.last_group & self.on_last
        self.idle = ~self.active & ~self.ending
        at_end = self.active & over & (self.phase == len(phases) - 1)
        self.starts = Signal(name="the_start")
        m.d.comb += self.starts.eq((self.idle | at_end) & dut.go & ~dut.stop)
        behind_a = next(n for n, kind in enumerate(kinds) if kind != "A")

        with m.If(self.active):
            m.d.sync += self.group.eq(Mux(self.last_group, 0, self.group + 1))
            with m.If(over):
                m.d.sync += self.row.eq(0)
                with m.If(at_end):
                    m.d.sync += [self.active.eq(0), self.complete.eq(1)]
                with m.Else():
                    m.d.sync += self.phase.eq(self.phase + 1)
                with m.If(self.kind["O"] & self.is_last):
                    m.d.sync += [self.active.eq(0), self.ending.eq(1)]
            with m.Elif(self.last_group):
                m.d.sync += self.row.eq(self.row + 1)
        with m.If(self.starts):
            m.d.sync += [
                self.complete.eq(0),
                self.active.eq(1),
                self.phase.eq(Mux(dut.prologue, behind_a, 0)),
                self.row.eq(0),
                self.group.eq(0),
                self.is_last.eq(dut.last),
            ]
        with m.If(self.ending & ~dut.go):
            m.d.sync += self.ending.eq(0)
        with m.If(dut.stop):
            m.d.sync += [self.active.eq(0), self.ending.eq(0), self.complete.eq(0)]
            m.d.sync += self.group.eq(0)

        # Numbers of the next row of A, B and C, and of O.
        first, total = [], 0
        for p in phases:
            first.append(total)
            total += p.steps // c.groups if p.kind in "ABC" else 0
        self.outputs = total
        assert total == c.matrices * c.hidden
        walking = self.kind["A"] | self.kind["B"] | self.kind["C"]
        wide = len(dut.row)
        self.walk_row, self.output_row = Signal(wide, name="the_walk"), Signal(wide, name="the_out")
        o_phase = kinds.index("O")
        m.d.comb += [
            self.walk_row.eq(Array(first)[self.phase] + Mux(walking, self.row, 0)),
            self.output_row.eq(self.outputs + Mux(self.kind["O"], self.row, 0)),
        ]
        self.before_outputs = self.phase <= o_phase
        # Addresses of the next steps, and whether the chosen one was among those before.
        self.walked = Signal(len(dut.address) + 1, name="the_walk_address")
        self.output = Signal(len(dut.address) + 1, name="the_out_address")
        m.d.comb += [
            self.walked.eq(self.walk_row * c.groups + Mux(walking, self.group, 0)),
            self.output.eq(self.output_row * c.groups + Mux(self.kind["O"], self.group, 0)),
        ]

    def groups(self, phase):
        """Steps of a row."""
        return 1 if phase.kind == "wait" else self.config.groups


def sequencer_bench(size, *changes, only=None):
    hidden, layers, multipliers, symbols = size
    c = Config(hidden=hidden, layers=layers, multipliers=multipliers, symbols=symbols)
    schedule = Schedule(c)
    dut = altered("sequencer", *changes).Sequencer(schedule)
    bench = Bench(dut, only=only)
    ref = Reference(bench, dut, schedule)
    bench.assume(dut.last_row < c.output_rows(symbols))
    bench.assume(~bench.powered_on | (dut.last_row == bench.past(dut.last_row)))
    bench.assume(~dut.start | (dut.prologue == bench.past(dut.prologue)))
    bench.assume(bench.powered_on | ~dut.go)
    bench.assume(~ref.starts | dut.prologue | ref.complete | ref.active)

    def then(value, cycles):
        return bench.past(value, cycles)

    # Steps come out two cycles behind the phases.
    issues, row_ends = then(ref.issues, 2), then(ref.issues & ref.last_group, 2)
    bench.holds("a step when the schedule has one", dut.valid == issues)
    bench.holds("the row's last step", dut.row_done == row_ends)
    row = Mux(ref.kind["O"], ref.output_row, ref.walk_row)
    bench.holds("the row", ~issues | (dut.row == then(row, 2)))
    address = Mux(ref.kind["O"], ref.output, ref.walked)
    bench.holds("the address", ~issues | (dut.address == then(address, 2)))
    on_top = ref.kind["O"] | ref.kind["C"] if layers == 2 else 0
    bench.holds(
        "the layer", ~issues | (dut.layer == then(on_top, 2)) if layers == 2 else ~dut.layer
    )
    group = Cat(dut.group, dut.first)
    bench.holds(
        "the group",
        ~issues | (group == Cat(then(ref.group[: len(dut.group)], 2), then(ref.group == 0, 2))),
    )
    kinds = Cat(getattr(dut, f"kind_{k}") for k in "ABCO")
    of_kind = then(Cat(ref.kind[k] & ref.last_group for k in "ABCO"), 2)
    bench.holds("the kind", kinds == of_kind)
    ends = ref.kind["O"] & ref.last_group
    marks = Cat(ends & (ref.row == 0), ends & ref.on_last)
    bench.holds("the first and last of O", Cat(dut.o_first, dut.o_last) == then(marks, 2))
    told = Cat(then(ref.starts, 1), then(ends & ref.on_last & ref.is_last & ref.active, 1))
    bench.holds("start and end are told", Cat(dut.start, dut.ended) == told)
    bench.holds("waiting is told", dut.waiting == ref.idle)

    exactly_once(bench, dut, ref, c)
    if layers == 2:
        partial_sums(bench, dut, ref, c)
    invariants(bench, ref, c)
    return bench


def exactly_once(bench, dut, ref, c):
    """A step of any address: not twice in a character, and not missing at its end."""
    m = bench.m
    chosen = bench.symbol(len(dut.address), "chosen_step")
    seen = Signal()
    begins = bench.past(ref.starts, 3)  # its first step is at the outputs
    here = dut.valid & (dut.address == chosen)
    before = Signal()
    m.d.comb += before.eq(seen & ~begins)
    m.d.sync += seen.eq(before | here)
    bench.holds("no step twice", ~(here & before))
    outputs = dut.last_row + 1
    exists = chosen < (ref.outputs + outputs) * c.groups
    began_with_a = Signal()
    with m.If(ref.starts):
        m.d.sync += began_with_a.eq(~dut.prologue if c.layers == 2 else 1)
    below = chosen < (c.hidden * c.groups if c.layers == 2 else 0)
    finished = ref.active & ref.last_group & ref.on_last & (ref.phase == len(ref.phases) - 1)
    done = bench.past(finished & (began_with_a | ~below), 2)
    bench.holds("no step is left out", ~(done & exists) | before | here)
    bench.holds("no other step", ~here | exists)

    # Seen are those behind the first and before the one at the outputs.
    base = ref.outputs * c.groups
    from_a = Mux(began_with_a, 0, c.hidden * c.groups if c.layers == 2 else 0)
    written = Mux(ref.before_outputs, ref.output, base + outputs * c.groups)
    expected = Mux(chosen < base, (chosen >= from_a) & (chosen < ref.walked), chosen < written)
    bench.invariant(~ref.kind["A"] | began_with_a)
    bench.invariant(~bench.past(ref.active, 2) | (before == bench.past(expected, 2)))


def partial_sums(bench, dut, ref, c):
    """The stored sums of a row of C: read by A before they are replaced, and there when read."""
    m = bench.m
    chosen = bench.symbol(ceil_log2(c.hidden), "chosen_row")
    stored, age = Signal(), Signal(3)
    # An abandoned character leaves sums behind; the next begins with a prologue, and new ones.
    begins = bench.past(ref.starts & dut.prologue, 3)
    owed = stored & ~begins
    read = dut.kind_A & (dut.row == chosen)
    write = dut.kind_C & (dut.row == 2 * c.hidden + chosen)
    m.d.sync += [stored.eq((owed & ~read) | write), age.eq(Mux(age.all(), age, age + 1))]
    with m.If(write):
        m.d.sync += age.eq(0)
    bench.holds("no stored sum is replaced unread", ~(write & owed))
    written = age + 1 > Lane.TOTAL_LATENCY - READ_AFTER
    bench.holds("a stored sum is there when it is read", ~read | (owed & written))

    row, behind = ref.walk_row, 2 * c.hidden + chosen
    expected = Mux(row <= behind, row <= chosen, 1)
    bench.invariant(~bench.past(ref.active, 2) | (owed == bench.past(expected, 2)))
    bench.invariant(~bench.past(ref.complete, 2) | owed)

    def at_least(cycles):
        return age >= Mux(cycles > 7, 7, cycles)

    rest = c.hidden - 1 - chosen
    since = bench.past(Mux(row <= chosen, rest + row, row - behind - 1), 2)
    aged = ~bench.past(ref.active & expected, 2) | at_least(since)
    bench.invariant(aged)
    bench.invariant(~bench.past(ref.complete, 2) | at_least(rest))


def invariants(bench, ref, c):
    """What the registers inside hold, in terms of the reference."""
    inside = bench.inside
    number, state = bench.states("phase_state"), inside("phase_state")
    bench.invariant((state == number["WAIT"]) == ref.idle)
    bench.invariant((state == number["END"]) == ref.ending)
    for n, p in enumerate(ref.phases):
        bench.invariant((state == number[f"{p.kind}{n}"]) == (ref.active & (ref.phase == n)))
    bench.invariant(~ref.active | (~ref.ending & (ref.row < ref.rows)))
    bench.invariant(~ref.complete | ref.idle)
    bench.invariant(ref.phase < len(ref.phases))
    bench.invariant(ref.group < Mux(ref.active & ~ref.kind["wait"], c.groups, 1))

    count, notice = inside("count"), inside("notice")
    bench.invariant(~ref.active | (count == ref.row))
    bench.invariant(~ref.active | (inside("is_last") == ref.is_last))
    bench.invariant(~ref.active | (inside("on_last") == ref.on_last))
    advances = ref.active & ref.last_group & ~ref.on_last
    bench.invariant(~advances | (inside("on_last_but_one") == (ref.row + 2 == ref.rows)))
    ahead = Mux(ref.kind["wait"], 1, 1 if c.groups == 1 else 0)
    bench.invariant(~ref.active | (notice == (ref.rows - 2 - ahead)[: len(notice)]))
    if c.groups > 1:
        bench.invariant(inside("group") == ref.group)
        bench.invariant(inside("group_at_last") == (ref.group == c.groups - 1))

    # The walks, a cycle behind the phases.
    active = bench.past(ref.active)
    after_a = Mux(inside("prologue_q"), c.hidden if c.layers == 2 else 0, 0)
    counts = {"row": (1, ref.walk_row, ref.output_row)}
    if c.groups > 1:
        counts["address"] = (c.groups, ref.walked, ref.output)
    for name, (size, walk, output) in counts.items():
        here = Mux(inside("load"), after_a * size, inside(f"walk_{name}"))
        bench.invariant(~active | (here == bench.past(walk)))
        here = Mux(inside("load"), ref.outputs * size, inside(f"output_{name}"))
        bench.invariant(~(active & bench.past(ref.before_outputs)) | (here == bench.past(output)))


@pytest.mark.parametrize("size", TINY)
def test_sequencer(size, tmp_path):
    print(prove(sequencer_bench(size), tmp_path, depth=5))


@pytest.mark.parametrize("size", TINY)
def test_what_is_assumed_leaves_room(size):
    """Three characters, one behind the other, keep all that is assumed, and all that shall hold."""
    bench = sequencer_bench(size)
    dut, starts, ends = bench.dut, [], []

    async def run(ctx):
        ctx.set(dut.last_row, 1)
        await ctx.tick()
        set_ports(ctx, dut, go=1, prologue=1)
        for cycle in range(1000):
            if ctx.get(dut.start):
                starts.append(cycle)
            if ctx.get(dut.ended):
                ends.append(cycle)
            set_ports(ctx, dut, last=len(starts) == 2, go=len(starts) < 3)
            assert all(ctx.get(statement.test) for statement in bench.statements), cycle
            await ctx.tick()
            ctx.set(dut.prologue, not starts)

    simulate(bench.m, run)
    assert len(starts) == 3
    assert len(ends) == 1


SMALL, ONE_LAYER, TWO_STEPS = TINY[0], TINY[1], TINY[3]
FAULTS = {
    "a step when the schedule has one": (
        SMALL,
        'kind_now["A"] | kind_now["B"] |',
        'kind_now["A"] |',
    ),
    "the row's last step": (
        TWO_STEPS,
        'is_step & group_ends, "row_done_q"',
        'is_step, "row_done_q"',
    ),
    "the row": (SMALL, "self._before_a * size", "self._before_a * size - 1"),
    "the address": (TWO_STEPS, 'self.address, kind["O"]', "self.address, output_row"),
    "the layer": (SMALL, 'kind["O"] | kind["C"]', 'kind["O"] | kind["B"]'),
    "the group": (TWO_STEPS, "self.group.eq(group_q)", "self.group.eq(~group_q)"),
    "the kind": (TWO_STEPS, "kind[k] & row_done", "kind[k]"),
    "the first and last of O": (ONE_LAYER, "(count == 0)", "(count == 1)"),
    "start and end are told": (SMALL, "start.eq(starting)", "start.eq(starting & ~self.prologue)"),
    "waiting is told": (SMALL, 'fsm.ongoing("WAIT")', 'fsm.ongoing("END")'),
    "no step twice": (ONE_LAYER, "here + steps[which]", "here"),
    "no step is left out": (ONE_LAYER, "here + steps[which]", "here + (steps[which] << 1)"),
    "no other step": (ONE_LAYER, "here + steps[which]", "here + (steps[which] << 1)"),
    "no stored sum is replaced unread": (
        SMALL,
        'is_step & ~on_output & group_ends, "walk_row_done"',
        'is_step & ~on_output & group_ends & ~kind_now["C"], "walk_row_done"',
    ),
    "a stored sum is there when it is read": (
        SMALL,
        "with m.If(self.prologue):",
        "with m.If(self.prologue & self.last):",
        "Mux(prologue, self._before_a * size, 0)",
        "0",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("broken", FAULTS)
def test_sequencer_faults(broken, tmp_path):
    size, *texts = FAULTS[broken]
    changes = zip(texts[::2], texts[1::2], strict=True)
    bench = sequencer_bench(size, *changes, only=broken)
    dut, begun = bench.dut, Signal()
    with bench.m.If(dut.start):
        bench.m.d.sync += begun.eq(1)
    # Characters one behind the other: enough for a fault to show, and soon looked through.
    bench.assume((dut.go == bench.powered_on) & ~dut.stop & ~dut.last & (dut.prologue == ~begun))
    assert refutes(bench, tmp_path, depth=90)


def test_each_property_has_its_fault():
    assert set(FAULTS) == set(sequencer_bench(SMALL).properties)
