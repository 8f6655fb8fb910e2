"""A counter of events: with a register before it, for events may come by a long way."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.primitives import register


class EventCounter(wiring.Component):
    """Counts the cycles with an event since the reset, modulo 2^bits.

    Members
    -------
    event : In(1)
    total : Out(bits)
        Two cycles later.
    """

    def __init__(self, bits):
        super().__init__({"event": In(1), "total": Out(bits)})

    def elaborate(self, platform):
        m = Module()
        with m.If(register(m, self.event, "happened")):
            m.d.sync += self.total.eq(self.total + 1)
        return m
