"""Text with each character's surprisal as its colour: the stronger, the less it was expected.

The same wherever it is shown, in a notebook, on a page or on a terminal: `RED_GREEN_BLUE` over the
background, as strongly as `strength` says.
"""

from __future__ import annotations

import html

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.vocabulary import Vocabulary

RED_GREEN_BLUE = (214, 94, 0)
FULL_BITS = 8.0
"""Surprisal of the full colour."""
LINE_END = "↵"
"""Shown before a new line, for its end has a surprisal, too."""


def bits_of_characters(
    vocabulary: Vocabulary, text: str, surprisals: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Bits of each character of a text, 0 of the first symbol, which has no prediction.

    Parameters
    ----------
    vocabulary : Vocabulary
        Where symbols are bytes, a character's are summed.
    text : str
    surprisals : ndarray of float64, shape (symbols - 1,)
        Of `zynq_lstm.host.Score`.

    Returns
    -------
    ndarray of float64, shape (len(text),)

    Raises
    ------
    UserError
        When they are not of this text.
    """
    lengths = np.array([len(vocabulary.encode(character)) for character in text], np.int64)
    if not len(text) or lengths.sum() != len(surprisals) + 1:
        raise UserError(
            f"Surprisals must be those of the text's {int(lengths.sum())} {vocabulary.unit}s but "
            f"the first, not {len(surprisals)}"
        )
    whole = np.concatenate([[0.0], surprisals])
    return np.asarray(np.add.reduceat(whole, np.cumsum(lengths) - lengths))


def strength(bits: float) -> float:
    """Share of the full colour, 0 to 1."""
    return min(max(bits / FULL_BITS, 0.0), 1.0)


def shown(character: str) -> str:
    """What stands for a character where it takes one place: itself, or a mark."""
    if character == "\n":
        return LINE_END
    return character if character.isprintable() else "·"


def coloured_html(text: str, bits: NDArray[np.float64]) -> str:
    """Return a text as HTML, to be put into a ``<pre>``; the bits appear under the pointer.

    Parameters
    ----------
    text : str
    bits : ndarray of float64, shape (len(text),)
        From `bits_of_characters`.
    """
    red, green, blue = RED_GREEN_BLUE
    spans = []
    for character, value in zip(text, bits, strict=True):
        style = f"background:rgba({red},{green},{blue},{strength(value):.2f})"
        inside = html.escape(shown(character))
        spans.append(f'<span style="{style}" title="{value:.2f} bits">{inside}</span>')
        if character == "\n":
            spans.append("\n")
    return "".join(spans)
