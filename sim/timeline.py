"""One character of a waveform as a timeline: what each part of the accelerator did, and when.

Times are cycles from the character's first step at the engine. What belongs to the characters
before and after is there, too, for their work overlaps with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.errors import UserError
from zynq_lstm.sim.waveform import CORE, DATAPATH, cycles_of

KINDS = "ABCO"
LEAST_CHARACTERS = 4
"""One, one before it, and two behind it: the first step of the next ends it."""
_SEQUENCER, _ELEMENTWISE = f"{CORE}.sequencer", f"{DATAPATH}.elementwise"
_STEP, _ROW_DONE = f"{_SEQUENCER}.valid", f"{_SEQUENCER}.row_done"
_VALID, _LAYER = f"{_ELEMENTWISE}.valid", f"{_ELEMENTWISE}.layer"
_LOGITS, _DONE = f"{DATAPATH}.logits_valid", f"{DATAPATH}.done"
_LAUNCH, _LOAD = f"{DATAPATH}.launch", f"{DATAPATH}.engine.h1_load"
_STREAMS = {"in": "s_axis", "out": "m_axis"}
_NAMES = (
    *(_STEP, _ROW_DONE, _VALID, _LAYER, _LOGITS, _DONE, _LAUNCH, _LOAD),
    *(f"{_SEQUENCER}.kind_{kind}" for kind in KINDS),
    *(f"{stream}_{side}" for stream in _STREAMS.values() for side in ("tvalid", "tready")),
)

Span = tuple[int, int]
"""First cycle and the one behind the last."""


@dataclass(frozen=True)
class Timeline:
    """When what was at work, around one character.

    Parameters
    ----------
    cycles : int
        Length of the character, to the first step of the next.
    steps : dict of str to list of Span
        By kind of step: the multipliers at work.
    elementwise : dict of int to list of Span
        By layer, 1 and 2.
    logits : list of Span
        Rows of logits at sampler and surprisal.
    symbols, launches, loads : list of int
        The sampler's symbols; the beginnings of layer 1; the copies of h1 for the next character.
    words : dict of str to list of int
        Words that were taken, of the streams ``in`` and ``out``.
    """

    cycles: int
    steps: dict[str, list[Span]]
    elementwise: dict[int, list[Span]]
    logits: list[Span]
    symbols: list[int]
    launches: list[int]
    loads: list[int]
    words: dict[str, list[int]]

    @property
    def number(self) -> int:
        """Which of the characters that the waveform was fed with it is, from 1."""
        return sum(t < 0 for t in self.launches)

    @property
    def busy(self) -> int:
        """Cycles of the character in which the multipliers worked."""
        spans = [span for spans in self.steps.values() for span in spans]
        return sum(max(0, min(end, self.cycles) - max(start, 0)) for start, end in spans)


def read_timeline(waveform: Path) -> Timeline:
    """Read the timeline of a character in the middle of a waveform.

    Where words of output leave, it is one during which one does.

    Raises
    ------
    UserError
        When it has no character with others around it.
    """
    seen = cycles_of(waveform, _NAMES)
    kinds = _kinds(seen)
    first = _starts(kinds)
    if len(first) < LEAST_CHARACTERS:
        raise UserError(
            f"A timeline needs a waveform of at least {LEAST_CHARACTERS} characters; "
            f"{waveform} has {len(first)}"
        )
    taken = {
        name: (seen[f"{stream}_tvalid"] & seen[f"{stream}_tready"]) == 1
        for name, stream in _STREAMS.items()
    }
    between = [(int(first[k]), int(first[k + 1])) for k in range(1, len(first) - 2)]
    writing = [(begin, end) for begin, end in between if taken["out"][begin:end].any()]
    begin, end = (writing or between[len(between) // 2 :])[0]

    def spans(mask: NDArray[np.bool_]) -> list[Span]:
        edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))) - begin
        return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]

    def times(mask: NDArray[np.bool_]) -> list[int]:
        return [int(t) - begin for t in np.flatnonzero(mask)]

    valid, layer = seen[_VALID] == 1, seen[_LAYER] == 1
    return Timeline(
        cycles=end - begin,
        steps={kind: spans(kinds == kind) for kind in KINDS},
        elementwise={1: spans(valid & ~layer), 2: spans(valid & layer)},
        logits=spans(seen[_LOGITS] == 1),
        symbols=times(seen[_DONE] == 1),
        launches=times(seen[_LAUNCH] == 1),
        loads=times(seen[_LOAD] == 1),
        words={name: times(mask) for name, mask in taken.items()},
    )


def _kinds(seen: dict[str, NDArray[np.int64]]) -> NDArray[np.str_]:
    """The kind of each cycle's step, "" for none; the last step of a row says it."""
    kinds = np.full(len(seen[_STEP]), "", "<U1")
    kind = ""
    for t in range(len(kinds) - 1, -1, -1):
        if seen[_ROW_DONE][t]:
            kind = next(k for k in KINDS if seen[f"{_SEQUENCER}.kind_{k}"][t])
        if seen[_STEP][t]:
            kinds[t] = kind
    return kinds


def _starts(kinds: NDArray[np.str_]) -> NDArray[np.int64]:
    """Cycles of the characters' first steps: of A, or with one layer of O."""
    opening = "A" if "A" in kinds else "O"
    is_first = kinds == opening
    before = np.concatenate([[False], is_first[:-1]])
    return np.flatnonzero(is_first & ~before)
