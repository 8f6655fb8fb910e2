"""The moving average of the weights, which is what is validated and stored.

An exponential average over the last updates lies nearer to the middle of the valley that the
weights wander about in than any single point of the path (Polyak and Juditsky 1992, "Acceleration
of stochastic approximation by averaging"), and it shows how good a run is long before its learning
rate has fallen.
"""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def follow(average: nn.Module, module: nn.Module, update: int, decay: float) -> None:
    """Move an average one update on.

    Parameters
    ----------
    average, module : nn.Module
        Modules with the same parameters; those of the first are changed.
    update : int
        Number of the update, from 0. The first ones are averaged over a shorter time, else the
        average would hold on to the initial weights.
    decay : float
        Share of the old average that is kept.
    """
    decay = min(decay, (1 + update) / (10 + update))
    torch._foreach_lerp_(list(average.parameters()), list(module.parameters()), 1 - decay)
