"""How the report's pictures look: one size of type, one palette, nothing global.

The colours are those of Okabe and Ito (2008, "Color universal design"), which stay apart for
colour-blind eyes and in grey. Figures are made without pyplot, so that no display is asked for and
no state is left behind.
"""

from __future__ import annotations

import io

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
)
INK, GREY, PALE = "#222222", "#777777", "#DDDDDD"
WIDTH = 9.5
"""Inches; a README shows a picture about 9 inches wide."""
DPI = 130


def figure(height: float) -> Figure:
    """An empty figure of the usual width."""
    return Figure(figsize=(WIDTH, height), layout="constrained", facecolor="white")


def dress(axes: Axes, title: str, x: str, y: str, *, grid: str = "both") -> None:
    """Give axes a title, labels with units, and a quiet frame."""
    axes.set_title(title, fontsize=11, loc="left", color=INK)
    axes.set_xlabel(x, fontsize=10, color=INK)
    axes.set_ylabel(y, fontsize=10, color=INK)
    axes.tick_params(which="both", labelsize=9, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color=PALE, linewidth=0.6)


def legend(axes: Axes, **options: object) -> None:
    """A legend, without a frame where no option gives it one."""
    axes.legend(**{"frameon": False, "fontsize": 9, **options})


def png(made: Figure) -> bytes:
    """The picture's file; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    made.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def picture_file(made: Figure, ending: str) -> bytes:
    """The picture's file, ``.png`` or ``.svg``; the same figure gives the same bytes."""
    if ending == ".png":
        return png(made)
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "zynq-lstm", "svg.fonttype": "none"}):
        made.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
