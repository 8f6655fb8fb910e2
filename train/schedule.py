"""The learning rate of each update: a linear warm-up, then half a cosine down to zero.

Adam's first updates rest on few gradients, hence the warm-up; a rate that ends at zero lets the
weights settle (Loshchilov and Hutter 2017, "SGDR", without the restarts).
"""

from __future__ import annotations

import math


def warmup_updates(updates: int, warmup: int) -> int:
    """Return how long a run's warm-up is: what is asked for, but at most a tenth of the run."""
    return min(warmup, updates // 10)


def learning_rate(update: int, updates: int, highest: float, warmup: int) -> float:
    """Return the learning rate of an update.

    Parameters
    ----------
    update : int
        Number of the update, from 0.
    updates : int
        Updates of the whole run.
    highest : float
        Rate at the end of the warm-up.
    warmup : int
        Updates of the warm-up, cut to `warmup_updates`.
    """
    warmup = warmup_updates(updates, warmup)
    if update < warmup:
        return highest * (update + 1) / (warmup + 1)
    done = (update - warmup) / max(1, updates - warmup)
    return highest * 0.5 * (1 + math.cos(math.pi * done))
