"""A text coloured by surprisal as a page, as a picture and on a terminal: `zynq-lstm score`."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.style import Style
from rich.text import Text

from zynq_lstm.cli.files import check_output_file
from zynq_lstm.host.colouring import (
    FULL_BITS,
    RED_GREEN_BLUE,
    coloured_html,
    shown,
    strength,
)
from zynq_lstm.quant.errors import UserError

Bits = NDArray[np.float64]

ENDINGS = (".html", ".svg")
MOST = {".html": 200_000, ".svg": 4000, "": 200_000}
"""Characters, by the file's ending; "" is the terminal."""
COLUMNS = 76
"""Characters of a line of the picture."""
ADVANCE, LINE, SIZE, EDGE = 8.4, 21, 14, 12
"""Pixels of the picture: a character, a line, the letters, the margin."""
STEPS = 5
"""Fields of the scale."""

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font-family: sans-serif; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font-size: 115%; line-height: 1.6; }}
</style>
<h1>{title}</h1>
<p>{caption} The first character has no prediction.</p>
<pre>{scale}</pre>
<pre>{text}</pre>
"""


def check(path: Path | None, characters: int, sources: Sequence[Path] = ()) -> None:
    """See that a coloured text can be written to a file, or, without one, to a terminal.

    Parameters
    ----------
    path : Path or None
    characters : int
        Length of the text.
    sources : sequence of Path
        Files that it must not replace.

    Raises
    ------
    UserError
        When it cannot be, or the text is too long to be looked at.
    """
    ending = "" if path is None else path.suffix
    if path is not None:
        if ending not in ENDINGS:
            raise UserError(f"Coloured text must have the ending .html or .svg; {path} does not")
        if not path.parent.is_dir():
            raise UserError(f"Folder of the coloured text, {path.parent}, must exist; it does not")
        for source in sources:
            check_output_file(path, source=source)
    if characters > MOST[ending]:
        where = f"with the ending {ending}" if ending else "on a terminal"
        raise UserError(
            f"Coloured text {where} must have at most {MOST[ending]:,} characters, not "
            f"{characters:,}; give --limit"
        )


def caption(bits: Bits) -> str:
    """What is to be said of a coloured text."""
    mean = bits.sum() / max(1, len(bits) - 1)
    return f"{mean:.3f} bits per character; the stronger the colour, the less it was expected."


def page(title: str, text: str, bits: Bits) -> str:
    """Return a page of HTML."""
    values = np.linspace(0, FULL_BITS, STEPS)
    scale = "".join(coloured_html(f" {value:g} ", np.full(3, value)) for value in values)
    return _PAGE.format(
        title=html.escape(title),
        caption=caption(bits),
        scale=f"bits {scale} and more",
        text=coloured_html(text, bits),
    )


def picture(text: str, bits: Bits) -> str:
    """Return an SVG, for light and dark backgrounds."""
    fill = f"rgb({','.join(map(str, RED_GREEN_BLUE))})"
    fields, letters = [], []

    def put(column: float, line: int, character: str, value: float) -> None:
        x, y = EDGE + column * ADVANCE, EDGE + line * LINE
        if strength(value) >= 0.005:
            fields.append(
                f'<rect x="{x:.1f}" y="{y}" width="{ADVANCE}" height="{LINE - 2}" '
                f'fill-opacity="{strength(value):.2f}"/>'
            )
        if not character.isspace():
            letters.append(f'<text x="{x:.1f}" y="{y + 14}">{html.escape(character)}</text>')

    legend = caption(bits) + "  Bits: "
    for column, character in enumerate(legend):
        put(column, 0, character, 0)
    for k, value in enumerate(np.linspace(0, FULL_BITS, STEPS)):
        for column, character in enumerate(f"{value:g}".center(3)):
            put(len(legend) + 3 * k + column, 0, character, float(value))
    lines = _lines(text, bits)
    for number, line in enumerate(lines, start=2):
        for column, (character, value) in enumerate(line):
            put(column, number, character, value)
    width = 2 * EDGE + ADVANCE * max(len(legend) + 3 * STEPS, *map(len, lines))
    height = 2 * EDGE + LINE * (len(lines) + 2)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}">\n'
        f"<style>text {{ font: {SIZE}px monospace; fill: #222 }}\n"
        "@media (prefers-color-scheme: dark) { text { fill: #ddd } }</style>\n"
        f'<g fill="{fill}">\n' + "\n".join(fields) + "\n</g>\n" + "\n".join(letters) + "\n</svg>\n"
    )


def terminal(text: str, bits: Bits) -> Text:
    """Return what a terminal shows."""
    made = Text()
    for character, value in zip(text, bits, strict=True):
        share = strength(float(value))
        colour = None
        if share >= 0.05:
            colour = Color.from_rgb(*(round(level * share) for level in RED_GREEN_BLUE))
        made.append(shown(character), Style(bgcolor=colour))
        if character == "\n":
            made.append("\n")
    return made


def _lines(text: str, bits: Bits) -> Sequence[Sequence[tuple[str, float]]]:
    """Characters and bits by line of the picture."""
    lines: list[list[tuple[str, float]]] = [[]]
    for character, value in zip(text, bits, strict=True):
        if len(lines[-1]) == COLUMNS:
            lines.append([])
        lines[-1].append((shown(character), float(value)))
        if character == "\n":
            lines.append([])
    return lines if lines[-1] else lines[:-1]
