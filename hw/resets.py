"""The resets: a tree of registers, whose leaves each reset one part.

    reset ─┬─ register ─ part
           ├─ register ─ part
           └─ …

Most of the hardware is reset, and it lies all over the chip: as a single net its reset would be the
longest wire of all, and a placer that does not copy registers has no remedy. So each part is in a
clock domain of its own: of the same clock, but with a reset register of its own, a block that is
kept as hierarchy, for tools merge equal registers (`blocks`). A part is as large as a net may have
loads (`netlist_checks.MAX_FANOUT`). The leaves make a reset one cycle later, all by the same.

A register needs a reset only where it says that something is there or under way. What a start
clears, what is loaded before it is used, and what follows its input anyway has none.
"""

from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.blocks import Block, place


class ResetCopy(Block):
    """A leaf of the tree.

    Members
    -------
    i : In(1), o : Out(1)
        A cycle later; high at power-on.
    """

    block_name = "zynq_lstm_reset_copy"

    def __init__(self):
        super().__init__({"i": In(1), "o": Out(1)})

    def elaborate(self, platform):
        m = Module()
        copy = Signal(init=1, reset_less=True)
        m.d.sync += copy.eq(self.i)
        m.d.comb += self.o.eq(copy)
        return m


def reset_domains(m, platform, names, *, clock, reset):
    """Add a clock domain for each part to a module whose ``sync`` has the same clock.

    Parameters
    ----------
    m : Module
    platform
        As for `place`.
    names : iterable of str
        Names of the domains, ``sync`` perhaps among them; submodules see them, the parent does not.
    clock : Signal
        From which all domains must take their clock, so that in simulation their edges come in the
        same step.
    reset : Signal
        The tree's root, a register.
    """
    for name in names:
        domain = ClockDomain(name, local=True)
        m.domains += domain
        copy = ResetCopy()
        place(m, platform, f"{name}_reset", copy)
        m.d.comb += [domain.clk.eq(clock), copy.i.eq(reset), domain.rst.eq(copy.o)]
