"""xorshift64: 64 random bits a step, by exclusive-ors only (`quant.sampling.xorshift64`)."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.quant.sampling import SEED_BITS


class Xorshift64(wiring.Component):
    """The generator.

    Members
    -------
    load, seed : In
        Take a state; its two halves are taken in this cycle and the next (the fan-out of one
        strobe would be 64 otherwise), so ``seed`` must hold for two cycles.
    step : In(1)
        Advance; not within two cycles of ``load``.
    state : Out(64)
    """

    def __init__(self):
        super().__init__(
            {"load": In(1), "seed": In(SEED_BITS), "step": In(1), "state": Out(SEED_BITS)}
        )

    def elaborate(self, platform):
        m = Module()
        x = Signal(SEED_BITS, init=1, reset_less=True)
        a = Signal(SEED_BITS)
        b = Signal(SEED_BITS)
        c = Signal(SEED_BITS)
        m.d.comb += [
            a.eq(x ^ (x << 13)),
            b.eq(a ^ (a >> 7)),
            c.eq(b ^ (b << 17)),
            self.state.eq(x),
        ]
        load_high = Signal()
        m.d.sync += load_high.eq(self.load)
        for half, load in ((slice(0, 32), self.load), (slice(32, 64), load_high)):
            with m.If(load):
                m.d.sync += x[half].eq(self.seed[half])
            with m.Elif(self.step):
                m.d.sync += x[half].eq(c[half])
        return m
