"""What an accelerator takes up of the chip as a picture: a bar a resource, its parts the blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from zynq_lstm.cli.reporting.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    RED,
    SKY,
    dress,
    figure,
)
from zynq_lstm.quant.config import Config

COLOURS = (BLUE, SKY, PURPLE, GREEN, ORANGE, RED, "#F0E442", GREY, INK)
DARK = (BLUE, GREEN, RED, GREY, INK)
ROOM = 3.0
"""Percent of the chip that a number needs to be written into its bar."""


def draw(values: Mapping[str, Any]) -> Figure:
    """Draw it.

    Parameters
    ----------
    values : mapping
        The JSON object of `zynq-lstm synth`.
    """
    made = figure(3.6)
    axes = made.subplots()
    kinds: Mapping[str, int] = values["available"]
    for row, (kind, available) in enumerate(kinds.items()):
        used = values[kind]
        axes.barh(row, 100, height=0.62, color="white", edgecolor=PALE, linewidth=0.8)
        left = 0.0
        for (block, counts), colour in zip(values["by_block"].items(), COLOURS, strict=True):
            share = 100 * counts[kind] / available
            axes.barh(
                row, share, left=left, height=0.62, color=colour, edgecolor="white",
                linewidth=0.5, label=block if row == 0 else None,
            )  # fmt: skip
            if share > ROOM:
                axes.text(
                    left + share / 2, row, f"{counts[kind]:,.0f}", ha="center", va="center",
                    fontsize=8.5, color="white" if colour in DARK else INK,
                )  # fmt: skip
            left += share
        axes.text(
            101, row, f"{used:,} ({100 * used / available:.0f} %)", va="center",
            fontsize=10, color=INK,
        )  # fmt: skip
    axes.set_xlim(0, 100)
    axes.set_ylim(len(kinds) - 0.5, -0.5)
    axes.set_xticks(range(0, 101, 20))
    axes.set_yticks(range(len(kinds)), [f"{kind}\nof {n:,}" for kind, n in kinds.items()])
    dress(axes, "", f"percent of the {values['device']}", "", grid="x")
    axes.tick_params(axis="y", length=0)
    made.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False,
        fontsize=8.5,
    )  # fmt: skip
    made.suptitle(
        f"What the accelerator takes of an {values['device']}, from synthesis, before placement\n"
        f"{Config.from_dict(values['config']).describe()}",
        fontsize=11,
        x=0.01,
        ha="left",
        color=INK,
    )
    return made
