"""Surprisal of the symbol that came: log-softmax in bits, four logits a cycle, in two passes.

    pass 1   logits ─┬─ best of four ─ best so far ─ greatest ─────────┐
                     └─ rows, in LUT memories                          │
    pass 2   rows, last one first ─────────────────── greatest - logit = distances
             distances ─┬─ exponentials, four lanes ─ + ─ + ─ total
                        └─ the symbol's distance
    close    logarithm of the total + the distance in bits = surprisal

`quant.surprisal` has the operators, `surprisal_lane` and `logarithm` the parts. The scarce resource
is block memory (the rest of the design takes all that it may), so rows and tables lie in LUTs;
DSP48E1 are five. Rows are read from the last to the first, so that one counter serves both passes.
A character's first row clears what an abandoned one may have left behind.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.blocks import place
from zynq_lstm.hw.logarithm import Close
from zynq_lstm.hw.primitives import delay, equal_by_halves, greater, register
from zynq_lstm.hw.sampler import ROW_BITS, SYMBOL_BITS
from zynq_lstm.hw.surprisal_lane import SurprisalLane
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.formats import LOGIT
from zynq_lstm.quant.surprisal import DISTANCE, SURPRISAL, TOTAL


def offset_binary(logit):
    """The logit plus 2^15: unsigned, in the same order and at the same distances."""
    return Cat(logit[:-1], ~logit[-1])


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
        best = Signal(LOGIT.bits, reset_less=True)
        forget = delay(m, self.valid & self.first, self.latency - 5, "forget")
        wins = register(m, greater(keys[0], best), "wins")
        challenger, kept = register(m, keys[0], "challenger"), register(m, best, "kept")
        with m.If(forget | register(m, forget, "forget_other")):
            m.d.sync += best.eq(0)
        with m.Else():
            m.d.sync += best.eq(Mux(wins, challenger, kept))
        m.d.comb += self.greatest.eq(_greater(m, best, kept, "winner"))
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
        """Least cycles from a character's first row to the next one's; 135 with 256 symbols."""
        return rows - 1 + Surprisal.recovery(rows)

    @staticmethod
    def recovery(rows):
        """Least cycles from a character's last row to the next one's first.

        The rows must have been read before others come, and the surprisal be done before the
        next pass 2 begins.
        """
        read = Surprisal.TARGET_AFTER + 2 + rows
        closed = Surprisal.latency(rows) - (rows - 1) - Surprisal.TARGET_AFTER
        return max(read, closed)

    def elaborate(self, platform):
        m = Module()
        m.submodules.greatest = greatest = Greatest()
        m.submodules.close = close = Close()
        lanes = [SurprisalLane() for _ in range(GATES)]
        for name in ("valid", "first", "last", "last_lane"):
            m.d.comb += getattr(greatest, name).eq(getattr(self, name))

        # One counter for both passes: up from row 0 to the last, then down until it is negative.
        row = Signal(ROW_BITS + 1, reset_less=True)
        target = Signal(SYMBOL_BITS, name="target_held", reset_less=True)
        reading = Signal()
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
        total = Signal(TOTAL.bits, reset_less=True)
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
