"""Marks that follow a tensor's numbers through a graph, to see what becomes of them.

An exporter surrounds each LSTM with transpositions, reshapes and slices that depend on its version
and on the model's source. Instead of known patterns, the graph is run once, on small inputs, with
a *mark* in the place of every number that depends on the input: an integer that says where the
number comes from. Moving operators move marks. When an operator that matters is reached (an
embedding, an LSTM, a matrix product), the marks tell exactly which number stands where:

    mark = first + place * width + k     k-th number of the vector that `Source` made at `place`

The places of an LSTM's output are t * batch + b. So it is proved, not assumed, that the second
layer gets the first one's output in the order of time, and the output layer gets whole vectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from zynq_lstm.importers.onnx_operators import bounded
from zynq_lstm.importers.parts import Array, Cell


@dataclass(frozen=True)
class Source:
    """Where marks come from: vectors of ``width`` numbers, made at each place of a grid.

    Parameters
    ----------
    kind : str
        ``input``: a graph input. ``features``: an embedding's output or a one-hot input.
        ``hidden`` and ``cell``: what the last of ``cells`` gives. ``logits``: a linear function of
        the hidden state. ``probabilities``: their softmax.
    width : int
        Numbers of a vector.
    grid : tuple of int
        How many places there are in each direction: those of an input, or (steps, batch).
    embedding : ndarray or None, shape (symbols, width)
        Of features; ``None`` is one-hot.
    cells : tuple of Cell
        LSTM layers so far.
    weight, bias : ndarray or None
        Of logits: shapes (width, hidden) and (width,).
    """

    kind: str
    width: int
    grid: tuple[int, ...]
    embedding: Array | None = None
    cells: tuple[Cell, ...] = ()
    weight: Array | None = None
    bias: Array | None = None

    @property
    def places(self) -> int:
        """Vectors."""
        return math.prod(self.grid)


@dataclass(frozen=True)
class Marks:
    """A tensor of marks."""

    marks: Array


class Trace:
    """All sources of a graph, and their marks."""

    def __init__(self) -> None:
        self._sources: list[Source] = []
        self._firsts: list[int] = []
        self._next = 0

    def new(self, source: Source, shape: tuple[int, ...]) -> Marks:
        """Marks of a new source, as a tensor with all its vectors in order."""
        if math.prod(bounded(shape)) != source.width * source.places:
            raise ValueError("the sizes of a tensor do not fit its source")
        places = np.arange(source.places)
        return Marks(self.at(source, places).marks.reshape(shape))

    def at(self, source: Source, places: Array) -> Marks:
        """Marks of a new source: a tensor of vectors, each made at the place that is given."""
        bounded((*places.shape, source.width))
        first = self._next
        self._sources.append(source)
        self._firsts.append(first)
        self._next += source.width * source.places
        return Marks(first + places[..., None] * source.width + np.arange(source.width))

    def source(self, value: Marks) -> tuple[Source, int]:
        """The one source of a tensor, and its first mark.

        Raises
        ------
        ValueError
            When the tensor is empty or mixes several.
        """
        if not value.marks.size:
            raise ValueError("a tensor is empty")
        low, high = int(value.marks.min()), int(value.marks.max())
        index = int(np.searchsorted(self._firsts, low, side="right")) - 1
        source, first = self._sources[index], self._firsts[index]
        if high >= first + source.width * source.places:
            raise ValueError("it mixes the outputs of several layers")
        return source, first

    def vectors(self, value: Marks) -> tuple[Source, Array]:
        """Source of a tensor, and the place of each vector on its last axis.

        Raises
        ------
        ValueError
            When the last axis does not hold whole vectors in their order.
        """
        source, first = self.source(value)
        marks = value.marks - first
        if not marks.ndim or marks.shape[-1] != source.width:
            raise ValueError("its numbers are not whole vectors of a layer")
        places = marks[..., 0] // source.width
        if not np.array_equal(marks, places[..., None] * source.width + np.arange(source.width)):
            raise ValueError("its numbers are not in the order of a layer's units")
        return source, places
