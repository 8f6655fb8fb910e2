"""What a self-test holds responsible for a difference, and what a probe has answered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import BANK_COLUMNS, GATES, Config
from zynq_lstm.quant.parameters import Parameters
from zynq_lstm.quant.probe import Probe
from zynq_lstm.quant.state import State

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Suspect:
    """A unit, and what is wrong with it.

    Parameters
    ----------
    unit : str
        Of the hardware: "weight memory 17", for instance.
    fault : str
        As "bit 42 of word 300 stuck at 1".
    """

    unit: str
    fault: str

    def __str__(self) -> str:
        return f"{self.unit}: {self.fault}"


@dataclass(frozen=True)
class Answer:
    """What an accelerator has made of a probe.

    Parameters
    ----------
    probe : Probe
    state : State
        h and c that were read, shape (layers, sets, hidden).
    logits : ndarray of int, shape (sets, symbols)
    """

    probe: Probe
    state: State
    logits: NDArray[np.integer]

    @property
    def parameters(self) -> Parameters:
        """The model's integers."""
        return self.probe.image.parameters

    def wrong_units(self, layer: int) -> Flags:
        """Units of a layer whose c or h differs, shape (sets, hidden)."""
        after = self.probe.after
        found: Flags = self.state.c[layer] != after.c[layer]
        return found | (self.state.h[layer] != after.h[layer])

    @property
    def wrong_logits(self) -> Flags:
        """Logits that differ, by rows and lanes, shape (sets, rows, 4)."""
        found: Flags = self.logits != self.probe.logits
        return found.reshape(len(found), -1, GATES)

    @property
    def passed(self) -> bool:
        """Nothing differs."""
        after = self.probe.after
        return self.state == after and not self.wrong_logits.any()


def place_of(config: Config, unit: int) -> tuple[int, int, int]:
    """Bank, column of the bank, and group in which a unit's h is multiplied."""
    column, group = divmod(unit, config.groups)
    bank, place = divmod(column, BANK_COLUMNS)
    return bank, place, group


def pair_name(config: Config, bank: int, pair: int) -> str:
    """A pair of multipliers, with what it is made of."""
    made = "DSP48E1" if pair < config.bank_dsp_pairs(bank) else "LUTs"
    return f"multiplier pair {pair} of bank {bank} ({made})"
