"""The timeline of one character as a picture: a row for each part, cycles from left to right.

What belongs to the characters before and after is pale, so that one sees how they overlap. Arrows
lead along the loop in which each waits for the one before; a row has its name in docs/schedule.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
from zynq_lstm.quant.protocol import STREAM_BYTES
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
    "symbol",
    "element-wise, layer 1",
    "h1 for the next",
    "stream out",
    "stream in",
)
STEPS, LAYER_2, LOGITS, SYMBOL, LAYER_1, NEXT_H1, OUT, IN = range(len(ROWS))
MOST_SHOWN = 24
"""Characters of the text that are shown, at its end."""


def draw(timeline: Timeline, characters: Sequence[str]) -> Figure:
    """Draw it.

    Parameters
    ----------
    timeline : Timeline
    characters : sequence of str
        What the waveform was fed with, character by character.
    """
    made = figure(4.6)
    axes = made.subplots()
    low, high = -MARGIN * timeline.cycles, (1 + MARGIN) * timeline.cycles
    for kind, spans in timeline.steps.items():
        _bars(axes, STEPS, spans, COLOURS[kind], timeline, WORDS[kind])
    _bars(axes, LAYER_2, timeline.elementwise[2], PURPLE, timeline, "h2[t]")
    _bars(axes, LOGITS, timeline.logits, ORANGE, timeline, "")
    _points(axes, SYMBOL, timeline.symbols, RED, timeline)
    _bars(axes, LAYER_1, timeline.elementwise[1], PURPLE, timeline, "h1[t + 1]", whole_from=1)
    _points(axes, NEXT_H1, timeline.loads, PURPLE, timeline)
    _words(axes, OUT, timeline.words["out"], timeline)
    _words(axes, IN, timeline.words["in"], timeline)
    _arrows(axes, timeline)
    for edge in (0, timeline.cycles):
        axes.axvline(edge, color=GREY, linewidth=0.9, linestyle="--", zorder=0)
    axes.set_xlim(low, high)
    axes.set_ylim(len(ROWS) - 0.4, -0.7)
    axes.set_yticks(range(len(ROWS)), ROWS)
    shown = ascii("".join(characters[: timeline.number][-MOST_SHOWN:]))
    label = f"cycles from the first step of character t, the last of {shown}"
    dress(axes, "", label, "", grid="x")
    axes.xaxis.label.set_parse_math(False)
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


def _words(axes: Axes, row: int, cycles: Sequence[int], timeline: Timeline) -> None:
    """The words of a stream, and what they are, as mostly there is none."""
    _points(axes, row, cycles, INK, timeline)
    inside = [cycle for cycle in cycles if 0 <= cycle <= timeline.cycles]
    text = f"a word, {STREAM_BYTES} symbols at most" if inside else "no word during this character"
    place = inside[-1] if inside else 0
    axes.annotate(
        text, (place, row), (9, 0), textcoords="offset points", ha="left", va="center",
        fontsize=9, color=GREY,
    )  # fmt: skip


def _arrows(axes: Axes, timeline: Timeline) -> None:
    """The loop, from the first step of A to that of the next character, or as much as there is."""
    cycles = timeline.cycles

    def spans(found: Sequence[Span], since: int) -> Span | None:
        return next((span for span in found if since <= span[0] < cycles), None)

    def point(found: Sequence[int], since: int) -> Span | None:
        return next(((t, t) for t in found if since <= t < cycles), None)

    logits = spans(timeline.logits, 0)
    if logits is None:
        return
    since = logits[0]
    way = [
        (LOGITS, logits),
        (SYMBOL, point(timeline.symbols, since)),
        (LAYER_1, spans(timeline.elementwise[1], since)),
        (NEXT_H1, point(timeline.loads, since)),
        (STEPS, (cycles, cycles)),
    ]
    (row, here), *rest = [(row, span) for row, span in way if span is not None]
    for to, there in rest:
        _arrow(axes, (row, here[1]), (to, there[0]))
        row, here = to, there
    outputs = [span for span in timeline.steps["O"] if span[0] < since]
    if outputs:
        _arrow(axes, (STEPS, outputs[-1][0]), (LOGITS, since))
    layer_2 = spans(timeline.elementwise[2], 0)
    if outputs and layer_2 is not None:
        _arrow(axes, (STEPS, 0), (LAYER_2, layer_2[0]))
        _arrow(axes, (LAYER_2, layer_2[1]), (STEPS, outputs[-1][0]))


def _arrow(axes: Axes, start: tuple[int, int], end: tuple[int, int]) -> None:
    """From one row and cycle to another."""
    (above, left), (below, right) = start, end
    leave, reach = ((0.17 if row in (SYMBOL, NEXT_H1) else 0.34) for row in (above, below))
    down = 1 if above < below else -1
    axes.annotate(
        "", xy=(right, below - down * reach), xytext=(left, above + down * leave),
        arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 1, "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip
