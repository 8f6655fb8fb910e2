"""All measurements of a quantized model against its original, in one pass over a text.

Two runs are made, each from a zero state: over the part of the text that is asked for, and over
a long stretch at its end, whose tenths show whether the two models drift apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.analysis.datapath import stages
from zynq_lstm.quant.analysis.gates import GateError, GateErrors
from zynq_lstm.quant.analysis.interval import Interval, intervals
from zynq_lstm.quant.analysis.prediction import Predictions, compare, joined
from zynq_lstm.quant.analysis.ranges import Range, Ranges
from zynq_lstm.quant.analysis.run import Piece, check_alike, pieces
from zynq_lstm.quant.analysis.samples import Sample, draw_sample
from zynq_lstm.quant.analysis.weights import TensorError, weight_errors
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.float_model import FloatModel
from zynq_lstm.quant.image import Image

ALLOWED_BITS = {8: 0.003, 4: 0.03}
"""Bits per character that weights of so many bits may cost, over a text and in each tenth of a
long one."""
TENTHS = 10
FEWEST_TO_JUDGE = 1000
"""Predictions whose mean is held against the limit; that of fewer scatters as much as it allows."""
PROMPT_FROM = 2000
"""The prompt of the samples is looked for in so many symbols."""


@dataclass(frozen=True)
class Tenth:
    """A tenth of the long run: its first character, one behind its last, and its bits."""

    first: int
    last: int
    float_bits: float
    golden_bits: float
    difference: Interval


@dataclass(frozen=True)
class Measurement:
    """What was found.

    Parameters
    ----------
    model, image
        What was compared.
    symbols : ndarray of int, shape (n,)
        The part of the text.
    part : Predictions
        Of all its characters but the first.
    drift : Predictions
        The same of the long run.
    ranges : list of Range
        Over the part.
    gates : dict of str to GateError
        Over the part, by kind.
    weights : list of TensorError
    samples : list of Sample
    """

    model: FloatModel
    image: Image
    symbols: NDArray[np.integer[Any]]
    part: Predictions
    drift: Predictions
    ranges: list[Range]
    gates: dict[str, GateError]
    weights: list[TensorError]
    samples: list[Sample]

    @property
    def allowed(self) -> float:
        """Bits per character that the image may need more than the model."""
        return ALLOWED_BITS[self.image.config.weight_bits]

    def within(self, cost: float, predictions: int) -> bool | None:
        """Whether a mean cost is not above what is allowed; None when it is of too few to tell."""
        return cost <= self.allowed if predictions >= FEWEST_TO_JUDGE else None

    def bits(self) -> dict[str, Interval]:
        """Bits per character of the part: ``float``, ``golden``, ``chip`` and ``difference``."""
        p = self.part
        series = (p.float_bits, p.golden_bits, p.chip_bits, p.difference)
        return dict(zip(("float", "golden", "chip", "difference"), intervals(*series), strict=True))

    def tenths(self) -> list[Tenth]:
        """The tenths of the long run, or fewer where it has fewer than ten characters."""
        d = self.drift
        count = min(TENTHS, len(d))
        edges = [len(d) * k // count for k in range(count + 1)]
        return [
            Tenth(
                first,
                last,
                float(d.float_bits[first:last].mean()),
                float(d.golden_bits[first:last].mean()),
                *intervals(d.difference[first:last]),
            )
            for first, last in pairwise(edges)
        ]


def measure(
    model: FloatModel,
    image: Image,
    symbols: NDArray[np.integer[Any]],
    tail: NDArray[np.integer[Any]],
    *,
    seeds: tuple[int, ...] = (1, 2, 3),
    length: int = 300,
    temperature: float = 0.8,
    progress: Callable[[str, int], None] = lambda what, done: None,
) -> Measurement:
    """Compare an image with the model that it was made of.

    Parameters
    ----------
    model : FloatModel
    image : Image
    symbols : ndarray of int, shape (n,)
        The part of the text that everything is measured on, at least 2 symbols.
    tail : ndarray of int, shape (n,)
        The text of the long run, at least 2 symbols.
    seeds, length, temperature
        Of the samples, whose prompt is the first whole line of the part.
    progress : callable, optional
        Called with what is being done and the characters read in all.

    Raises
    ------
    UserError
        When the image is not of the model's kind or a text is too short.
    """
    check_alike(model, image)
    for text in (symbols, tail):
        if len(text) < 2:
            unit = model.vocabulary.unit
            raise UserError(f"A text to report on must have at least 2 {unit}s, not {len(text)}")
    ranges, gates, found, drift = Ranges(), GateErrors(model), [], []
    done = 0
    for reference, golden, targets in _predicting(model, image, symbols):
        places = stages(image, golden)
        ranges.add(places)
        gates.add(reference, golden, places)
        found.append(compare(reference, golden, targets))
        done += len(targets)
        progress("Reading the text", done)
    for reference, golden, targets in _predicting(model, image, tail):
        drift.append(compare(reference, golden, targets))
        done += len(targets)
        progress("Looking for drift", done)
    progress("Writing samples", done)
    prompt = _prompt(model.vocabulary.decode(symbols[:PROMPT_FROM]))
    samples = [draw_sample(model, image, prompt, length, temperature, seed) for seed in seeds]
    return Measurement(
        model,
        image,
        symbols,
        joined(found),
        joined(drift),
        ranges.results(),
        gates.results(),
        weight_errors(model, image),
        samples,
    )


def _predicting(
    model: FloatModel, image: Image, symbols: NDArray[np.integer[Any]]
) -> Iterator[tuple[Piece, Piece, NDArray[np.integer[Any]]]]:
    """Pieces of a run over all characters but the last, with those that they predict."""
    start = 1
    for reference, golden in pieces(model, image, symbols[:-1]):
        stop = start + len(golden.symbols)
        yield reference, golden, symbols[start:stop]
        start = stop


def _prompt(text: str) -> str:
    """The first whole line that has something in it, with its end; at most 80 characters.

    A part begins in the middle of a line; where there is no other, that one has to do.
    """
    first, *rest = text.split("\n")
    line = next((line for line in rest[:-1] if line.strip()), first)
    return (line + "\n" if len(rest) else line)[:80]
