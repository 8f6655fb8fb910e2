"""Coloured texts of `zynq-lstm score`: pages, pictures, terminals, and what is refused."""

import io
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from zynq_lstm.cli import colouring
from zynq_lstm.models import SHAKESPEARE

DOCS = Path(__file__).parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def text_path(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("a bad!\ncab")
    return path


def test_writes_a_page(run, image_path, text_path, tmp_path) -> None:
    result = run("score", image_path, text_path, "--coloured", tmp_path / "c.html")
    assert result.status == 0
    page = (tmp_path / "c.html").read_text("utf-8")
    assert page.startswith("<!doctype html>") and "text.txt, read by tiny.zlstm" in page
    assert page.count(' bits">') == 10 + 3 * colouring.STEPS
    assert "c.html: " in result.err and "bits per character" in result.err
    assert len(result.out.splitlines()) == 2


def test_the_committed_picture_is_what_the_command_draws(run, tmp_path) -> None:
    text = DOCS / "examples" / "gates.txt"
    run("score", SHAKESPEARE, text, "--coloured", tmp_path / "c.svg")
    drawn = (tmp_path / "c.svg").read_text("utf-8")
    assert drawn == (DOCS / "pictures" / "surprisal.svg").read_text("utf-8")
    root = ElementTree.fromstring(drawn)
    letters = [e.text for e in root.iter(f"{SVG}text")]
    assert "".join(letters).endswith("xylophoneisnot.")
    for rectangle in root.iter(f"{SVG}rect"):
        assert 0 < float(rectangle.get("fill-opacity")) <= 1
        assert float(rectangle.get("x")) + colouring.ADVANCE < float(root.get("width"))


def test_long_lines_of_a_picture_are_broken() -> None:
    root = ElementTree.fromstring(colouring.picture("x" * 200 + "\n", np.full(201, 8.0)))
    rows = {rectangle.get("y") for rectangle in root.iter(f"{SVG}rect")}
    assert len(rows) == 1 + 3


def test_shows_colours_on_a_terminal(run, image_path, text_path) -> None:
    plain = run("score", image_path, text_path, "--colour").out
    assert plain.startswith("a bad!↵\ncab\n") and "\x1b" not in plain
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(colouring.terminal("ab\n", np.array([0.0, 8.0, 4.0])))
    assert "\x1b[48;2;214;94;0mb" in console.file.getvalue()
    assert "\x1b[48;2;107;47;0m↵" in console.file.getvalue()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--coloured", "c.txt"], "ending .html or .svg; c.txt does not"),
        (["--coloured", "none/c.svg"], "none, must exist"),
        (["--colour", "--json"], "JSON or a coloured text"),
    ],
)
def test_refuses_before_it_scores(run, image_path, text_path, arguments, part) -> None:
    run("score", image_path, text_path, *arguments).refused(part)


def test_refuses_to_write_over_what_it_reads(run, image_path, tmp_path) -> None:
    text = tmp_path / "text.html"
    text.write_text("a bad")
    run("score", image_path, text, "--coloured", text).refused("must not be the input")
    (tmp_path / "c.html").mkdir()
    run("score", image_path, text, "--coloured", tmp_path / "c.html").refused("must be a file")
    assert text.read_text() == "a bad"


@pytest.mark.parametrize("ending", [".html", ".svg", ""])
def test_refuses_what_nobody_looks_at(tmp_path, ending) -> None:
    path = tmp_path / f"c{ending}" if ending else None
    colouring.check(path, colouring.MOST[ending])
    with pytest.raises(colouring.UserError, match=r"at most [\d,]+ characters.*give --limit"):
        colouring.check(path, colouring.MOST[ending] + 1)
