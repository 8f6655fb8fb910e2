"""The sequencer: walks through the phases of a character and issues a step a cycle.

    for phase in (A, B, O, B, C):        # `schedule`
        for row in phase:
            for group in range(groups):  # step: address, layer of h, group
                issue

A, B and C walk through the weight memories in order; O has addresses of its own behind them.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from zynq_lstm.hw.primitives import decremented, incremented

KINDS = ("A", "B", "C", "O")


def step_members(config):
    """What a step says of itself: name and width."""
    return {
        "row_done": 1,
        "address": ceil_log2(config.weight_depth),
        "row": ceil_log2(config.matrices * config.hidden + config.output_rows(config.symbols)),
        "layer": 1,
        "group": max(1, ceil_log2(config.groups)),
        "first": 1,
        **{f"kind_{k}": 1 for k in KINDS},
        "o_first": 1,
        "o_last": 1,
    }


class Sequencer(wiring.Component):
    """Steps of characters.

    Members
    -------
    go : In(1)
        The next character may start. Looked at when one ends, and while waiting.
    prologue : In(1)
        With ``go``: start behind A, for nothing is known of h2 yet but what the state holds.
    last : In(1)
        Stop after O.
    last_row : In(6)
        Number of the last row of O.
    stop : In(1)
        Abandon everything; while it is held, nothing starts.
    start : Out(1)
        Pulse: a character (or prologue) has started in this cycle.
    waiting : Out(1)
        No character is under way.
    ended : Out(1)
        Pulse: a last character has issued its last step.
    valid, row_done : Out(1)
        A step; it is the last of its row.
    address, row, layer, group, first : Out
        Of the step, for `Engine`; ``row`` addresses scales and biases.
    kind_A, kind_B, kind_C, kind_O : Out(1)
        Kind of the row, with ``row_done`` only.
    o_first, o_last : Out(1)
        Row of O is the first, the last.
    """

    def __init__(self, schedule):
        self._schedule = schedule
        self._config = schedule.config
        super().__init__(
            {
                "go": In(1),
                "prologue": In(1),
                "last": In(1),
                "last_row": In(6),
                "stop": In(1),
                "start": Out(1),
                "waiting": Out(1),
                "ended": Out(1),
                "valid": Out(1),
                **{n: Out(width) for n, width in step_members(schedule.config).items()},
            }
        )

    def elaborate(self, platform):
        m = Module()
        c = self._config
        phases = self._schedule.phases()
        # Rows (cycles, of a wait) in the phase so far; whether this is the last; which is its last
        # but one. Known a cycle ahead, so that the next phase follows without a gap.
        longest = max([p.steps for p in phases] + [c.output_rows(c.symbols)])
        count = Signal(range(longest + 1))
        on_last = Signal()
        last_but_one = Signal.like(count)
        output_last_but_one = Signal.like(count)
        m.d.sync += output_last_but_one.eq(decremented(self.last_row))
        walk, output = Signal.like(self.row), Signal.like(self.row)
        walk_step, output_step = Signal.like(self.address), Signal.like(self.address)
        group, group_ends = Signal(range(max(2, c.groups))), 1
        if c.groups > 1:
            group_ends = group == c.groups - 1
        starting, kind_now = Signal(), {k: Signal(name=f"now_{k}") for k in KINDS}
        advance = Signal()

        def enter(n):
            """Set up phase n."""
            phase = phases[n]
            m.d.sync += count.eq(0)
            if phase.kind == "O":
                m.d.sync += [last_but_one.eq(output_last_but_one), on_last.eq(self.last_row == 0)]
            else:
                rows = phase.steps // (1 if phase.kind == "wait" else c.groups)
                m.d.sync += [last_but_one.eq(rows - 2), on_last.eq(rows == 1)]
            m.next = f"{phase.kind}{n}"

        behind_a = next(n for n, p in enumerate(phases) if p.kind != "A")
        before_a = c.hidden if c.layers == 2 else 0
        first_of_output = c.matrices * c.hidden

        def begin():
            """Start the next character, or wait for leave to."""
            m.d.sync += [
                output.eq(first_of_output),
                output_step.eq(first_of_output * c.groups),
                walk.eq(Mux(self.prologue, before_a, 0)),
                walk_step.eq(Mux(self.prologue, before_a * c.groups, 0)),
            ]
            m.next = "WAIT"
            with m.If(self.go & ~self.stop):
                m.d.comb += starting.eq(1)
                with m.If(self.prologue):
                    enter(behind_a)
                with m.Else():
                    enter(0)

        with m.If(advance):
            m.d.sync += [count.eq(incremented(count)), on_last.eq(count == last_but_one)]
        with m.FSM(name="phase") as fsm:
            with m.State("WAIT"):
                begin()
            for n, phase in enumerate(phases):
                with m.State(f"{phase.kind}{n}"):
                    ends = on_last
                    if phase.kind == "wait":
                        m.d.comb += advance.eq(1)
                    else:
                        m.d.comb += [kind_now[phase.kind].eq(1), advance.eq(group_ends)]
                        on_output = phase.kind == "O"
                        counter = output if on_output else walk
                        steps = output_step if on_output else walk_step
                        m.d.sync += steps.eq(incremented(steps))
                        with m.If(group_ends):
                            m.d.sync += counter.eq(incremented(counter))
                        if c.groups > 1:
                            m.d.sync += group.eq(Mux(group_ends, 0, incremented(group)))
                        ends = on_last & group_ends
                    with m.If(ends):
                        if phase.kind == "O":
                            with m.If(self.last):
                                m.d.comb += self.ended.eq(1)
                                m.next = "WAIT"
                            with m.Else():
                                enter(n + 1)
                        elif n + 1 < len(phases):
                            enter(n + 1)
                        else:
                            begin()
                    with m.If(self.stop):
                        m.d.sync += group.eq(0)
                        m.next = "WAIT"
            m.d.comb += self.waiting.eq(fsm.ongoing("WAIT"))

        # Registers at the border: the step as it leaves.
        m.d.sync += self.start.eq(starting)
        is_step = kind_now["A"] | kind_now["B"] | kind_now["C"] | kind_now["O"]
        on_top = kind_now["O"] | kind_now["C"] if c.layers == 2 else 0
        m.d.sync += [
            self.valid.eq(is_step),
            self.row_done.eq(is_step & group_ends),
            self.row.eq(Mux(kind_now["O"], output, walk)),
            self.address.eq(Mux(kind_now["O"], output_step, walk_step)),
            self.layer.eq(on_top),
            self.group.eq(group),
            self.first.eq(group == 0),
            self.o_first.eq(kind_now["O"] & group_ends & (count == 0)),
            self.o_last.eq(kind_now["O"] & group_ends & on_last),
        ]
        m.d.sync += [getattr(self, f"kind_{k}").eq(kind_now[k] & group_ends) for k in KINDS]
        return m
