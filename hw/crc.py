"""CRC-32 of 64-bit words, a word in two cycles, as zlib computes it over their bytes.

    word ─┬─ low half ──┬─ half ─ M ─ contribution ─(+)─┬─ state ─ crc
          └─ high half ─┘                            └─ M ─┘

CRC is linear: with M the effect of 32 zero bits, the state behind a half word is M (state + half),
which is M state + M half. So the half's part has a register of its own, and what must close within
a cycle is M on the state alone: at most 18 bits a sum, two or three LUTs one behind the other.
"""

from functools import reduce
from operator import xor

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.primitives import delay, register
from zynq_lstm.quant.protocol import STREAM_BITS

CRC_BITS = 32
POLYNOMIAL = 0xEDB8_8320
"""Of CRC-32 (IEEE 802.3), lowest bit first."""


def behind_zeros(state):
    """The state after 32 zero bits: M, on an integer."""
    for _ in range(CRC_BITS):
        state = state >> 1 ^ (POLYNOMIAL if state & 1 else 0)
    return state


_COLUMNS = [behind_zeros(1 << k) for k in range(CRC_BITS)]


def advanced(value):
    """M on a 32-bit signal."""
    return Cat(
        reduce(xor, (value[k] for k in range(CRC_BITS) if _COLUMNS[k] >> row & 1))
        for row in range(CRC_BITS)
    )


class Crc32(wiring.Component):
    """The CRC of the words since ``clear``.

    Members
    -------
    clear : In(1)
        Held for `latency` cycles without words, it makes them the first.
    valid : In(1), data : In(64)
        A word; not in two cycles one behind the other.
    crc : Out(32)
        `latency` cycles after the last word.
    """

    HALF, CONTRIBUTION, STATE = 1, 1, 1
    latency = HALF + CONTRIBUTION + STATE + 1
    """The high half comes a cycle behind the low one."""

    def __init__(self):
        super().__init__(
            {"clear": In(1), "valid": In(1), "data": In(STREAM_BITS), "crc": Out(CRC_BITS)}
        )

    def elaborate(self, platform):
        m = Module()
        high = register(m, self.data[CRC_BITS:], "high")
        half = register(m, Mux(self.valid, self.data[:CRC_BITS], high), "half")
        contribution = register(m, advanced(half), "contribution")
        low_comes = delay(m, self.valid, self.HALF + self.CONTRIBUTION, "low_comes")
        high_comes = delay(m, low_comes, 1, "high_comes")
        state = Signal(CRC_BITS, reset_less=True)
        with m.If(self.clear):
            m.d.sync += state.eq(~0)
        with m.Elif(low_comes | high_comes):
            m.d.sync += state.eq(advanced(state) ^ contribution)
        m.d.comb += self.crc.eq(~state)
        return m
