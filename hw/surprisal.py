"""Surprisal of the symbol that came: log-softmax in bits, four logits a cycle, in two passes.

    pass 1   logits ─┬─ best of four ─ best so far ─ greatest ─────────┐
                     └─ rows, in LUT memories                          │
    pass 2   rows, last one first ─────────────────── greatest - logit = distances
             distances ─┬─ exp by two tables and a product, four lanes ─ + ─ + ─ total
                        └─ the symbol's distance
    close    total ─ shifted up to 1 … 2 ─ line of the logarithm ─┐
             slope x bits, then distance x log2(e), in turn ──────┴─ + ─ surprisal

`quant.surprisal` has the operators. The scarce resource is block memory (the rest of the design
takes all that it may), so rows and tables lie in LUTs; DSP48E1 are five, of which one serves both
products of the close, for that comes once a character. Rows are read from the last to the first,
so that one counter serves both passes. A character's first row clears what an abandoned one may
have left behind.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.blocks import Block, place
from zynq_lstm.hw.primitives import (
    KEEP,
    decremented,
    delay,
    equal_by_halves,
    greater,
    register,
)
from zynq_lstm.hw.sampler import ROW_BITS, SYMBOL_BITS
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.formats import LOGIT
from zynq_lstm.quant.surprisal import (
    DISTANCE,
    DISTANCE_HIGH_BITS,
    DISTANCE_LOW_BITS,
    DISTANCE_SHIFT,
    EXP_HIGH,
    EXP_LOW,
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
    TERM,
    TERM_SHIFT,
    TOTAL,
    TOTAL_EXPONENT,
    exp_high_table,
    exp_low_table,
    log_tables,
)


def lut_rom(m, address, contents, bits, name):
    """A table in LUTs, combinational: between an address register and one behind it.

    Of its few words no tool makes a block memory, so it needs no attribute, for which the tools
    have no common value.
    """
    m.submodules[name] = table = memory.Memory(
        shape=bits, depth=len(contents), init=[int(v) for v in contents]
    )
    port = table.read_port(domain="comb")
    m.d.comb += port.addr.eq(address)
    return port.data


def product(m, x, y, shift, name):
    """Unsigned x * y / 2^shift, rounded, in one DSP48E1; `PRODUCT_LATENCY` cycles later."""
    a, b = (
        register(m, Cat(value, C(0, 1)).as_signed(), f"{name}_{side}")
        for value, side in ((x, "a"), (y, "b"))
    )
    exact = Signal(signed(len(a) + len(b)), name=f"{name}_exact", reset_less=True)
    rounded = Signal(signed(len(a) + len(b)), name=f"{name}_rounded", reset_less=True)
    m.d.sync += [exact.eq(a * b), rounded.eq(exact + (1 << (shift - 1)))]
    return rounded[shift:]


PRODUCT_LATENCY = 3


def offset_binary(logit):
    """The logit plus 2^15: unsigned, in the same order and at the same distances."""
    return Cat(logit[:-1], ~logit[-1])


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
        w, r = words.write_port(), words.read_port(domain="comb")
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
        high_q = Signal(EXP_HIGH.bits, attrs=KEEP)
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


class Greatest(wiring.Component):
    """Greatest logit of a character.

    A comparison takes a cycle and the choice by it another, so the loop of the best so far holds
    two of them, of every other cycle each, which the end compares.

    Members
    -------
    valid, first, last, last_lane : In
        As of `Sampler`.
    logit0 … logit3 : In(16)
        Offset binary.
    greatest : Out(16)
        Offset binary, `latency` cycles after the last row; holds until the next first row.
    """

    latency = 9

    def __init__(self):
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "last": In(1),
                **{f"logit{k}": In(LOGIT.bits) for k in range(GATES)},
                "last_lane": In(2),
                "greatest": Out(LOGIT.bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        keys = []
        for lane in range(GATES):
            logit = getattr(self, f"logit{lane}")
            is_symbol = self.valid & ~(self.last & (lane > self.last_lane))
            keys.append(register(m, Mux(is_symbol, logit, 0), f"key{lane}"))
        while len(keys) > 1:
            keys = [
                _greater(m, a, b, f"best{len(keys)}_{k}")
                for k, (a, b) in enumerate(zip(keys[::2], keys[1::2], strict=True))
            ]
        best = Signal(LOGIT.bits)
        forget = delay(m, self.valid & self.first, self.latency - 5, "forget")
        wins = register(m, greater(keys[0], best), "wins")
        challenger, kept = register(m, keys[0], "challenger"), register(m, best, "kept")
        with m.If(forget | register(m, forget, "forget_other")):
            m.d.sync += best.eq(0)
        with m.Else():
            m.d.sync += best.eq(Mux(wins, challenger, kept))
        m.d.comb += self.greatest.eq(_greater(m, best, kept, "winner"))
        return m


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
        x, y = Signal(DISTANCE.bits, attrs=KEEP), Signal(LOG2_E.bits, attrs=KEEP)
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


class Surprisal(wiring.Component):
    """Rows of four logits and the symbol that came to its surprisal.

    Members
    -------
    valid, first, last : In(1)
        A row of logits; whether it is a character's first or last.
    logit0 … logit3 : In(signed(16))
    last_lane : In(2)
        Highest lane of the last row that is a symbol; held.
    target : In(8)
        The symbol that came; read ``TARGET_AFTER`` cycles after the last row.
    done, surprisal : Out
        Pulse, `latency` cycles after the last row. The next character may have begun: see
        `interval`.
    """

    TARGET_AFTER = Greatest.latency - SurprisalLane.GREATEST_AFTER - 1
    SUM_LATENCY = 3

    def __init__(self):
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "last": In(1),
                **{f"logit{k}": In(signed(LOGIT.bits)) for k in range(GATES)},
                "last_lane": In(2),
                "target": In(SYMBOL_BITS),
                "done": Out(1),
                "surprisal": Out(SURPRISAL.bits),
            }
        )

    @staticmethod
    def latency(rows):
        """Cycles from the last row of a character to its surprisal."""
        first_read = Surprisal.TARGET_AFTER + 1
        summed = SurprisalLane.latency + Surprisal.SUM_LATENCY
        return first_read + rows - 1 + summed + Close.latency

    @staticmethod
    def interval(rows):
        """Least cycles from a character's first row to the next one's.

        The rows must have been read before others come, and the surprisal be done before the
        next pass 2 begins; 135 cycles with 256 symbols.
        """
        read = Surprisal.TARGET_AFTER + 2 + rows
        closed = Surprisal.latency(rows) - (rows - 1) - Surprisal.TARGET_AFTER
        return rows - 1 + max(read, closed)

    def elaborate(self, platform):
        m = Module()
        m.submodules.greatest = greatest = Greatest()
        m.submodules.close = close = Close()
        lanes = [SurprisalLane() for _ in range(GATES)]
        for name in ("valid", "first", "last", "last_lane"):
            m.d.comb += getattr(greatest, name).eq(getattr(self, name))

        # One counter for both passes: up from row 0 to the last, then down until it is negative.
        row, target, reading = Signal(ROW_BITS + 1), Signal(SYMBOL_BITS), Signal()
        begin = delay(m, self.valid & self.last, self.TARGET_AFTER, "begin")
        write, at_last = register(m, self.valid, "write"), register(m, begin, "at_last")
        is_over = row[-1]
        with m.If(self.valid & self.first):
            m.d.sync += row.eq(0)
        with m.Elif(self.valid | reading):
            m.d.sync += row.eq(row + Cat(C(1, 1), reading.replicate(ROW_BITS)))
        with m.If(begin):
            m.d.sync += [reading.eq(1), target.eq(self.target)]
        with m.Elif(is_over):
            m.d.sync += reading.eq(0)
        is_read = reading & ~is_over
        for k, lane in enumerate(lanes):
            counts = is_read & ~(at_last & (k > self.last_lane))
            place(m, platform, f"lane{k}", lane)
            logit = getattr(self, f"logit{k}")
            m.d.comb += [
                getattr(greatest, f"logit{k}").eq(offset_binary(logit)),
                lane.write.eq(write),
                lane.w_row.eq(row),
                lane.logit.eq(register(m, offset_binary(logit), f"logit{k}_q")),
                lane.r_row.eq(row),
                lane.counts.eq(delay(m, counts, lane.DISTANCE_LATENCY, f"counts{k}")),
                lane.greatest.eq(greatest.greatest),
            ]

        # The distance of the symbol, on its way to the exponentials.
        is_row = equal_by_halves(m, row[:ROW_BITS], target[2:], "row")
        is_row &= register(m, is_read, "is_read")
        is_row = delay(m, is_row, SurprisalLane.DISTANCE_LATENCY, "is_row")
        choices = [lane.distance for lane in lanes]
        low, high = (Mux(target[0], choices[k + 1], choices[k]) for k in (0, 2))
        chosen = register(m, Mux(target[1], high, low), "chosen")
        distance = Signal(DISTANCE.bits, reset_less=True)
        with m.If(is_row):
            m.d.sync += distance.eq(chosen)

        pairs = [
            register(m, a.term + b.term, f"pair{k}")
            for k, (a, b) in enumerate(zip(lanes[::2], lanes[1::2], strict=True))
        ]
        four = register(m, pairs[0] + pairs[1], "four")
        total = Signal(TOTAL.bits)
        with m.If(begin):
            m.d.sync += total.eq(0)
        with m.Else():
            m.d.sync += total.eq(total + four)
        summed = SurprisalLane.latency + self.SUM_LATENCY
        m.d.comb += [
            close.start.eq(delay(m, reading & is_over, summed - 1, "summed")),
            close.total.eq(total),
            close.distance.eq(distance),
            self.done.eq(close.done),
            self.surprisal.eq(close.surprisal),
        ]
        return m


def _greater(m, a, b, name):
    """The greater of two keys, two cycles later."""
    wins = register(m, greater(a, b), f"{name}_wins")
    chosen = Mux(wins, register(m, a, f"{name}_a"), register(m, b, f"{name}_b"))
    return register(m, chosen, name)
