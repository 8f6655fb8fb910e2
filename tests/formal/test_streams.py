"""The stream FIFO at its full size, and the packing of bytes, proved by induction.

The FIFO's memory is replaced by one that holds a single word, the one at the address of a chosen
one of the words on their way; all others read as anything. What holds with it holds with the
memory, for whichever word is chosen.
"""

import pytest
from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from formal_proof import Bench, altered, prove, reached, refutes

COUNT_BITS = 12
"""Of the words in and out; a multiple of the FIFO's depth, and more than twice it."""


class OneWordRam(wiring.Component):
    """`hw.memory.BlockRam`, of which one word is kept."""

    def __init__(self, depth, width):
        address = (depth - 1).bit_length()
        super().__init__(
            {
                "w_en": In(1),
                "w_addr": In(address),
                "w_data": In(width),
                "r_addr": In(address),
                "r_data": Out(width),
                "chosen": In(address),
                "word": Out(width),
                "other": In(width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        with m.If(self.w_en & (self.w_addr == self.chosen)):
            m.d.sync += self.word.eq(self.w_data)
        m.d.sync += self.r_data.eq(Mux(self.r_addr == self.chosen, self.word, self.other))
        return m


def fifo_bench(*changes, only=None):
    streams = altered("streams", *changes)
    rams = []

    def one_word_ram(depth, width):
        rams.append(OneWordRam(depth, width))
        return rams[-1]

    streams.BlockRam = one_word_ram
    dut = streams.StreamFifo()
    bench = Bench(dut, only=only)
    m, (ram,), depth = bench.m, rams, streams.DEPTH
    w, r, used = (bench.inside(n) for n in ("w", "r", "used"))

    # Word number `chosen`, modulo 2^COUNT_BITS, as it went in.
    chosen = bench.symbol(COUNT_BITS, "chosen")
    m.d.comb += [ram.chosen.eq(chosen), ram.other.eq(bench.free(len(ram.other), "other"))]
    went_in = Cat(dut.i_data, dut.i_end, dut.i_last)
    comes_out = Cat(dut.o_data, dut.o_end, dut.o_last)
    push, pop = dut.i_valid & dut.i_ready, dut.o_valid & dut.o_ready
    sent, got = Signal(COUNT_BITS), Signal(COUNT_BITS)
    word = Signal(len(went_in))
    count = Signal(COUNT_BITS)
    m.d.comb += count.eq(sent - got)
    with m.If(push):
        m.d.sync += sent.eq(sent + 1)
        with m.If(sent == chosen):
            m.d.sync += word.eq(went_in)
    with m.If(pop):
        m.d.sync += got.eq(got + 1)

    in_order = ~(dut.o_valid & (got == chosen)) | (comes_out == word)
    bench.holds("the n-th word out is the n-th word in", in_order)
    bench.holds("no word is made", ~dut.o_valid | (count != 0))
    bench.holds("no word is lost", count < depth)
    waits = bench.past(dut.o_valid & ~dut.o_ready)
    same = (got != chosen) | (comes_out == bench.past(comes_out))
    bench.holds("valid until taken", ~waits | dut.o_valid)
    bench.holds("stable until taken", ~waits | same)
    idle = (count != 0) & ~dut.o_valid
    bench.holds("a word comes out", ~(idle & bench.past(idle) & bench.past(idle, 2)))
    room = count < depth - 8
    bench.holds("with room it is ready", ~bench.past(room, 2) | dut.i_ready)
    half = bench.past(count, 2) >= depth // 2
    bench.holds("half full is told", ~bench.past(bench.powered_on) | (dut.half_full == half))

    bench.invariant(w == sent[: len(w)])
    bench.invariant(r == got[: len(r)])
    bench.invariant(used == bench.past(count)[: len(used)])
    bench.invariant(dut.i_ready == (bench.powered_on & (bench.past(count, 2) < depth - 8)))
    bench.invariant(count <= depth - 6)
    bench.invariant(~((chosen - got)[:COUNT_BITS] < count) | (ram.word == word))
    bench.reaches((sent == 3) & (got == 3) & (comes_out != 0))
    return bench


@pytest.mark.parametrize("condition", ["self.i_valid", "self.i_ready"])
def test_what_is_written_without_a_word_is_never_seen(tmp_path, condition):
    """The memory may be written more often than words come, for the place is free."""
    prove(fifo_bench(("ram.w_en.eq(push)", f"ram.w_en.eq({condition})")), tmp_path, depth=4)


def test_fifo(tmp_path):
    assert reached(fifo_bench(), tmp_path, depth=10)
    print(prove(fifo_bench(), tmp_path, depth=4))


SMALL = ("DEPTH = 512", "DEPTH = 16")
"""So that a run from power-on fills it."""

FIFO_FAULTS = {
    "the n-th word out is the n-th word in": ("ram.r_addr.eq(r)", "ram.r_addr.eq(r ^ (w == 5))"),
    "no word is made": ("(r != w)", "((r != w) | (w == 3))"),
    "no word is lost": ("~used[3:].all()", "1"),
    "valid until taken": ("~pop & (r != w)", "~valid & (r != w)"),
    "stable until taken": ("r, step=pop", "r, step=valid"),
    "a word comes out": ("(r != w)", "(w - r)[1:].any()"),
    "with room it is ready": ("~used[3:].all()", "~used[2:].any()"),
    "half full is told": ("used[-1]", "used[-2:].any()"),
}


@pytest.mark.slow
@pytest.mark.parametrize("broken", FIFO_FAULTS)
def test_fifo_faults(broken, tmp_path):
    assert refutes(fifo_bench(SMALL, FIFO_FAULTS[broken], only=broken), tmp_path, depth=24)


def packer_bench(*changes, only=None):
    dut = altered("streams", *changes).BytePacker()
    bench = Bench(dut, only=only)
    m = bench.m
    # Bytes of the word under way, of which number `chosen` is kept; bytes in and out in all.
    chosen = bench.symbol(3, "chosen")
    here, kept = Signal(3), Signal(8)
    sent, got = Signal(16), Signal(16)
    now = Signal(8)
    m.d.comb += now.eq(Mux(here == chosen, dut.i_byte, kept))
    leaves = dut.i_valid & (dut.i_last | (here == 7))
    with m.If(dut.i_valid):
        m.d.sync += [here.eq(Mux(leaves, 0, here + 1)), kept.eq(now), sent.eq(sent + 1)]
    with m.If(dut.valid):
        m.d.sync += got.eq(got + dut.end + 1)
    left = bench.past(leaves)
    ends = bench.past(here)
    bench.holds("a word leaves when full or at the packet's end", dut.valid == left)
    bench.holds("it ends with its last byte", ~left | (dut.end == ends))
    bench.holds("last is told once a packet", ~left | (dut.last == bench.past(dut.i_last)))
    byte = dut.data.word_select(chosen, 8)
    bench.holds("bytes are in order", ~(left & (chosen <= ends)) | (byte == bench.past(now)))
    out = got + Mux(dut.valid, dut.end + 1, 0)
    bench.holds("none is lost or made", (sent - out)[:16] == here)
    bench.invariant(bench.inside("place") == here)
    bench.invariant((chosen >= here) | (byte == kept))
    bench.reaches(dut.valid & dut.last & (dut.end == 2) & (got == 16))
    return bench


def test_packer(tmp_path):
    assert reached(packer_bench(), tmp_path, depth=24)
    print(prove(packer_bench(), tmp_path, depth=3))


PACKER_FAULTS = {
    "a word leaves when full or at the packet's end": (
        "place == STREAM_BYTES - 1",
        "place == STREAM_BYTES - 2",
    ),
    "it ends with its last byte": ("end.eq(place)", "end.eq(incremented(place))"),
    "last is told once a packet": (", last.eq(self.i_last)", ", last.eq(leaves)"),
    "bytes are in order": ("word_select(k, 8)", "word_select(k ^ (k == 5), 8)"),
    "none is lost or made": ("Mux(self.i_last, 0, ", "Mux(self.i_last & (place != 2), 0, "),
}


@pytest.mark.slow
@pytest.mark.parametrize("broken", PACKER_FAULTS)
def test_packer_faults(broken, tmp_path):
    assert refutes(packer_bench(PACKER_FAULTS[broken], only=broken), tmp_path, depth=12)


def test_each_property_has_its_fault():
    assert list(FIFO_FAULTS) == fifo_bench().properties
    assert list(PACKER_FAULTS) == packer_bench().properties
