"""The sequencer: walks through the phases of a character and issues a step a cycle.

    for phase in (A, B, O, B, C):        # `schedule`
        for row in phase:
            for group in range(groups):  # step: address, layer of h, group
                issue

A, B and C walk through the weight memories in order; O has addresses of its own behind them.
"""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from zynq_lstm.hw.primitives import counter, register, wrapping_counter
from zynq_lstm.hw.sampler import ROW_BITS

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
        With ``go``: stop after O.
    last_row : In(6)
        Number of the last row of O.
    stop : In(1)
        Abandon everything; while it is held, nothing starts.
    start : Out(1)
        Pulse: a character (or prologue) has started in this cycle.
    waiting : Out(1)
        No character is under way.
    ended : Out(1)
        Pulse: a last character has come to its end.
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
        c = self._config = schedule.config
        self._before_a = c.hidden if c.layers == 2 else 0  # first row of B
        self._outputs = c.matrices * c.hidden  # first row of O
        super().__init__(
            {
                "go": In(1),
                "prologue": In(1),
                "last": In(1),
                "last_row": In(ROW_BITS),
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
        # Rows (cycles, of a wait) in the phase so far; whether this is the last, or the last but
        # one; the count at which the latter will be known. All are known ahead, by registers, so
        # that the next phase follows without a gap.
        longest = max([p.steps for p in phases] + [c.output_rows(c.symbols)])
        count = Signal(range(longest + 1), reset_less=True)
        on_last = Signal()
        on_last_but_one = Signal()
        ahead = 1 if c.groups == 1 else 0  # rows of several steps leave a cycle to compare
        notice = Signal.like(count, name="notice")
        output_notice = Signal.like(count, name="output_notice")
        output_short = Signal(2, reset_less=True)
        m.d.sync += [
            output_notice.eq(self.last_row - (1 + ahead)),
            output_short.eq(Cat(self.last_row == 0, self.last_row == 1)),
            self.ended.eq(0),
        ]
        group_ends = Signal()
        is_last = Signal()
        starting = Signal()
        kind_now = {k: Signal(name=f"now_{k}") for k in KINDS}
        advance = Signal()
        entering = Signal()
        counter(m, count, step=advance, clear=entering)

        def enter(n):
            """Set up phase n."""
            phase = phases[n]
            m.d.comb += entering.eq(1)
            if phase.kind == "O":
                m.d.sync += [
                    notice.eq(output_notice),
                    Cat(on_last, on_last_but_one).eq(output_short),
                ]
            else:
                rows = phase.steps // (1 if phase.kind == "wait" else c.groups)
                m.d.sync += [
                    notice.eq(rows - 2 - (1 if phase.kind == "wait" else ahead)),
                    on_last.eq(rows == 1),
                    on_last_but_one.eq(rows == 2),
                ]
            m.next = f"{phase.kind}{n}"

        behind_a = next(n for n, p in enumerate(phases) if p.kind != "A")

        def begin():
            """Start the next character, or wait for leave to."""
            m.next = "WAIT"
            with m.If(self.go & ~self.stop):
                m.d.comb += starting.eq(1)
                m.d.sync += is_last.eq(self.last)
                with m.If(self.prologue):
                    enter(behind_a)
                with m.Else():
                    enter(0)

        m.d.sync += on_last_but_one.eq(count == notice)
        with m.If(advance):
            m.d.sync += on_last.eq(on_last_but_one)
        with m.FSM(name="phase") as fsm:
            with m.State("WAIT"):
                begin()
            # Leave is withdrawn in the third cycle from a last character's start on. One of a
            # single step is here in the second, so that WAIT never sees leave that is out of date.
            with m.State("END"):
                with m.If(~self.go | self.stop):
                    m.next = "WAIT"
            for n, phase in enumerate(phases):
                with m.State(f"{phase.kind}{n}"):
                    ends = on_last
                    if phase.kind == "wait":
                        m.d.comb += advance.eq(1)
                    else:
                        m.d.comb += [kind_now[phase.kind].eq(1), advance.eq(group_ends)]
                        ends = on_last & group_ends
                    with m.If(ends):
                        if phase.kind == "O":
                            with m.If(is_last):
                                m.d.sync += self.ended.eq(1)
                                m.next = "END"
                            with m.Else():
                                enter(n + 1)
                        elif n + 1 < len(phases):
                            enter(n + 1)
                        else:
                            begin()
                    with m.If(self.stop):
                        m.next = "WAIT"
            m.d.comb += self.waiting.eq(fsm.ongoing("WAIT"))

        self._steps(m, starting, kind_now, count, on_last, group_ends)
        return m

    def _steps(self, m, starting, kind_now, count, on_last, group_ends):
        """Addresses of the steps: counters driven by registers, a cycle behind the phases."""
        c = self._config
        is_step = kind_now["A"] | kind_now["B"] | kind_now["C"] | kind_now["O"]
        if c.groups == 1:
            group = Signal(1)
            m.d.comb += group_ends.eq(1)
        else:
            group, at_last = wrapping_counter(
                m, c.groups - 1, step=is_step, clear=starting | self.stop, name="group"
            )
            m.d.comb += group_ends.eq(at_last)
        load = register(m, register(m, starting, "load_q"), "load")
        prologue = register(m, self.prologue, "prologue_q")
        kind = {k: register(m, kind_now[k], f"kind_{k}_q") for k in KINDS}
        row_done = register(m, is_step & group_ends, "row_done_q")
        step = register(m, is_step, "step_q")
        on_output = kind_now["O"]
        output_row = register(m, on_output & group_ends, "output_row_done")
        walk_row = register(m, is_step & ~on_output & group_ends, "walk_row_done")
        walk_step = register(m, is_step & ~on_output, "walk_step_q")
        group_q = register(m, group, "group_q")
        first = register(m, kind_now["O"] & group_ends & (count == 0), "o_first_q")
        last = register(m, kind_now["O"] & group_ends & on_last, "o_last_q")

        def walked(like, on_output, on_walk, name):
            """Address in the walk through A, B and C, or in O; ``load`` sets them to their firsts.

            The first step follows ``load`` in the same cycle, so what is loaded is its address.
            """
            size = c.groups if like is self.address else 1
            after_a = Mux(prologue, self._before_a * size, 0)
            starts = {"walk": after_a, "output": self._outputs * size}
            steps = {"walk": on_walk, "output": on_output}
            now = {}
            for which, start in starts.items():
                count = Signal.like(like, name=f"{which}_{name}", reset_less=True)
                here = Mux(load, start, count)
                m.d.sync += count.eq(here + steps[which])
                now[which] = here
            return Mux(kind["O"], now["output"], now["walk"])

        row = walked(self.row, output_row, walk_row, "row")
        address = row
        if c.groups > 1:
            address = walked(self.address, kind["O"], walk_step, "address")
        on_top = kind["O"] | kind["C"] if c.layers == 2 else 0
        m.d.sync += [
            self.start.eq(starting),
            self.valid.eq(step),
            self.row_done.eq(row_done),
            self.row.eq(row),
            self.address.eq(address),
            self.layer.eq(on_top),
            self.group.eq(group_q),
            self.first.eq(group_q == 0),
            self.o_first.eq(first),
            self.o_last.eq(last),
        ]
        m.d.sync += [getattr(self, f"kind_{k}").eq(kind[k] & row_done) for k in KINDS]
