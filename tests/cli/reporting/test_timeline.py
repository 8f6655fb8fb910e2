"""The picture of a timeline: what is in it, in full colour where it belongs to the character."""

import importlib.util
from pathlib import Path

import pytest

if importlib.util.find_spec("matplotlib") is None:
    pytest.skip("needs matplotlib", allow_module_level=True)

from zynq_lstm.cli.reporting.style import picture_file
from zynq_lstm.cli.reporting.timeline import (
    IN,
    LAYER_1,
    LAYER_2,
    LOGITS,
    NEXT_H1,
    OUT,
    PALE_ALPHA,
    ROWS,
    STEPS,
    SYMBOL,
    draw,
)
from zynq_lstm.hw.schedule import Schedule
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import read_image
from zynq_lstm.quant.protocol import STREAM_BYTES
from zynq_lstm.sim.timeline import Timeline

ROOT = Path(__file__).parents[3]

TWO = Timeline(
    cycles=100,
    steps={"A": [(0, 30), (100, 130)], "B": [(30, 40), (44, 64)], "O": [(40, 44)], "C": [(64, 94)]},
    elementwise={1: [(60, 75)], 2: [(10, 40)]},
    logits=[(48, 52)],
    symbols=[55],
    launches=[-145, -45, 55],
    loads=[-22, 78],
    words={"in": [], "out": [58]},
)
ONE = Timeline(
    cycles=50,
    steps={"A": [], "B": [(4, 20)], "O": [(0, 4), (50, 54)], "C": []},
    elementwise={1: [(30, 46)], 2: []},
    logits=[(20, 24)],
    symbols=[26],
    launches=[-24],
    loads=[],
    words={"in": [-5], "out": []},
)
TEXT = "a$\n"
"""What two characters of would be a formula to matplotlib."""


def test_counts_the_steps_of_the_character() -> None:
    assert TWO.busy == 94
    assert ONE.busy == 20


@pytest.mark.parametrize("ending", [".png", ".svg"])
@pytest.mark.parametrize("timeline", [TWO, ONE], ids=["two layers", "one layer"])
def test_draws(timeline, ending) -> None:
    made = [picture_file(draw(timeline, TEXT), ending) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].startswith(b"\x89PNG" if ending == ".png" else b"<?xml")


def test_shows_the_spans() -> None:
    figure = draw(TWO, TEXT)
    (axes,) = figure.axes
    bars = {(bar.get_x(), bar.get_width(), bar.get_alpha()) for bar in axes.patches}
    assert {(0, 30, 1.0), (100, 30, PALE_ALPHA), (40, 4, 1.0), (10, 30, 1.0)} <= bars
    points = {(line.get_xdata()[0], line.get_alpha()) for line in axes.lines if line.get_alpha()}
    assert {(55, 1.0), (-22, PALE_ALPHA), (78, 1.0), (58, 1.0)} <= points
    assert [label.get_text() for label in axes.get_yticklabels()] == list(ROWS)
    assert "100 cycles" in figure.get_suptitle() and "94 % of them" in figure.get_suptitle()


@pytest.mark.parametrize(("timeline", "text"), [(TWO, "'a$'"), (ONE, "'a'")])
def test_says_which_character_it_is(timeline, text) -> None:
    (axes,) = draw(timeline, TEXT).axes
    assert axes.get_xlabel().endswith(f"character t, the last of {text}")


def test_says_when_a_stream_has_no_word() -> None:
    none, some = "no word during this character", f"a word, {STREAM_BYTES} symbols at most"
    for timeline, told in ((TWO, {(OUT, some), (IN, none)}), (ONE, {(OUT, none), (IN, none)})):
        texts = draw(timeline, TEXT).axes[0].texts
        assert told == {(t.xy[1], t.get_text()) for t in texts if "word" in t.get_text()}


def arrows(timeline) -> list:
    """Each arrow's rows and cycles."""
    (axes,) = draw(timeline, TEXT).axes
    drawn = [text for text in axes.texts if getattr(text, "arrow_patch", None) is not None]
    places = [(*text.xyann, *text.xy) for text in drawn]
    return sorted((round(b), a, round(d), c) for a, b, c, d in places)


def test_arrows_close_the_loop() -> None:
    assert arrows(TWO) == [
        (STEPS, 0, LAYER_2, 10),
        (STEPS, 40, LOGITS, 48),
        (LAYER_2, 40, STEPS, 40),
        (LOGITS, 52, SYMBOL, 55),
        (SYMBOL, 55, LAYER_1, 60),
        (LAYER_1, 75, NEXT_H1, 78),
        (NEXT_H1, 78, STEPS, 100),
    ]
    assert arrows(ONE) == [
        (STEPS, 0, LOGITS, 20),
        (LOGITS, 24, SYMBOL, 26),
        (SYMBOL, 26, LAYER_1, 30),
        (LAYER_1, 46, STEPS, 50),
    ]


def test_rows_are_called_as_in_the_schedule() -> None:
    page = (ROOT / "docs" / "schedule.md").read_text("utf-8")
    for row in ROWS[:OUT]:
        assert f"\n{row} " in page


def test_the_committed_picture_is_of_the_schedule() -> None:
    symbols = read_image(ROOT / "models" / "shakespeare.zlstm").symbols
    cycles = Schedule(Config()).cycles(symbols)
    drawn = (ROOT / "docs" / "pictures" / "character.svg").read_text("utf-8")
    assert f"One character: {cycles} cycles" in drawn
    for row in ROWS:
        assert f">{row}<" in drawn
