"""Names the multiplier that a probe of the output layer has shown to be wrong.

Logits are sums of products there, with nothing lost. Each stuck bit of each operand of each
multiplier is tried on the first characters that differ, and who explains them on all. Where none
does, what is summed by units apart tells how near to the multipliers the fault is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from zynq_lstm.host.suspects import Answer, Flags, Integers, Suspect, pair_name
from zynq_lstm.quant import operators as op
from zynq_lstm.quant.config import BANK_COLUMNS, BANKS_PER_REGION, GATES
from zynq_lstm.quant.formats import HIDDEN
from zynq_lstm.quant.layout import pack_pairs
from zynq_lstm.quant.stuck_operands import Stuck, hidden_mask, products, stuck_operands

_PAIRS = GATES // 2
"""Pairs of a column."""


class _Sums:
    """The probe's sums, and what a fault of one column's multipliers makes of them."""

    def __init__(self, answer: Answer) -> None:
        self.config, p = answer.parameters.config, answer.parameters
        rows = p.matrix("out")
        self._weights = p.weights[rows].astype(np.int64)
        self._scales = p.scales[rows].astype(np.int64)
        self._biases = p.biases[rows].astype(np.int64)
        self._packed = pack_pairs(p.weights[rows].transpose(0, 2, 1)).astype(np.int64)
        self._h = answer.probe.hidden("out")
        self._sums = np.einsum("sk,rgk->srg", self._h, self._weights)
        self.found = answer.logits.reshape(self._sums.shape)
        self.wrong = answer.wrong_logits

    def explained_by(self, pair: int, stuck: Stuck, where: int) -> Flags:
        """Columns of which a pair with this fault gives what was found of one set."""
        moved = self._moved(pair, stuck, self._h[where], slice(None))
        lanes = slice(2 * pair, 2 * pair + 2)
        sums = self._sums[where, :, None, lanes] + moved
        logits = op.requantize(sums, self._scales[:, None, lanes])
        logits = op.logit(logits, self._biases[:, None, lanes])
        found: Flags = (logits == self.found[where, :, None, lanes]).all(axis=(0, 2))
        return found

    def explained_wholly(self, column: int, pairs: Sequence[int], stuck: Stuck) -> bool:
        """Whether this fault, and nothing else, gives all that was found."""
        sums = self._sums.copy()
        for where, h in enumerate(self._h):
            for pair in pairs:
                moved = self._moved(pair, stuck, h, slice(column, column + 1))
                sums[where, :, 2 * pair : 2 * pair + 2] += moved[:, 0]
        return np.array_equal(op.logit(op.requantize(sums, self._scales), self._biases), self.found)

    def _moved(self, pair: int, stuck: Stuck, h: Integers, columns: slice) -> Integers:
        """By what the sums of both lanes move, shape (rows, columns, 2)."""
        groups, (rows, _, _) = self.config.groups, self._packed.shape
        packed = self._packed[:, :, pair].reshape(rows, -1, groups)[:, columns]
        h = h.reshape(-1, groups)[columns]
        weights = self._weights[:, 2 * pair : 2 * pair + 2].reshape(rows, 2, -1, groups)
        right = weights[:, :, columns] * h
        wrong = np.stack(products(packed, h, stuck), axis=1)
        return (wrong - right).sum(axis=3).transpose(0, 2, 1)


def stuck_multipliers(answers: Sequence[Answer]) -> tuple[Suspect, ...]:
    """Stuck bits of operands each of which alone explains what both answers are."""
    sums = [_Sums(answer) for answer in answers]
    first = next(s for s in sums if s.wrong.any())
    where = int(np.flatnonzero(first.wrong.any(axis=(1, 2)))[0])
    lanes = first.wrong[where].any(axis=0)
    pairs = [k for k in range(_PAIRS) if lanes[2 * k : 2 * k + 2].any()]
    if len(pairs) > 1:
        return tuple(_stuck_hidden(sums, first, where))
    return tuple(_stuck_operands(sums, first, where, pairs[0]))


def _stuck_operands(sums: list[_Sums], first: _Sums, where: int, pair: int) -> Iterator[Suspect]:
    """Stuck bits of one pair."""
    for stuck in stuck_operands():
        for column in np.flatnonzero(first.explained_by(pair, stuck, where)):
            bank, place = divmod(int(column), BANK_COLUMNS)
            number = place * _PAIRS + pair
            if stuck.dsp and number >= first.config.bank_dsp_pairs(bank):
                continue
            if all(s.explained_wholly(int(column), [pair], stuck) for s in sums):
                yield Suspect(pair_name(first.config, bank, number), str(stuck))


def _stuck_hidden(sums: list[_Sums], first: _Sums, where: int) -> Iterator[Suspect]:
    """Stuck bits of the register from which both pairs of a column have h."""
    for k in range(HIDDEN.bits):
        for value in (0, 1):
            stuck = Stuck("", *hidden_mask(k), value)
            columns = first.explained_by(0, stuck, where) & first.explained_by(1, stuck, where)
            for column in np.flatnonzero(columns):
                if all(s.explained_wholly(int(column), range(_PAIRS), stuck) for s in sums):
                    bank, place = divmod(int(column), BANK_COLUMNS)
                    fault = f"bit {k} of the h of its column {place} stuck at {value}"
                    yield Suspect(f"bank {bank}", fault)


def nearest_unit(answers: Sequence[Answer]) -> tuple[Suspect, ...]:
    """The smallest part of the engine that is at work wherever something differs."""
    config = answers[0].parameters.config
    wrong = np.vstack([answer.wrong_logits for answer in answers])
    lanes = ", ".join(str(lane) for lane in np.flatnonzero(wrong.any(axis=(0, 1))))
    sets = np.any([answer.wrong_logits.any(axis=(1, 2)) for answer in answers], axis=0)
    fed = (answers[0].probe.hidden("out") != 0).reshape(len(sets), config.columns, config.groups)
    for name, columns in (("bank", BANK_COLUMNS), ("region", BANK_COLUMNS * BANKS_PER_REGION)):
        parts = fed.reshape(len(sets), config.columns // columns, -1).any(axis=2)
        possible = np.flatnonzero(parts[sets].all(axis=0))
        if len(possible) == 1:
            return (Suspect(f"{name} {possible[0]}", f"products or sums of lanes {lanes}"),)
    return (Suspect("engine or requantizer", f"sums or values of lanes {lanes}"),)
