"""One of four lanes of the surprisal: logits kept, then their distances and exponentials.

    pass 1   logit ─ rows, in LUT memories
    pass 2   greatest - logit = distance ─┬─ upper bits ─ table ─┐
                                          └─ lower bits ─ table ─┴─ x ─ term

The exponential of a distance is that of its upper bits times that of its lower bits
(`quant.surprisal.exponential`): two tables of 128 words in LUTs and one DSP48E1. A lane is emitted
once.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.blocks import Block
from zynq_lstm.hw.primitives import KEEP, PRODUCT_LATENCY, lut_rom, product, register
from zynq_lstm.hw.sampler import ROW_BITS
from zynq_lstm.quant.formats import LOGIT
from zynq_lstm.quant.surprisal import (
    DISTANCE,
    DISTANCE_HIGH_BITS,
    DISTANCE_LOW_BITS,
    EXP_HIGH,
    EXP_LOW,
    TERM,
    TERM_SHIFT,
    exp_high_table,
    exp_low_table,
)


class RowStore(wiring.Component):
    """One lane's logits of a character, 64 words in LUT memories.

    Members
    -------
    write, w_row, w_data : In
    r_row : In
    data : Out
        `latency` cycles after ``r_row``.
    """

    latency = 2

    def __init__(self):
        super().__init__(
            {
                "write": In(1),
                "w_row": In(ROW_BITS),
                "w_data": In(LOGIT.bits),
                "r_row": In(ROW_BITS),
                "data": Out(LOGIT.bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = memory.Memory(
            shape=LOGIT.bits, depth=1 << ROW_BITS, init=[], attrs={"ram_style": "distributed"}
        )
        w = words.write_port()
        r = words.read_port(domain="comb")
        m.d.comb += [
            w.en.eq(register(m, self.write, "write_q")),
            w.addr.eq(register(m, self.w_row, "w_row_q")),
            w.data.eq(register(m, self.w_data, "w_data_q")),
            r.addr.eq(register(m, self.r_row, "r_row_q")),
            self.data.eq(register(m, r.data, "data_q")),
        ]
        return m


class Exponential(wiring.Component):
    """exp(-distance): `quant.surprisal.exponential`, or 0.

    Members
    -------
    distance : In(16)
        From a register.
    counts : In(1)
        With it: whether there is such a logit; without, the term is 0.
    term : Out(21)
        `latency` cycles later.
    """

    latency = 1 + PRODUCT_LATENCY

    def __init__(self):
        super().__init__({"distance": In(DISTANCE.bits), "counts": In(1), "term": Out(TERM.bits)})

    def elaborate(self, platform):
        m = Module()
        bits = DISTANCE_LOW_BITS + DISTANCE_HIGH_BITS
        low, high = self.distance[:DISTANCE_LOW_BITS], self.distance[DISTANCE_LOW_BITS:bits]
        high = lut_rom(m, high, exp_high_table(), EXP_HIGH.bits, "high_table")
        low = lut_rom(m, low, exp_low_table(), EXP_LOW.bits, "low_table")
        high_q = Signal(EXP_HIGH.bits, reset_less=True, attrs=KEEP)
        with m.If(self.distance[bits:].any() | ~self.counts):
            m.d.sync += high_q.eq(0)
        with m.Else():
            m.d.sync += high_q.eq(high)
        low_q = register(m, low, "low_q", keep=True)
        m.d.comb += self.term.eq(product(m, high_q, low_q, TERM_SHIFT, "term"))
        return m


class SurprisalLane(Block):
    """One lane: its rows, their distances, their exponentials.

    Members
    -------
    write, w_row, logit : In
        Store a logit (offset binary).
    r_row : In
        Read one.
    counts : In(1)
        Whether it does; with its distance.
    greatest : In(16)
        Offset binary, ``GREATEST_AFTER`` cycles after ``r_row``.
    distance : Out(16)
        `DISTANCE_LATENCY` cycles after ``r_row``.
    term : Out(21)
        `latency` cycles after ``r_row``.
    """

    GREATEST_AFTER = RowStore.latency
    DISTANCE_LATENCY = RowStore.latency + 1
    latency = DISTANCE_LATENCY + Exponential.latency

    def __init__(self):
        super().__init__(
            {
                "write": In(1),
                "w_row": In(ROW_BITS),
                "logit": In(LOGIT.bits),
                "r_row": In(ROW_BITS),
                "counts": In(1),
                "greatest": In(LOGIT.bits),
                "distance": Out(DISTANCE.bits),
                "term": Out(TERM.bits),
            }
        )

    @property
    def block_name(self):
        return "zynq_lstm_surprisal_lane"

    def elaborate(self, platform):
        m = Module()
        m.submodules.rows = rows = RowStore()
        m.submodules.exponential = exponential = Exponential()
        difference = self.greatest - rows.data
        distance = register(m, difference[: DISTANCE.bits], "distance_q")
        m.d.comb += [
            rows.write.eq(self.write),
            rows.w_row.eq(self.w_row),
            rows.w_data.eq(self.logit),
            rows.r_row.eq(self.r_row),
            self.distance.eq(distance),
            exponential.distance.eq(distance),
            exponential.counts.eq(self.counts),
            self.term.eq(exponential.term),
        ]
        return m
