"""Scoring a long text in chunks, so that whoever waits for it hears of it several times a second.

A chunk is a run of its own. A run reads one symbol more than it feeds, the one by which its last
logits are judged; the next chunk begins with that, so the chunks' surprisals stand one behind the
other as if there had been one run.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.host.transport import Transport
from zynq_lstm.quant.surprisal import SURPRISAL

FIRST_CHUNK = 256
"""Symbols scored before the first report; chunks do not change the result."""

REPORT_SECONDS = 0.2
"""Chunks grow while they take less than half of this."""


def scored(
    transport: Transport,
    symbols: NDArray[np.uint8],
    progress: Callable[[int, float], None] | None = None,
) -> NDArray[np.uint16]:
    """Surprisal of each symbol but the first, given those before it and the transport's state.

    Parameters
    ----------
    transport : Transport
        All symbols but the last are fed to it.
    symbols : ndarray of uint8, shape (n,)
        At least two.
    progress : callable, optional
        Called after each chunk with the symbols scored so far and their bits. Without it, there
        are no chunks.

    Returns
    -------
    ndarray of uint16, shape (n - 1,)
        `SURPRISAL` format, in bits.
    """
    if progress is None:
        return transport.score(symbols)
    pieces: list[NDArray[np.uint16]] = []
    start, chunk, total = 0, FIRST_CHUNK, 0
    while start < len(symbols) - 1:
        begun = time.monotonic()
        pieces.append(transport.score(symbols[start : start + chunk + 1]))
        start += len(pieces[-1])
        total += int(pieces[-1].sum(dtype=np.int64))
        if 2 * (time.monotonic() - begun) < REPORT_SECONDS:
            chunk *= 2
        progress(start, total * SURPRISAL.lsb)
    return np.concatenate(pieces)
