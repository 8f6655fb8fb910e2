"""Cycles a character of several sizes as a picture: what was counted, on the computed limit.

The limit is a line: the multiplications of the model's matrices by the multipliers there are. What
was counted is a dot, in the same colour for as many multipliers in each panel; one that is visibly
above its line says by how much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from zynq_lstm.cli.figures import least_cycles
from zynq_lstm.cli.reporting.style import BLUE, GREEN, GREY, INK, ORANGE, RED, dress, figure

if TYPE_CHECKING:
    from zynq_lstm.sim.sizes import Size

COLOURS = {512: BLUE, 256: GREEN, 128: ORANGE, 64: RED}
"""By multipliers."""
LEFT, RIGHT = -1, 1
HIDDEN, SYMBOLS = 128, 64
"""What is kept where another thing varies."""
TOLD_ABOVE = 0.05
"""Share by which a dot must be above the limit for that to be written beside it."""
PLAIN = FuncFormatter(lambda value, _: f"{value:,.0f}")


def draw(sizes: Sequence[Size]) -> Figure:
    """Draw them: over vocabulary, hidden units and multipliers."""
    made = figure(4.4)
    panels = made.subplots(1, 3, sharey=True)
    plots: tuple[tuple[Any, ...], ...] = (
        (
            f"Vocabulary ({HIDDEN} units)",
            "symbols of the model",
            lambda s: s.config.hidden == HIDDEN,
            lambda s: s.symbols,
            _multipliers,
            "multipliers",
            RIGHT,
        ),
        (
            f"Hidden size ({SYMBOLS} symbols)",
            "units of each layer",
            lambda s: s.symbols == SYMBOLS,
            lambda s: s.config.hidden,
            _multipliers,
            "multipliers",
            RIGHT,
        ),
        (
            f"Multipliers ({SYMBOLS} symbols)",
            "multipliers",
            lambda s: s.symbols == SYMBOLS,
            _multipliers,
            lambda s: s.config.hidden,
            "units",
            LEFT,
        ),
    )
    for axes, (title, label, chosen, x, by, unit, side) in zip(panels, plots, strict=True):
        _lines(axes, [size for size in sizes if chosen(size)], x, by, unit, side)
        dress(axes, title, label, "cycles a character" if axes is panels[0] else "")
    made.suptitle(
        "Cycles a character: dots are counted by the hardware in its simulation, lines are "
        "multiplications / multipliers",
        fontsize=11,
        x=0.01,
        ha="left",
        color=INK,
    )
    return made


def _multipliers(size: Size) -> int:
    return size.config.multipliers


def _lines(
    axes: Axes,
    sizes: Sequence[Size],
    x: Callable[[Size], int],
    by: Callable[[Size], int],
    unit: str,
    side: int,
) -> None:
    """A line of limits and dots of counts for each value of `by`, which is told at one side.

    A line has the colour of its dots, or is grey where they differ.
    """
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    for value in sorted({by(size) for size in sizes}):
        line = sorted((size for size in sizes if by(size) == value), key=x)
        colour = COLOURS[value] if by is _multipliers else GREY
        places = [x(size) for size in line]
        limits = [least_cycles(size.config, size.symbols) for size in line]
        marker = "_" if len(line) == 1 else ""
        axes.plot(places, limits, color=colour, linewidth=1.2, marker=marker, markersize=11)
        for place, size, limit in zip(places, line, limits, strict=True):
            dot = COLOURS[_multipliers(size)]
            axes.plot([place], [size.cycles], "o", color=dot, markersize=5)
            above = size.cycles / limit - 1
            if above > TOLD_ABOVE:
                axes.annotate(
                    f"+{100 * above:.0f} %", (place, limit), (0, -4), ha="center", va="top",
                    textcoords="offset points", fontsize=8, color=GREY,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
                )  # fmt: skip
        end = line[-1] if side == RIGHT else line[0]
        axes.annotate(
            f"{value}", (x(end), end.cycles), (8 * side, 0), textcoords="offset points",
            ha="left" if side == RIGHT else "right", va="center", fontsize=9, color=colour,
        )  # fmt: skip
    axes.text(
        0.98 if side == RIGHT else 0.02, 0.99, unit, transform=axes.transAxes, fontsize=9,
        color=GREY, ha="right" if side == RIGHT else "left", va="top",
    )  # fmt: skip
    every = sorted({x(size) for size in sizes})
    axes.xaxis.set_major_locator(FixedLocator(every))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(PLAIN)
    axes.yaxis.set_major_formatter(PLAIN)
    axes.margins(x=0.19, y=0.12)
