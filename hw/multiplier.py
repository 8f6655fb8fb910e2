"""A pair of 8 x 8-bit multipliers that share h: in one DSP48E1, or in LUTs.

    weights ─ 16 bits, packed ┐
    h ─ 8 bits ───────────────┴─ two products of 16 bits, three cycles later

DSP: the packed pair, each half sign-extended for itself, is w1 * 2^16 + w0, of 25 bits, so one
product of 25 x 18 bits holds both. Its lower field is signed and would borrow from the upper one;
the DSP's own adder adds 2^15, after which the fields are independent and only the lower sign bit is
inverted. Cost: no LUT.

LUT: radix-4 Booth (MacSorley 1961) on the weight. The packing stores w1 - (w0 < 0), and the missing
one is just the bit below the lowest digit of Booth's recoding, so it costs nothing. Each addition
of a digit times h is one LUT6 a bit and a carry chain.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.blocks import Block
from zynq_lstm.hw.primitives import register

PAIR_LATENCY = 3
_MEMBERS = {"pair": In(16), "h": In(signed(8)), "p0": Out(signed(16)), "p1": Out(signed(16))}


class DspPair(Block):
    """Two products in one DSP48E1 (input, M and P registers in use).

    Members
    -------
    pair : In(16)
        Packed weights (`quant.layout.pack_pairs`).
    h : In(signed(8))
    p0, p1 : Out(signed(16))
        w0 * h and w1 * h, `latency` cycles later.
    """

    kept = False
    block_name = "zynq_lstm_dsp_pair"
    latency = PAIR_LATENCY

    def __init__(self):
        super().__init__(_MEMBERS)

    def elaborate(self, platform):
        m = Module()
        low, high = self.pair[:8].as_signed(), self.pair[8:].as_signed()
        packed = Cat(low, low[7].replicate(8), high, high[7]).as_signed()
        a = register(m, packed, "a")
        wide_h = Signal(signed(18))
        m.d.comb += wide_h.eq(self.h)
        b = register(m, wide_h, "b")
        product = Signal(signed(43), reset_less=True)
        total = Signal(signed(43), reset_less=True)
        m.d.sync += [product.eq(a * b), total.eq(product + (1 << 15))]
        m.d.comb += [
            self.p0.eq(Cat(total[:15], ~total[15])),
            self.p1.eq(total[16:32]),
        ]
        return m


def booth(digit, h):
    """Digit (three recoded bits) times h, ones' complement when negative; 10 bits."""
    wide = Cat(h, h[7], h[7])
    once, twice = wide, Cat(C(0, 1), wide[:9])
    magnitude = Mux(digit[0] ^ digit[1], once, Mux(digit[2] ^ digit[1], twice, C(0, 10)))
    return magnitude ^ digit[2].replicate(10)


def add_with_carry(a, b, carry):
    """a + b + carry as one carry chain, which synthesis would not find by itself."""
    return (Cat(C(1, 1), a).as_unsigned() + Cat(carry, b).as_unsigned())[1 : len(a) + 1]


class LutPair(Block):
    """The same in LUTs; members and latency as `DspPair`."""

    kept = False
    block_name = "zynq_lstm_lut_pair"
    latency = PAIR_LATENCY

    def __init__(self):
        super().__init__(_MEMBERS)

    def elaborate(self, platform):
        m = Module()
        low, high = self.pair[:8], self.pair[8:]
        for k, (weight, below, out) in enumerate(
            [(low, C(0, 1), self.p0), (high, low[7], self.p1)]
        ):
            bits = Cat(below, weight)
            digits = [bits[2 * d : 2 * d + 3] for d in range(4)]
            h = register(m, self.h, f"h_{k}")
            halves = []
            for even, odd in ((0, 1), (2, 3)):
                first = add_with_carry(booth(digits[even], self.h), C(0, 10), digits[even][2])
                first = register(m, first, f"first_{k}{even}")
                digit = register(m, digits[odd], f"digit_{k}{odd}")
                upper = Cat(first[2:], first[9], first[9])
                total = add_with_carry(upper, booth(digit, h), digit[2])
                halves.append(register(m, Cat(first[:2], total), f"half_{k}{even}"))
            lower, upper = halves
            total = Signal(16, name=f"product_{k}", reset_less=True)
            signs = lower[11].replicate(4)
            # Bits 0 and 1 only pass through; inverted here, they stay flip-flops (no shift register
            # with its slow output) and the adder behind takes the inversion for nothing.
            m.d.sync += total.eq(Cat(~lower[:2], lower[2:4], (Cat(lower[4:], signs) + upper)[:12]))
            m.d.comb += out.eq(Cat(~total[:2], total[2:]))
        return m
