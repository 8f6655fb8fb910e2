"""The sampler: argmax of logit + temperature * Gumbel noise, four logits a cycle.

    random word ─ addresses ─ noise ─ x temperature ─┐
    logits ─────────────────────────────────────────+┴─ key ─ best of four ─ best so far ─ symbol

A key is the score with the inverted symbol below it, so keys are never equal and the lower symbol
wins between equal scores, as in numpy's argmax. A comparison takes a cycle and the choice by it
another; so that a new row can come every cycle, rows with even and odd numbers have a best of their
own, compared at the end. 4 DSP48E1.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from zynq_lstm.hw.activation import TableRom
from zynq_lstm.hw.blocks import Block, place
from zynq_lstm.hw.primitives import counter, delay, greater, register
from zynq_lstm.hw.xorshift import Xorshift64
from zynq_lstm.quant.config import GATES, MOST_SYMBOLS
from zynq_lstm.quant.formats import GUMBEL, LOGIT, SCORE, TEMPERATURE
from zynq_lstm.quant.operators import LOGIT_TO_SCORE_SHIFT, NOISE_SHIFT
from zynq_lstm.quant.sampling import LANE_BITS, SEED_BITS
from zynq_lstm.quant.tables import (
    GUMBEL_COARSE_BITS,
    GUMBEL_RANDOM_BITS,
    GUMBEL_TAIL_BITS,
    gumbel_table,
)

SYMBOL_BITS = ceil_log2(MOST_SYMBOLS)
ROW_BITS = SYMBOL_BITS - ceil_log2(GATES)
"""Of a symbol, and of its row of logits, at the highest capacity."""
KEY_BITS = SCORE.bits + SYMBOL_BITS


def gumbel_rom():
    """The table of noise."""
    return TableRom("gumbel", gumbel_table(), GUMBEL.bits)


class Noise(Block):
    """Temperature times Gumbel noise for one lane of a random word.

    Members
    -------
    random : In(15)
    temperature : In(16)
    addr : Out, data : In
        To a port of `gumbel_rom`.
    product : Out(signed)
        `SCORE` format, `latency` cycles after ``random``.
    """

    kept = False
    block_name = "zynq_lstm_noise"
    latency = 1 + TableRom.latency + 3

    def __init__(self):
        super().__init__(
            {
                "random": In(GUMBEL_RANDOM_BITS),
                "temperature": In(TEMPERATURE.bits),
                "addr": Out(GUMBEL_COARSE_BITS + 1),
                "data": In(GUMBEL.bits),
                "product": Out(signed(SCORE.bits)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        tail = self.random[GUMBEL_COARSE_BITS:].all()
        cell = Mux(tail, self.random[:GUMBEL_COARSE_BITS], self.random[GUMBEL_TAIL_BITS:])
        m.d.comb += self.addr.eq(register(m, Cat(cell, tail), "cell"))
        temperature = Signal(signed(TEMPERATURE.bits + 1))
        m.d.comb += temperature.eq(self.temperature)
        a = register(m, self.data.as_signed(), "a")
        b = register(m, temperature, "b")
        product = Signal(signed(len(a) + len(b)), reset_less=True)
        rounded = Signal(signed(len(a) + len(b)), reset_less=True)
        m.d.sync += [product.eq(a * b), rounded.eq(product + (1 << (NOISE_SHIFT - 1)))]
        m.d.comb += self.product.eq(rounded[NOISE_SHIFT:])
        return m


class Sampler(wiring.Component):
    """Rows of four logits to one symbol.

    Members
    -------
    load, seed, temperature : In
        Generator state (see `Xorshift64`) and temperature, Q4.12.
    advance : In(1)
        Make the noise of the next row: ``ADVANCE_LEAD`` cycles before its ``valid``.
    valid, first, last : In(1)
        A row of logits; whether it is a character's first or last.
    logit0 … logit3 : In(signed(16))
    last_lane : In(2)
        Highest lane of the last row that is a symbol.
    done, symbol : Out
        Pulse, `latency` cycles after the last row.
    """

    ADVANCE_LEAD = 1 + Noise.latency
    latency = 10

    def __init__(self):
        super().__init__(
            {
                "load": In(1),
                "seed": In(SEED_BITS),
                "temperature": In(TEMPERATURE.bits),
                "advance": In(1),
                "valid": In(1),
                "first": In(1),
                "last": In(1),
                **{f"logit{k}": In(signed(LOGIT.bits)) for k in range(GATES)},
                "last_lane": In(2),
                "done": Out(1),
                "symbol": Out(SYMBOL_BITS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.random = random = Xorshift64()
        m.d.comb += [
            random.load.eq(self.load),
            random.seed.eq(self.seed),
            random.step.eq(self.advance),
        ]
        roms = [gumbel_rom(), gumbel_rom()]
        for k, rom in enumerate(roms):
            place(m, platform, f"table{k}", rom)
        valid, first, last = self.valid, self.first, self.last
        row = Signal(ROW_BITS)
        counter(m, row, step=valid, clear=valid & last)
        row_q = register(m, row, "row_q")
        flags = register(m, Cat(valid, first, last), "flags1")
        keys = []
        for lane in range(GATES):
            noise = Noise()
            place(m, platform, f"noise{lane}", noise)
            rom = roms[lane // 2]
            m.d.comb += [
                noise.random.eq(random.state.word_select(lane, LANE_BITS)),
                noise.temperature.eq(self.temperature),
                getattr(rom, f"addr{lane % 2}").eq(noise.addr),
                noise.data.eq(getattr(rom, f"data{lane % 2}")),
            ]
            logit = getattr(self, f"logit{lane}")
            score = Signal(signed(SCORE.bits), name=f"score{lane}", reset_less=True)
            m.d.sync += score.eq(Cat(C(0, LOGIT_TO_SCORE_SHIFT), logit).as_signed() + noise.product)
            is_symbol = ~(flags[2] & (lane > self.last_lane))
            key = Cat(~C(lane, 2), ~row_q, score[:-1], ~score[-1])
            keys.append(register(m, Mux(is_symbol, key, 0), f"key{lane}"))
        flags = register(m, flags, "flags2")
        lane_level = 0
        while len(keys) > 1:
            lane_level += 1
            keys = [
                _greater(m, a, b, f"best{lane_level}_{k}")
                for k, (a, b) in enumerate(zip(keys[::2], keys[1::2], strict=True))
            ]
        flags = [delay(m, f, 2, f"flag{n}") for n, f in enumerate(flags)]
        early_first = [register(m, f, f"early{n}") for n, f in enumerate(flags[:2])]
        flags = [delay(m, f, 2, f"row_flag{n}") for n, f in enumerate(flags)]
        row_valid, _, row_last = flags
        best = self._running_best(m, keys[0], row_valid, early_first[0] & early_first[1])
        closing = delay(m, row_valid & row_last, 2, "closing")
        winner = _greater(m, *best, "winner")
        m.d.comb += [
            self.symbol.eq(~winner[:SYMBOL_BITS]),
            self.done.eq(delay(m, closing, 2, "done")),
        ]
        return m

    def _running_best(self, m, key, valid, clear):
        """Best key of even and odd rows; ``clear`` comes one cycle before a character's first."""
        odd = Signal()
        with m.If(clear):
            m.d.sync += odd.eq(0)
        with m.Elif(valid):
            m.d.sync += odd.eq(~odd)
        clear_odd = register(m, clear, "clear_odd")
        best = []
        for parity, wipe in ((0, clear), (1, clear_odd)):
            kept = Signal(KEY_BITS, name=f"kept{parity}", reset_less=True)
            wins = register(m, greater(key, kept), f"wins{parity}")
            eligible = register(m, valid & (odd == parity), f"eligible{parity}")
            challenger = register(m, key, f"challenger{parity}")
            with m.If(wipe):
                m.d.sync += kept.eq(0)
            with m.Elif(wins & eligible):
                m.d.sync += kept.eq(challenger)
            best.append(kept)
        return best


def _greater(m, a, b, name):
    """The greater of two keys, two cycles later."""
    wins = register(m, greater(a, b), f"{name}_wins")
    chosen = Mux(wins, register(m, a, f"{name}_a"), register(m, b, f"{name}_b"))
    return register(m, chosen, name)
