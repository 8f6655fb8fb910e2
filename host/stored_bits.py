"""Names the bit of a memory that a probe has shown to be wrong.

Where one unit or one row of logits differs, each bit of each word that has a part in it is tried:
as if it stood at 0 or at 1, what would the probe have answered? Who explains every number of both
probes, those that do not differ among them, is suspect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.host.suspects import Answer, Flags, Integers, Suspect, place_of
from zynq_lstm.quant import operators as op
from zynq_lstm.quant.config import ENGINE_PAIRS_PER_BANK, GATES
from zynq_lstm.quant.layout import pack_pairs, unpack_pairs
from zynq_lstm.quant.parameters import matrix_rows
from zynq_lstm.quant.probe import CELL_BEFORE, LAYERS, OUTPUT, probed_matrices

LANE_BITS = 16
_PAIRS = GATES // 2


@dataclass(frozen=True)
class _Row:
    """All that makes the values of one unit's gates, or of one row of logits, in a probe.

    Parameters
    ----------
    weights : ndarray of int, shape (matrices, 4, hidden)
    scales, biases : ndarray of int, shape (matrices, 4)
    table : ndarray of int, shape (symbols, 4)
        Zeros where a row has none.
    h : ndarray of int, shape (matrices, sets, hidden)
    symbols : ndarray of int, shape (sets,)
    """

    weights: Integers
    scales: Integers
    biases: Integers
    table: Integers
    h: Integers
    symbols: NDArray[np.integer]

    def values(self) -> Integers:
        """Gates or logits, shape (sets, 4)."""
        sums = np.einsum("msk,mgk->msg", self.h, self.weights)
        scaled = op.requantize(sums, self.scales[:, None])
        addend = self.biases.sum(axis=0) + self.table[self.symbols]
        return op.preactivation(scaled.sum(axis=0), addend)


@dataclass(frozen=True)
class _Bit:
    """A bit of the words behind a `_Row`, at one value.

    Parameters
    ----------
    part : str
        Field of `_Row` that it is in.
    place : tuple of int
        There: of weights matrix, pair of lanes and unit, else the place of an entry.
    bit : int
        Of 16.
    value : int
        0 or 1.
    """

    part: str
    place: tuple[int, ...]
    bit: int
    value: int

    def applied(self, row: _Row) -> _Row:
        """The row as it is with this bit."""
        entries = getattr(row, self.part).copy()
        if self.part == "weights":
            matrix, pair, unit = self.place
            lanes = (matrix, slice(2 * pair, 2 * pair + 2), unit)
            entries[lanes] = unpack_pairs(self._set(pack_pairs(entries[lanes])))
        else:
            word = self._set(entries[self.place].astype(np.uint16))
            entries[self.place] = word if self.part == "scales" else word.astype(np.int16)
        return replace(row, **{self.part: entries})

    def _set(self, words: NDArray[np.uint16]) -> NDArray[np.uint16]:
        mask = np.uint16(1 << self.bit)
        return words | mask if self.value else words & ~mask


def wrong_bits(answers: Sequence[Answer]) -> tuple[Suspect, ...]:
    """Bits each of which alone explains what both answers of a probe are."""
    where = _only_place(answers)
    if where is None:
        return ()
    reads = [_Read(answer, where) for answer in answers]
    return tuple(
        _suspect(answers[0], where, bit)
        for bit in _bits(answers, where)
        if all(read.explained_by(bit) for read in reads)
    )


class _Read:
    """What one probe has shown of the unit or row."""

    def __init__(self, answer: Answer, where: int) -> None:
        self._answer, self._row = answer, _row(answer, where)
        self._found = _found(answer, where)
        self._right = np.array_equal(_outcome(answer, self._row), self._found)

    def explained_by(self, bit: _Bit) -> bool:
        """Whether it would have been so with this bit."""
        changed = bit.applied(self._row)
        if np.array_equal(getattr(changed, bit.part), getattr(self._row, bit.part)):
            return self._right
        return np.array_equal(_outcome(self._answer, changed), self._found)


def _is_output(answer: Answer) -> bool:
    return answer.probe.name == OUTPUT


def _wrong_places(answer: Answer) -> Flags:
    """Sets and units, or sets and rows, that differ."""
    if _is_output(answer):
        return np.asarray(answer.wrong_logits.any(axis=2))
    return answer.wrong_units(LAYERS.index(answer.probe.name))


def _only_place(answers: Sequence[Answer]) -> int | None:
    """The one unit or row that differs."""
    wrong = np.vstack([_wrong_places(answer) for answer in answers]).any(axis=0)
    places = np.flatnonzero(wrong)
    return int(places[0]) if len(places) == 1 else None


def _matrices(answer: Answer) -> tuple[str, ...]:
    return probed_matrices(answer.probe.name)


def _row(answer: Answer, where: int) -> _Row:
    p, matrices = answer.parameters, _matrices(answer)
    rows = [p.matrix(name).start + where for name in matrices]
    table = np.zeros((p.symbols, GATES), np.int64)
    if answer.probe.name == LAYERS[0]:
        table = p.table[:, where].astype(np.int64)
    return _Row(
        p.weights[rows].astype(np.int64),
        p.scales[rows].astype(np.int64),
        p.biases[rows].astype(np.int64),
        table,
        np.stack([answer.probe.hidden(name) for name in matrices]),
        answer.probe.symbols,
    )


def _found(answer: Answer, where: int) -> Integers:
    """What was read of a unit or row, shape (sets, 2 or 4)."""
    if _is_output(answer):
        return answer.logits.reshape(len(answer.logits), -1, GATES)[:, where].astype(np.int64)
    layer = LAYERS.index(answer.probe.name)
    both = answer.state.c[layer][:, where], answer.state.h[layer][:, where]
    return np.stack(both, axis=1).astype(np.int64)


def _outcome(answer: Answer, row: _Row) -> Integers:
    """What would have been read."""
    values = row.values()
    if _is_output(answer):
        return values
    i, f, o = (op.sigmoid(values[:, gate]) for gate in (0, 1, 3))
    c = op.cell_update(i, f, op.tanh(values[:, 2]), np.int64(CELL_BEFORE))
    return np.stack([c, op.hidden_output(o, op.tanh(c))], axis=1)


def _bits(answers: Sequence[Answer], where: int) -> Iterator[_Bit]:
    """Each bit that could be it."""
    answer = answers[0]
    wrong = np.any([_wrong_places(a)[:, where] for a in answers], axis=0)
    matrices = range(len(_matrices(answer)))
    places: list[tuple[str, tuple[int, ...]]] = []
    for matrix, name in enumerate(_matrices(answer)):
        common = (answer.probe.hidden(name)[wrong] != 0).all(axis=0)
        units = np.flatnonzero(common)
        places += [("weights", (matrix, pair, int(u))) for u in units for pair in range(_PAIRS)]
    lanes = range(GATES)
    places += [(part, (m, k)) for part in ("scales", "biases") for m in matrices for k in lanes]
    if answer.probe.name == LAYERS[0]:
        used = np.unique(answer.probe.symbols[wrong])
        places += [("table", (int(symbol), lane)) for symbol in used for lane in lanes]
    for part, place in places:
        for bit in range(LANE_BITS):
            yield _Bit(part, place, bit, 0)
            yield _Bit(part, place, bit, 1)


def _suspect(answer: Answer, where: int, bit: _Bit) -> Suspect:
    config = answer.parameters.config
    if bit.part == "table":
        symbol, lane = bit.place
        number, unit, word = bit.bit, f"input table of gate {'ifgo'[lane]}", symbol * config.hidden
        return Suspect(unit, f"bit {number} of word {word + where} stuck at {bit.value}")
    matrix = _matrices(answer)[bit.place[0]]
    row = matrix_rows(config, config.symbols)[matrix].start + where
    if bit.part != "weights":
        unit, number, word = f"memory of {bit.part}", bit.place[1] * LANE_BITS + bit.bit, row
    else:
        bank, column, group = place_of(config, bit.place[2])
        pair = column * ENGINE_PAIRS_PER_BANK // 2 + bit.place[1]
        unit, number = f"weight memory {bank}", pair * LANE_BITS + bit.bit
        word = row * config.groups + group
    return Suspect(unit, f"bit {number} of word {word} stuck at {bit.value}")
