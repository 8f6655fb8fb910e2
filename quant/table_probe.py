"""What the probes of tables have in common: numbers that each word of a table has a part in.

A table is constant, so a fault is a word that is not what it should be. A probe of tables asks for
answers such that a word which is too great by one shows in one of them, and one that is too small
in another: each stands at an edge of a rounding, or of a comparison. Each copy of a table that the
chip has is a table of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.exercise import check_testable
from zynq_lstm.quant.parameters import Parameters, matrix_rows, row_count
from zynq_lstm.quant.probe import EXACT, KEPT

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """One copy of a table.

    Parameters
    ----------
    words : ndarray of int64
        As they must be.
    bits : int
        Of a word.
    """

    words: Integers
    bits: int

    def changed(self, word: int, bit: int) -> Integers:
        """The words, one bit of one of them the other way round."""
        words = self.words.copy()
        words[word] = self.flipped(bit)[word]
        return words

    def flipped(self, bit: int) -> Integers:
        """The words, one bit of each the other way round."""
        signed = bit == self.bits - 1 and self.words.min() < 0
        return self.words ^ (-(1 << bit) if signed else 1 << bit)


class TableProbe(ABC):
    """Answers in which the words of some tables show."""

    name: str
    """What is probed."""

    tables: Mapping[str, Table]
    """Copies of tables by their names."""

    @abstractmethod
    def outcome(self, words: Mapping[str, Integers]) -> Integers:
        """Answers when tables hold these words, shape (answers, numbers)."""

    @abstractmethod
    def reads(self, table: str) -> Integers:
        """Words of a table that each answer comes from, shape (answers, words)."""

    @property
    def expected(self) -> Integers:
        """Answers as they must be, shape (answers, numbers)."""
        return self.outcome(self.right)

    @property
    def right(self) -> dict[str, Integers]:
        """The words of each table as they must be."""
        return {name: table.words for name, table in self.tables.items()}


def blank_parameters(config: Config, symbols: int) -> Parameters:
    """A model of zeros."""
    rows = row_count(config, symbols)
    return Parameters(
        config,
        symbols,
        np.zeros((rows, GATES, config.hidden), np.int8),
        np.zeros((rows, GATES), np.uint16),
        np.zeros((rows, GATES), np.int16),
        np.zeros((symbols, config.hidden, GATES), np.int16),
    )


def keeping_parameters(config: Config, symbols: int) -> Parameters:
    """A model of which the last layer's c stays as it was written, and logits are sums of its h.

    Weights and biases of the logits are 0, to be set; h is tanh(c), see `probe.kept_cells`.

    Raises
    ------
    UserError
        When the configuration has no hardware that could be tested.
    """
    check_testable(config)
    parameters, rows = blank_parameters(config, symbols), matrix_rows(config, symbols)
    if config.layers == 2:
        parameters.biases[rows["hh2"]] = KEPT
    parameters.table[:] = KEPT
    parameters.scales[rows["out"]] = EXACT
    return parameters
