"""The picture of cycles: a dot for each count, on lines of the computed limit."""

import importlib.util
import itertools
import re
from pathlib import Path

import pytest

if importlib.util.find_spec("matplotlib") is None:
    pytest.skip("needs matplotlib", allow_module_level=True)

from zynq_lstm.cli.figures import least_cycles
from zynq_lstm.cli.reporting.cycles import COLOURS, draw
from zynq_lstm.cli.reporting.style import picture_file
from zynq_lstm.hw.schedule import Schedule
from zynq_lstm.sim.sizes import SIZES, VOCABULARIES, Size

SCHEDULED = [
    Size(config, symbols, float(Schedule(config).cycles(symbols)))
    for config, symbols in itertools.product(SIZES, VOCABULARIES)
]
TEXT = re.compile(r">([^<>]+)</text>")
COMMITTED = Path(__file__).parents[3] / "docs" / "pictures" / "cycles.svg"


PANELS = (
    (lambda size: size.config.hidden == 128, lambda size: size.symbols),
    (lambda size: size.symbols == 64, lambda size: size.config.hidden),
    (lambda size: size.symbols == 64, lambda size: size.config.multipliers),
)


def points(lines: list) -> set[tuple[float, float]]:
    return {xy for line in lines for xy in zip(line.get_xdata(), line.get_ydata(), strict=True)}


def test_dots_are_counts_and_lines_are_limits() -> None:
    for axes, (chosen, x) in zip(draw(SCHEDULED).axes, PANELS, strict=True):
        sizes = [size for size in SCHEDULED if chosen(size)]
        counts = {(x(size), size.cycles) for size in sizes}
        limits = {(x(size), least_cycles(size.config, size.symbols)) for size in sizes}
        assert points([line for line in axes.lines if line.get_marker() == "o"]) == counts
        assert points([line for line in axes.lines if line.get_marker() != "o"]) == limits


def test_says_what_is_above_the_limit() -> None:
    told = [{text.get_text() for text in axes.texts} for axes in draw(SCHEDULED).axes]
    assert {"128", "units"} <= told[2]
    above = [{text for text in texts if "%" in text} for texts in told]
    assert above == [set(), {"+111 %", "+51 %", "+13 %"}, {"+111 %", "+51 %", "+13 %"}]


def test_colours_mean_multipliers_in_each_panel() -> None:
    for axes, (chosen, x) in zip(draw(SCHEDULED).axes, PANELS, strict=True):
        dots = [line for line in axes.lines if line.get_marker() == "o"]
        drawn = {(*line.get_xydata()[0], line.get_color()) for line in dots}
        sizes = [size for size in SCHEDULED if chosen(size)]
        assert drawn == {(x(s), s.cycles, COLOURS[s.config.multipliers]) for s in sizes}


def test_the_committed_picture_says_the_same() -> None:
    """It was drawn from counts, this one is from the schedule."""
    committed = COMMITTED.read_text(encoding="utf-8")
    drawn = picture_file(draw(SCHEDULED), ".svg").decode()
    assert TEXT.findall(drawn) == TEXT.findall(committed)
