"""Packets as bytes and as the words of a stream."""

import numpy as np
from cocotbext.axi.stream import define_stream

from zynq_lstm.quant.protocol import (
    STATE_C1_SHIFT,
    STATE_C2_SHIFT,
    STATE_H2_SHIFT,
    STREAM_BYTES,
)

H_SHIFTS, C_SHIFTS = (0, STATE_H2_SHIFT), (STATE_C1_SHIFT, STATE_C2_SHIFT)
WHOLE = (1 << STREAM_BYTES) - 1
"""TKEEP of a whole word."""

# A source that sends a word at a time, whatever its TKEEP and TLAST: AxiStreamSource of
# cocotbext-axi sends nothing but sound packets.
WordBus, Word, WordSource, *_ = define_stream(
    "Word", signals=["tdata", "tkeep", "tlast", "tvalid", "tready"]
)


def words_to_bytes(words):
    return np.asarray(words, "<u8").tobytes()


def state_bytes(state):
    """A state as the packet of its words."""
    words = np.zeros(state.h.shape[-1], np.uint64)
    for h, c, h_shift, c_shift in zip(state.h, state.c, H_SHIFTS, C_SHIFTS, strict=False):
        words |= h.view(np.uint8).astype(np.uint64) << np.uint64(h_shift)
        words |= c.view(np.uint16).astype(np.uint64) << np.uint64(c_shift)
    return words_to_bytes(words)


def words_of(data, *, ends=True):
    """The words of a packet, the last one with TLAST unless it ``ends`` not."""
    data = bytes(data)
    words = [
        Word(tdata=int.from_bytes(part, "little"), tkeep=(1 << len(part)) - 1, tlast=0)
        for part in (data[k : k + STREAM_BYTES] for k in range(0, len(data), STREAM_BYTES))
    ]
    words[-1].tlast = int(ends)
    return words


def octets_of(words):
    """The bytes that the hardware sees in words: all up to the highest that TKEEP marks, and one
    where it marks none."""
    return b"".join(
        word.tdata.to_bytes(STREAM_BYTES, "little")[: max(1, word.tkeep.bit_length())]
        for word in words
    )
