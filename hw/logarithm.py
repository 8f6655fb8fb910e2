"""The close of a surprisal: the logarithm of the total, and the symbol's distance in bits.

    total ─ shifted up to 1 … 2 ─ line of the logarithm ─┐
    slope x bits, then distance x log2(e), in turn ──────┴─ + ─ surprisal

It comes once a character, so a total is normalised a bit a cycle and one DSP48E1 serves both
products, one behind the other. `quant.surprisal` has the operators.
"""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.primitives import (
    KEEP,
    PRODUCT_LATENCY,
    decremented,
    lut_rom,
    product,
    register,
)
from zynq_lstm.quant.surprisal import (
    DISTANCE,
    DISTANCE_SHIFT,
    LINE_SHIFT,
    LOG2_E,
    LOG2_E_CODE,
    LOG_BASE,
    LOG_FRACTION_BITS,
    LOG_LINE_BITS,
    LOG_SLOPE,
    SUMMAND,
    SURPRISAL,
    SURPRISAL_SHIFT,
    TOTAL,
    TOTAL_EXPONENT,
    log_tables,
)


class Close(wiring.Component):
    """Total and the symbol's distance to the surprisal.

    Members
    -------
    start : In(1), total : In(29)
    distance : In(16)
        Must be there with ``start`` and hold until ``done``.
    done, surprisal : Out
        Pulse, `latency` cycles after ``start``.
    """

    _NORMALISED = 1 + TOTAL_EXPONENT
    _LINE = _NORMALISED + 1
    _OPERANDS = _LINE + 1
    _PRODUCT = _OPERANDS + PRODUCT_LATENCY
    latency = _PRODUCT + 2

    def __init__(self):
        super().__init__(
            {
                "start": In(1),
                "total": In(TOTAL.bits),
                "distance": In(DISTANCE.bits),
                "done": Out(1),
                "surprisal": Out(SURPRISAL.bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        at = [self.start]  # at[n]: n cycles after the start
        while len(at) <= self.latency:
            pulse = Signal(name=f"at{len(at)}")
            m.d.sync += pulse.eq(at[-1])
            at.append(pulse)
        mantissa = Signal(TOTAL.bits, reset_less=True)
        exponent = Signal(TOTAL_EXPONENT.bit_length(), reset_less=True)
        with m.If(self.start):
            m.d.sync += [mantissa.eq(self.total), exponent.eq(TOTAL_EXPONENT)]
        with m.Elif(~mantissa[-1]):  # the total is at least 1: this ends by itself
            m.d.sync += [mantissa.eq(mantissa << 1), exponent.eq(decremented(exponent))]
        bits = mantissa[-1 - LOG_LINE_BITS - LOG_FRACTION_BITS : -1]
        along, line = bits[:LOG_FRACTION_BITS], bits[LOG_FRACTION_BITS:]
        base_table, slope_table = log_tables()
        base = register(m, lut_rom(m, line, base_table, LOG_BASE.bits, "base_table"), "base")
        slope = lut_rom(m, line, slope_table, LOG_SLOPE.bits, "slope_table")
        slope = register(m, slope, "slope")

        # One multiplier: the distance's product, but for one cycle the slope's.
        if DISTANCE_SHIFT != LINE_SHIFT:
            raise ValueError("Both products must have the same place of the point")
        slopes = at[self._LINE]
        x = Signal(DISTANCE.bits, reset_less=True, attrs=KEEP)
        y = Signal(LOG2_E.bits, reset_less=True, attrs=KEEP)
        m.d.sync += [
            x.eq(Mux(slopes, along, self.distance)),
            y.eq(Mux(slopes, slope, LOG2_E_CODE)),
        ]
        part = product(m, x, y, DISTANCE_SHIFT, "part")

        summand = Signal(SUMMAND.bits, reset_less=True)
        bases = at[self._LINE]
        m.d.sync += summand.eq(Mux(bases, Cat(base, exponent), part))
        half = 1 << (SURPRISAL_SHIFT - 1)
        result = Signal(SUMMAND.bits, reset_less=True)
        adds = Signal()
        m.d.sync += adds.eq(bases | at[self._PRODUCT - 1] | at[self._PRODUCT])
        with m.If(at[1]):
            m.d.sync += result.eq(half)
        with m.Elif(adds):
            m.d.sync += result.eq(result + summand)
        m.d.comb += [
            self.done.eq(at[self.latency]),
            self.surprisal.eq(result[SURPRISAL_SHIFT:]),
        ]
        return m
