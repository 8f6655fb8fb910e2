"""Symbols, logits, surprisals and states as the bytes of packets, and back.

A symbol is a byte, so that symbols are their own packet. All else is little-endian
(`zynq_lstm.quant.protocol.Mode`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.host.link import Bytes
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.layout import Words
from zynq_lstm.quant.protocol import STATE_C1_SHIFT, STATE_C2_SHIFT, STATE_H2_SHIFT
from zynq_lstm.quant.state import State

LOGIT_BYTES = 2

_H_SHIFTS = (0, STATE_H2_SHIFT)
_C_SHIFTS = (STATE_C1_SHIFT, STATE_C2_SHIFT)


def pack_words(words: Words) -> Bytes:
    """Bytes of 64-bit words, shape (8 n,)."""
    return words.astype("<u8").view(np.uint8)


def unpack_logits(packet: Bytes, symbols: int) -> NDArray[np.int16]:
    """Logits from rows of four, shape (n, symbols); the last row's padding is dropped."""
    lanes = -(-symbols // GATES) * GATES
    return packet.view("<i2").reshape(-1, lanes)[:, :symbols].astype(np.int16)


def unpack_surprisals(packet: Bytes) -> NDArray[np.uint16]:
    """Surprisals, two bytes each, shape (n,)."""
    return packet.view("<u2").astype(np.uint16)


def pack_state(state: State) -> Bytes:
    """A state as a word a unit."""
    words = np.zeros(state.h.shape[-1], np.uint64)
    for layer in range(len(state.h)):
        h = state.h[layer].astype(np.int8).view(np.uint8).astype(np.uint64)
        c = state.c[layer].astype(np.int16).view(np.uint16).astype(np.uint64)
        words |= h << np.uint64(_H_SHIFTS[layer]) | c << np.uint64(_C_SHIFTS[layer])
    return pack_words(words)


def unpack_state(packet: Bytes, layers: int) -> State:
    """Inverse of `pack_state`."""
    words = packet.view("<u8").astype(np.uint64)
    h = np.stack([words >> np.uint64(shift) for shift in _H_SHIFTS[:layers]])
    c = np.stack([words >> np.uint64(shift) for shift in _C_SHIFTS[:layers]])
    return State(h.astype(np.uint8).view(np.int8), c.astype(np.uint16).view(np.int16))
