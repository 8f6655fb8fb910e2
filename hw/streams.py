"""The ends of the streams: a FIFO in one block RAM, and the packing of bytes into words.

A word on its way: 64 bits of data, the number of its last byte (the others below are there too, so
TKEEP is contiguous), and whether it ends a packet.
"""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from zynq_lstm.hw.blocks import Block, place
from zynq_lstm.hw.memory import BlockRam
from zynq_lstm.hw.primitives import counter, incremented, port_register
from zynq_lstm.quant.protocol import STREAM_BITS, STREAM_BYTES

DEPTH = 512
WORD = {"data": STREAM_BITS, "end": ceil_log2(STREAM_BYTES), "last": 1}
"""Fields of a word in the FIFO."""


class StreamFifo(Block):
    """512 words between a stream and its user, at most one word out in two cycles.

    That spares its users every combinational path to the next word, and is enough: an image of
    35,000 words loads in 70,000 cycles, half a millisecond.

    Members
    -------
    i_valid, i_data, i_end, i_last : In; i_ready : Out
        ``i_ready`` is a register; eight words of room are kept for its delay.
    o_valid, o_data, o_end, o_last : Out; o_ready : In
    half_full : Out(1)
        At least 256 words are in it.
    """

    resets = True
    block_name = "zynq_lstm_stream_fifo"

    def __init__(self):
        super().__init__(
            {
                "i_valid": In(1),
                "i_ready": Out(1),
                **{f"i_{n}": In(w) for n, w in WORD.items()},
                "o_valid": Out(1),
                "o_ready": In(1),
                **{f"o_{n}": Out(w) for n, w in WORD.items()},
                "half_full": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        width = sum(WORD.values())
        ram = BlockRam(DEPTH, width)
        place(m, platform, "ram", ram)
        w = Signal(range(DEPTH))
        r = Signal.like(w)
        used = Signal.like(w, reset_less=True)
        valid = Signal()
        push, pop = self.i_valid & self.i_ready, valid & self.o_ready
        counter(m, w, step=push, clear=0)
        counter(m, r, step=pop, clear=0)
        m.d.sync += [
            valid.eq(~pop & (r != w)),
            used.eq(w - r),
            self.i_ready.eq(~used[3:].all()),
            self.half_full.eq(used[-1]),
        ]
        m.d.comb += [
            ram.w_en.eq(push),
            ram.w_addr.eq(w),
            ram.w_data.eq(Cat(*(getattr(self, f"i_{n}") for n in WORD))),
            ram.r_addr.eq(r),
            Cat(*(getattr(self, f"o_{n}") for n in WORD)).eq(ram.r_data),
            self.o_valid.eq(valid),
        ]
        return m


class BytePacker(wiring.Component):
    """Bytes into words, eight a word; a word leaves when it is full or the packet ends.

    Members
    -------
    i_valid, i_byte, i_last : In
    valid, data, end, last : Out
        A word, the cycle after its last byte.
    """

    def __init__(self):
        super().__init__(
            {
                "i_valid": In(1),
                "i_byte": In(8),
                "i_last": In(1),
                "valid": Out(1),
                **{n: Out(w) for n, w in WORD.items()},
            }
        )

    def elaborate(self, platform):
        m = Module()
        place = Signal(WORD["end"])
        leaves = self.i_valid & (self.i_last | (place == STREAM_BYTES - 1))
        data, end, last = (port_register(m, port) for port in (self.data, self.end, self.last))
        m.d.sync += [self.valid.eq(leaves), end.eq(place), last.eq(self.i_last)]
        with m.If(self.i_valid):
            m.d.sync += place.eq(Mux(self.i_last, 0, incremented(place)))
            with m.Switch(place):
                for k in range(STREAM_BYTES):
                    with m.Case(k):
                        m.d.sync += data.word_select(k, 8).eq(self.i_byte)
        return m


def end_of_keep(keep):
    """Number of the highest byte that TKEEP marks."""
    return Cat(
        keep[7] | ~keep[6] & (keep[5] | ~keep[4] & (keep[3] | ~keep[2] & keep[1])),
        keep[6] | keep[7] | ~(keep[4] | keep[5]) & (keep[2] | keep[3]),
        keep[4:].any(),
    )


def keep_of_end(end):
    """TKEEP of a word whose last byte has this number."""
    return Cat(*(end >= k for k in range(STREAM_BYTES)))
