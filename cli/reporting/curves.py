"""The picture of a training run: its losses over the epochs."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zynq_lstm.cli.reporting.style import BLUE, GREY, ORANGE, dress, figure, legend
from zynq_lstm.train.log import Line


def curves(lines: Sequence[Line]) -> Figure:
    """Draw the training and the validation loss, and mark the best epoch.

    Parameters
    ----------
    lines : sequence of Line
        At least one.
    """
    made = figure(4.2)
    axes = made.subplots()
    marker = "o" if len(lines) < 30 else ""
    axes.plot(
        [line.epoch for line in lines],
        [line.training_nats for line in lines],
        color=ORANGE,
        marker=marker,
        markersize=4,
        label="training, with dropout",
    )
    validated = [
        (line.epoch, line.validation_nats) for line in lines if line.validation_nats is not None
    ]
    if validated:
        axes.plot(*zip(*validated, strict=True), color=BLUE, marker=marker, markersize=4)
        axes.lines[-1].set_label("validation")
        epoch, best = min(validated, key=lambda point: point[1])
        axes.axvline(epoch, color=GREY, linewidth=0.9, linestyle="--")
        axes.plot(epoch, best, "D", color=BLUE, label=f"best, {best:.4f} after epoch {epoch}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    dress(axes, "Training", "epoch", "loss, nats per symbol")
    legend(axes, loc="upper right", frameon=True, framealpha=0.9, edgecolor="none")
    return made
