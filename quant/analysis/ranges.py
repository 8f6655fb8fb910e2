"""How much of each format's range a text makes use of, and how often it ends there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.analysis.datapath import Stage
from zynq_lstm.quant.formats import Format

MIDDLE = 0.998
"""Share of the values that counts as the middle of a distribution."""
_HISTOGRAM_BITS = 12


@dataclass(frozen=True)
class Range:
    """The range of one quantity.

    Parameters
    ----------
    place, of, gate : str
        Which one: see `Stage`; ``gate`` is i, f, g or o for pre-activations, else empty.
    form : Format
    least, greatest : int
        Ends of what came, before saturation, in LSB.
    low, high : int
        Ends of the middle `MIDDLE` of the values, in LSB, to within 1/4096 of the range.
    clipped_low, clipped_high : int
        Values that saturation changed.
    count : int
        Values in all.
    """

    place: str
    of: str
    gate: str
    form: Format
    least: int
    greatest: int
    low: int
    high: int
    clipped_low: int
    clipped_high: int
    count: int

    @property
    def clipped(self) -> int:
        """Values that saturation changed, at both ends."""
        return self.clipped_low + self.clipped_high

    @property
    def used(self) -> float:
        """Greatest magnitude over the greatest that the format has; above 1 where it clipped."""
        return max(-self.least / -self.form.minimum, self.greatest / self.form.maximum)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; ranges in units, not in LSB."""
        lsb = self.form.lsb
        return {
            "place": self.place,
            "of": self.of,
            "gate": self.gate,
            "available": [self.form.minimum * lsb, self.form.maximum * lsb],
            "found": [self.least * lsb, self.greatest * lsb],
            "middle": [self.low * lsb, self.high * lsb],
            "used": self.used,
            "clipped": [self.clipped_low, self.clipped_high],
            "values": self.count,
        }


class Ranges:
    """Ranges of all stages, gathered piece by piece."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str, str], _Tally] = {}

    def add(self, stages: list[Stage]) -> None:
        """Count one piece's values."""
        for stage in stages:
            if stage.place == "preactivation":
                for k, gate in enumerate("ifgo"):
                    self._tally(stage, gate).add(stage.values[..., k])
            else:
                self._tally(stage, "").add(stage.values)

    def results(self) -> list[Range]:
        """The ranges so far, in the order of the datapath."""
        return [tally.result(*key) for key, tally in self._tallies.items()]

    def _tally(self, stage: Stage, gate: str) -> _Tally:
        key = (stage.place, stage.of, gate)
        if key not in self._tallies:
            self._tallies[key] = _Tally(stage.form)
        return self._tallies[key]


class _Tally:
    def __init__(self, form: Format) -> None:
        self._form = form
        self._shift = max(0, form.bits - _HISTOGRAM_BITS)
        self._histogram = np.zeros(1 << (form.bits - self._shift), np.int64)
        self._least, self._greatest = np.inf, -np.inf
        self._clipped_low = self._clipped_high = 0

    def add(self, values: NDArray[np.int64]) -> None:
        form = self._form
        least, greatest = int(values.min()), int(values.max())
        self._least, self._greatest = min(self._least, least), max(self._greatest, greatest)
        if least < form.minimum:
            self._clipped_low += int(np.count_nonzero(values < form.minimum))
        if greatest > form.maximum:
            self._clipped_high += int(np.count_nonzero(values > form.maximum))
        bins = (np.clip(values, form.minimum, form.maximum) - form.minimum) >> self._shift
        self._histogram += np.bincount(bins.ravel(), minlength=len(self._histogram))

    def result(self, place: str, of: str, gate: str) -> Range:
        total = self._histogram.cumsum()
        tail = (1 - MIDDLE) / 2 * total[-1]
        low = int(np.searchsorted(total, tail, side="right"))
        high = int(np.searchsorted(total, total[-1] - tail, side="left"))
        minimum = self._form.minimum
        return Range(
            place=place,
            of=of,
            gate=gate,
            form=self._form,
            least=int(self._least),
            greatest=int(self._greatest),
            low=max(int(self._least), minimum + (low << self._shift)),
            high=min(int(self._greatest), minimum + ((high + 1) << self._shift) - 1),
            clipped_low=self._clipped_low,
            clipped_high=self._clipped_high,
            count=int(total[-1]),
        )
