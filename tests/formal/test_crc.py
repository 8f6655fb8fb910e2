"""The CRC unit, proved by induction to follow the definition, word by word, at a width of 4 bits.

The reference takes a word's two halves through the definition, bit by bit, in the cycle of the
word. Of the words it is assumed that no two come in consecutive cycles, and of `clear` that no word
is on its way then: what the loader keeps. What depends on the width is linear in the state and the
word, so that unit vectors settle it: `tests/hw/test_crc.py` plays each bit of a word at 32 bits,
and the unit's matrix is held against the definition here.
"""

import pytest
from amaranth.hdl import Cat, Const, Module, Mux, Signal
from formal_proof import Bench, altered, prove, reached, refutes

SMALL = (
    ("CRC_BITS = 32", "CRC_BITS = 4"),
    ("0xEDB8_8320", "0b1101"),
    ('"data": In(STREAM_BITS)', '"data": In(8)'),
)
"""A CRC of 4 bits over words of 8."""


def shifted(m, value, polynomial, name):
    """A state after as many zero bits as it is wide, by the definition."""
    for k in range(len(value)):
        after = Signal(len(value), name=f"{name}_{k}")
        m.d.comb += after.eq((value >> 1) ^ Mux(value[0], polynomial, 0))
        value = after
    return value


def crc_bench(*changes, only=None):
    crc = altered("crc", *SMALL, *changes)
    dut, bits = crc.Crc32(), crc.CRC_BITS
    bench = Bench(dut, only=only)
    m: Module = bench.m
    polynomial = Const(crc.POLYNOMIAL, bits)
    low, high = dut.data[:bits], dut.data[bits:]
    valids = Cat(dut.valid, *(bench.past(dut.valid, k) for k in range(1, dut.latency)))
    bench.assume(~(valids[0] & valids[1]))
    bench.assume(~dut.clear | ~valids.any())

    reference, fresh = Signal(bits), Signal()
    mixed = Signal(bits)
    m.d.comb += mixed.eq(reference ^ low)
    half = shifted(m, mixed, polynomial, "half")
    whole_in = Signal(bits)
    m.d.comb += whole_in.eq(half ^ high)
    whole = shifted(m, whole_in, polynomial, "whole")
    with m.If(dut.clear):
        m.d.sync += [reference.eq(~0), fresh.eq(1)]
    with m.Elif(dut.valid):
        m.d.sync += reference.eq(whole)

    settled = ~valids[1:].any()
    bench.holds("it is the CRC of the words", ~(fresh & settled) | (dut.crc == ~reference))
    before = [bench.past(v, dut.latency - 1) for v in (dut.valid, half, reference)]
    expected = Mux(before[0], before[1], before[2])
    cleared = bench.past(dut.clear) | bench.past(dut.clear, 2) | bench.past(dut.clear, 3)
    bench.invariant(~fresh | cleared | (bench.inside("state") == expected))
    bench.invariant(~(fresh & cleared & settled) | (bench.inside("state") == reference))
    count = Signal(3)
    with m.If(dut.valid & fresh & ~count.all()):
        m.d.sync += count.eq(count + 1)
    bench.reaches((count == 3) & settled & dut.crc[0])
    return bench


def test_crc(tmp_path):
    assert reached(crc_bench(), tmp_path, depth=16)
    print(prove(crc_bench(), tmp_path, depth=6))


FAULTS = {
    "the words that count": (
        "self.HALF + self.CONTRIBUTION,",
        "self.HALF + self.CONTRIBUTION + 1,",
    ),
    "the halves in their order": ("self.data[:CRC_BITS], high)", "self.data[CRC_BITS:], high)"),
    "what is behind the first word": ("state.eq(~0)", "state.eq(1)"),
    "the end": ("self.crc.eq(~state)", "self.crc.eq(state)"),
    "the matrix": ("if state & 1 else", "if state & 3 == 1 else"),
}
"""Of the one property."""


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_crc_faults(fault, tmp_path):
    assert refutes(crc_bench(FAULTS[fault]), tmp_path, depth=16)


def test_matrix_is_the_definition():
    crc = altered("crc")
    for bit in range(crc.CRC_BITS):
        state = 1 << bit
        for _ in range(crc.CRC_BITS):
            state = state >> 1 ^ crc.POLYNOMIAL * (state & 1)
        assert crc.behind_zeros(1 << bit) == state
