"""What hardware and host agree on: modes of a run, error bits, words of the streams."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class Mode(IntEnum):
    """What a start does.

    Streams are 64 bits wide, little-endian, one packet each way.
    """

    LOAD = 0
    """In: an image's payload."""
    GENERATE = 1
    """In: prompt, a byte a symbol. Out: sampled symbols, a byte each."""
    LOGITS = 2
    """In: text, a byte a symbol. Out: for each, its rows of four 16-bit logits."""
    READ_STATE = 3
    """Out: a word a unit: h1 (bits 0-7), h2 (8-15), c1 (16-31), c2 (32-47)."""
    WRITE_STATE = 4
    """In: the same words."""
    RESET_STATE = 5
    """h and c become zero."""
    SCORE = 6
    """In: text and one symbol more, a byte a symbol; that last one is not fed. Out: for each symbol
    fed, the surprisal of the one behind it, two bytes (`surprisal.SURPRISAL`)."""


MODE_BITS = max(Mode).bit_length()

RUNS = (Mode.GENERATE, Mode.LOGITS, Mode.SCORE)
"""Modes that compute characters; the others load a model, or move its state."""


class Error(IntFlag):
    """Sticky error bits; cleared by the next start."""

    NOT_LOADED = 1
    """GENERATE, LOGITS or SCORE was started without a model."""
    LENGTH = 2
    """One of them was started with INPUTS 0, or GENERATE with OUTPUTS 0."""
    IMAGE = 4
    """The payload's first word is of another configuration, or its length does not fit."""
    PACKET = 8
    """The input packet was shorter or longer than announced."""
    SYMBOL = 16
    """A symbol was not below the number of the model's symbols."""
    ABORTED = 32
    """The run was abandoned."""
    CRC = 64
    """The payload's last word is not the CRC-32 of those before it."""
    MEMORY = 128
    """A word of a weight memory was not the one that had been written."""


ERROR_BITS = len(Error)

STREAM_BITS = 64
STREAM_BYTES = STREAM_BITS // 8
"""Of a word of the streams."""

SURPRISAL_BYTES = 2
"""Of one surprisal in the answer to `Mode.SCORE`."""

STATE_C1_SHIFT, STATE_H2_SHIFT, STATE_C2_SHIFT = 16, 8, 32
"""First bits of c1, h2 and c2 in the word of a unit (`Mode.READ_STATE`); h1 begins at 0."""
