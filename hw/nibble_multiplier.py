"""Multipliers of a 4-bit weight by an 8-bit h, for the estimate of an engine with 1,024 of them.

    two weights of 4 bits ┐
    h ─ 8 bits ───────────┴─ DspNibbles: two products in one DSP48E1, 12 bits apart
    a weight ─ LutNibble: one product in LUTs, two digits of radix-4 Booth

All take 3 cycles. A weight is a nibble in two's complement, so from -8 to 7: the output layer's
weights of 8 bits are made of two of them (`quant.nibbles`).

Why not three products in a DSP48E1? It multiplies 25 by 18 bits; a third weight would have to begin
at bit 20 or 21, and products of 12 bits that are 10 bits apart overlap. What they take from each
other can be computed from the weights' and h's lowest bits, but the two corrections are
subtractions of 12 bits, hardly fewer LUTs than the product costs in LUTs alone.
"""

from amaranth.hdl import C, Cat, Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.multiplier import PAIR_LATENCY, add_with_carry, booth
from zynq_lstm.hw.primitives import register

PRODUCT_BITS = 12


class DspNibbles(wiring.Component):
    """Two products in one DSP48E1 (input, M and P registers in use).

    Members
    -------
    w0, w1 : In(signed(4))
    h : In(signed(8))
    p0, p1 : Out(signed(12))
        w0 * h and w1 * h, `latency` cycles later.
    """

    latency = PAIR_LATENCY

    def __init__(self):
        super().__init__(
            {
                "w0": In(signed(4)),
                "w1": In(signed(4)),
                "h": In(signed(8)),
                "p0": Out(signed(PRODUCT_BITS)),
                "p1": Out(signed(PRODUCT_BITS)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        high = Signal(signed(5))
        m.d.comb += high.eq(self.w1 - self.w0[3])  # what the lower field borrows
        low = Cat(self.w0, self.w0[3].replicate(PRODUCT_BITS - 4))
        a = register(m, Cat(low, high).as_signed(), "a")
        b = register(m, self.h, "b")
        product = Signal(signed(25), reset_less=True)
        total = Signal(signed(25), reset_less=True)
        m.d.sync += [product.eq(a * b), total.eq(product + (1 << (PRODUCT_BITS - 1)))]
        last = PRODUCT_BITS - 1
        m.d.comb += [
            self.p0.eq(Cat(total[:last], ~total[last])),
            self.p1.eq(total[PRODUCT_BITS : 2 * PRODUCT_BITS]),
        ]
        return m


class LutNibble(wiring.Component):
    """One product in LUTs.

    Members
    -------
    w : In(signed(4))
    h : In(signed(8))
    p : Out(signed(12))
        w * h, `latency` cycles later.
    """

    latency = PAIR_LATENCY

    def __init__(self):
        super().__init__({"w": In(signed(4)), "h": In(signed(8)), "p": Out(signed(PRODUCT_BITS))})

    def elaborate(self, platform):
        m = Module()
        first_digit, digit = Cat(C(0, 1), self.w[:2]), self.w[1:]
        w = register(m, digit, "digit")
        h = register(m, self.h, "h_q")
        first = add_with_carry(booth(first_digit, self.h), C(0, 10), first_digit[2])
        first = register(m, first, "first")
        upper = Cat(first[2:], first[9], first[9])
        total = add_with_carry(upper, booth(w, h), w[2])
        product = register(m, Cat(first[:2], total), "product")
        m.d.comb += self.p.eq(register(m, product, "p_q"))
        return m
