"""The timeline of one character as a picture: a row for each part, cycles from left to right.

What belongs to the characters before and after is pale, so that one sees how they overlap.
"""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zynq_lstm.cli.figures import CLOCK_HZ
from zynq_lstm.cli.reporting.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    dress,
    figure,
)
from zynq_lstm.sim.timeline import Span, Timeline

MARGIN = 0.12
"""Of the character's length, shown before and after it."""
PALE_ALPHA = 0.3
WIDE = 0.15
"""Bars of more than this share of the character have room for their label; others for a letter."""
WORDS = {
    "A": "A: W_ih2 · h1",
    "B": "B: W_hh1 · h1",
    "C": "C: W_hh2 · h2",
    "O": "O: W_out · h2",
}
COLOURS = {"A": BLUE, "B": SKY, "C": GREEN, "O": ORANGE}
DARK = (BLUE, GREEN)
ROWS = (
    "multipliers",
    "element-wise, layer 2",
    "logits",
    "sampler's symbol",
    "element-wise, layer 1",
    "h1 copied",
    "stream out",
    "stream in",
)


def draw(timeline: Timeline) -> Figure:
    """Draw it."""
    made = figure(4.6)
    axes = made.subplots()
    low, high = -MARGIN * timeline.cycles, (1 + MARGIN) * timeline.cycles
    for kind, spans in timeline.steps.items():
        _bars(axes, 0, spans, COLOURS[kind], timeline, WORDS[kind])
    _bars(axes, 1, timeline.elementwise[2], PURPLE, timeline, "h2[t]")
    _bars(axes, 2, timeline.logits, ORANGE, timeline, "")
    _points(axes, 3, timeline.symbols, RED, timeline)
    _bars(axes, 4, timeline.elementwise[1], PURPLE, timeline, "h1[t + 1]", whole_from=1)
    _points(axes, 5, timeline.loads, PURPLE, timeline)
    _points(axes, 6, timeline.words["out"], INK, timeline)
    _points(axes, 7, timeline.words["in"], INK, timeline)
    _arrows(axes, timeline)
    for edge in (0, timeline.cycles):
        axes.axvline(edge, color=GREY, linewidth=0.9, linestyle="--", zorder=0)
    axes.set_xlim(low, high)
    axes.set_ylim(len(ROWS) - 0.4, -0.7)
    axes.set_yticks(range(len(ROWS)), ROWS)
    dress(axes, "", "cycles from the character's first step", "", grid="x")
    axes.tick_params(axis="y", length=0)
    share, time = timeline.busy / timeline.cycles, timeline.cycles / CLOCK_HZ * 1e6
    made.suptitle(
        f"One character: {timeline.cycles} cycles, {time:.2f} µs at {CLOCK_HZ / 1e6:.2f} MHz; "
        f"the multipliers work in {100 * share:.4g} % of them",
        fontsize=12,
        x=0.01,
        ha="left",
        color=INK,
    )
    return made


def _bars(
    axes: Axes,
    row: int,
    spans: Iterable[Span],
    colour: str,
    timeline: Timeline,
    label: str,
    *,
    whole_from: int = 0,
) -> None:
    """Bars of a row; full in colour where they belong to the character."""
    for start, end in spans:
        inside = whole_from <= start < timeline.cycles
        axes.barh(
            row,
            end - start,
            left=start,
            height=0.62,
            color=colour,
            alpha=1.0 if inside else PALE_ALPHA,
            edgecolor="white",
            linewidth=0.6,
        )
        if not inside:
            continue
        shown = label if end - start > WIDE * timeline.cycles else label[:1]
        axes.text(
            (start + end) / 2, row, shown, ha="center", va="center", fontsize=9,
            color="white" if colour in DARK else INK,
        )  # fmt: skip


def _points(axes: Axes, row: int, cycles: Iterable[int], colour: str, timeline: Timeline) -> None:
    for cycle in cycles:
        inside = 0 <= cycle <= timeline.cycles
        axes.plot(
            [cycle], [row], marker="D", markersize=6, color=colour,
            alpha=1.0 if inside else PALE_ALPHA, linestyle="none",
        )  # fmt: skip


def _arrows(axes: Axes, timeline: Timeline) -> None:
    """The way that closes the loop: logits to the symbol, to layer 1, to the next character."""
    logits = [span for span in timeline.logits if 0 <= span[0] < timeline.cycles]
    if not logits:
        return
    begin = logits[0][0]
    outputs = [span for span in timeline.steps["O"] if span[0] < begin]
    symbols = [t for t in timeline.symbols if t >= begin]
    passes = [span for span in timeline.elementwise[1] if span[0] >= begin]
    loads = [t for t in timeline.loads if t >= begin]
    if not (outputs and symbols and passes and loads):
        return
    ways = (
        ((outputs[-1][0], 0.3), (begin, 1.7)),
        ((logits[0][1], 2.3), (symbols[0], 2.85)),
        ((symbols[0], 3.15), (passes[0][0], 3.7)),
        ((passes[0][1], 4.3), (loads[0], 4.85)),
    )
    for start, end in ways:
        axes.annotate(
            "", xy=end, xytext=start,
            arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 1.0},
        )  # fmt: skip
