"""Confidence intervals of means over a text, by a block bootstrap.

Neighbouring characters are not independent: a hard sentence is hard for several of them. Whole
blocks of neighbours are therefore drawn, with the text closed to a ring so that each character is
as likely as any other (the circular block bootstrap of Politis and Romano 1992). A block has the
square root of the text's length, so that there are as many blocks as characters in each. Means
that belong together, as those of two models and their difference, are taken over the same blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 4000
CONFIDENCE = 0.95
SEED = 1
FEWEST = 100
"""Values from which on an interval is told: with fewer there are too few blocks."""
METHOD = (
    f"circular block bootstrap, {RESAMPLES:,} resamples, blocks of the square root of the "
    f"text's length, percentiles of {100 * CONFIDENCE:g} %, seed {SEED}"
)


@dataclass(frozen=True)
class Interval:
    """A mean and the interval that holds the true one with the probability `CONFIDENCE`.

    Parameters
    ----------
    mean : float
    low, high : float
        NaN where there were fewer than `FEWEST` values.
    """

    mean: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there were enough values to tell an interval."""
        return not math.isnan(self.low)

    def to_dict(self) -> dict[str, float | None]:
        """Plain values; None for ends that are not known."""
        low, high = (self.low, self.high) if self.known else (None, None)
        return {"mean": self.mean, "low": low, "high": high}


def intervals(*series: NDArray[np.floating[Any]]) -> list[Interval]:
    """Intervals of the means of series over the same characters.

    Parameters
    ----------
    *series : ndarray of float, shape (n,)
        n >= 1.

    Returns
    -------
    list of Interval
        One a series; the same numbers for the same series.
    """
    values = np.stack([np.asarray(s, np.float64) for s in series])
    length = values.shape[1]
    centre = values.mean(axis=1)
    if length < FEWEST:
        return [Interval(float(mean), math.nan, math.nan) for mean in centre]
    block = math.isqrt(length)
    blocks = -(-length // block)
    ring = np.concatenate([values, values[:, :block]], axis=1)
    sums = np.concatenate([np.zeros((len(values), 1)), ring.cumsum(axis=1)], axis=1)
    of_block = sums[:, block : block + length] - sums[:, :length]
    starts = np.random.default_rng(SEED).integers(0, length, (RESAMPLES, blocks))
    means = of_block[:, starts].sum(axis=-1) / (blocks * block)
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(means, [tail, 100 - tail], axis=1)
    return [Interval(*map(float, row)) for row in zip(centre, low, high, strict=True)]
