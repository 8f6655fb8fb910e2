"""Probes: models and states in which one wrong bit shows, and shows where it is.

In a sum of many products one wrong bit is lost to rounding, or to an activation at its end. In a
probe most units have an h of 0, and the products of the others nearly cancel, so that each gate is
where it is steep, and a wrong bit stands out with all the gain of its row:

    units on a grid, eight to a row;        weights of a row alike,         h of one set
    its rows and its columns are *sets*     but for little, in blocks       of units
        0  1  2  3  4  5  6  7                  a  a  b  b …                    +  -  +  - …
        8  9 10 11 12 13 14 15                  a  a  b  b …                    0  0  0  0 …
        …                                       …                               …

A character is fed for each set; the two in which something differs have one unit in common. What is
probed is one matrix or two, the rest of the model hands h on: gates at their ends keep c as it was
written, and h = tanh(c). Each probe comes twice, the second time with every bit of the weights
and every sign of h the other way round, so that a bit that is stuck is wrong in one of the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant import operators as op
from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.exercise import FIRST_CHARACTER, check_testable, inverted_weights
from zynq_lstm.quant.formats import CELL, HIDDEN, PREACTIVATION, SCALE, WEIGHT_LIMIT
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.parameters import Parameters, matrix_rows, row_count
from zynq_lstm.quant.state import State
from zynq_lstm.quant.vocabulary import Vocabulary

GRID = 8
"""Units to a row of the grid: hidden sizes are multiples of 16."""

OUTPUT = "output"
LAYERS = ("layer 1", "layer 2")

KEPT = (PREACTIVATION.minimum, PREACTIVATION.maximum, 0, PREACTIVATION.maximum)
"""Gates that keep c, and whose h is tanh(c)."""

CENTRE = (0, 0, 1 << PREACTIVATION.fraction, 0)
"""Gates that are steep, with g such that i matters."""

CELL_BEFORE = 4 << CELL.fraction
"""So that f matters, and o: tanh(c) is nearly 1 when f has halved it."""

GAINS = {"hh1": (45, 45, 45, 180), "ih2": (45, 45, 45, 180), "hh2": (64, 64, 64, 254)}
"""Pre-activation that one of a weight makes, by gates, in a probed layer: enough for the rounding
of tables, c and h to pass it on, little enough for a weight's high bits to be told apart. Of the
two matrices of layer 2 they are no power of two apart."""

EXACT = 1 << SCALE.fraction
"""Scale by which a logit is its row's sum."""


@dataclass(frozen=True)
class Probe:
    """One model, and a character from each of some states.

    Parameters
    ----------
    name : str
        What is probed: "output", "layer 1" or "layer 2".
    image : Image
    before : State
        h and c that are written, shape (layers, sets, hidden).
    symbols : ndarray of uint8, shape (sets,)
        That are fed.
    after : State
        h and c as they must be then.
    logits : ndarray of int64, shape (sets, symbols)
        As they must be.
    """

    name: str
    image: Image
    before: State
    symbols: NDArray[np.uint8]
    after: State
    logits: NDArray[np.int64]

    def hidden(self, matrix: str) -> NDArray[np.int64]:
        """h that the rows of a matrix are multiplied by, shape (sets, hidden)."""
        known = {"hh1": self.before.h[0], "ih2": self.after.h[0], "hh2": self.before.h[-1]}
        return known.get(matrix, self.after.h[-1]).astype(np.int64)


def probe_names(config: Config) -> tuple[str, ...]:
    """What can be probed; what has the fewest causes first."""
    return (OUTPUT, *LAYERS[: config.layers])


def probed_matrices(name: str) -> tuple[str, ...]:
    """Matrices whose weights a probe shows."""
    if name == OUTPUT:
        return ("out",)
    return ("hh1",) if name == LAYERS[0] else ("ih2", "hh2")


def probes(config: Config, name: str, seed: int) -> Iterator[Probe]:
    """The two probes of a name.

    Raises
    ------
    UserError
        When the configuration has no hardware that could be tested.
    """
    check_testable(config)
    weights = _weights(config, np.random.default_rng(seed))
    yield _probe(config, name, weights, _signs(config.hidden))
    yield _probe(config, name, inverted_weights(weights), -_signs(config.hidden))


def unit_sets(hidden: int) -> NDArray[np.bool_]:
    """Units of each set, shape (sets, hidden)."""
    unit = np.arange(hidden)
    rows = unit // GRID == np.arange(hidden // GRID)[:, None]
    return np.vstack([rows, unit % GRID == np.arange(GRID)[:, None]])


def _signs(hidden: int) -> NDArray[np.int64]:
    """A chessboard of 1 and -1."""
    unit = np.arange(hidden)
    return 1 - 2 * ((unit // GRID + unit) % 2)


def _weights(config: Config, rng: np.random.Generator) -> NDArray[np.int8]:
    """Rows in blocks of two by two units."""
    shape = (row_count(config, config.symbols), GATES, config.hidden // GRID, GRID)
    least = WEIGHT_LIMIT - 1
    blocks = rng.integers(1 - least, least, (*shape[:2], shape[2] // 2, shape[3] // 2))
    alike = blocks.repeat(2, axis=2).repeat(2, axis=3)
    return (alike + rng.integers(-1, 2, shape)).reshape(*shape[:2], -1).astype(np.int8)


def _probe(config: Config, name: str, weights: NDArray[np.int8], signs: NDArray[np.int64]) -> Probe:
    """A probe in which the units of a set have an h of these signs."""
    image = _image(config, name, weights)
    lowest = HIDDEN.minimum if name == OUTPUT else -HIDDEN.maximum
    pattern = np.where(unit_sets(config.hidden), np.where(signs > 0, HIDDEN.maximum, lowest), 0)
    before = State.zeros(config.layers, config.hidden, len(pattern))
    if name == OUTPUT:
        before.c[-1] = kept_cells(pattern)
    elif name == LAYERS[0]:
        before.h[0], before.c[0] = pattern, CELL_BEFORE
    else:
        before.c[0] = kept_cells(pattern)
        before.h[1], before.c[1] = pattern, CELL_BEFORE
    golden = GoldenModel(image, len(pattern))
    golden.state = before
    symbols = (np.arange(len(pattern)) % config.symbols).astype(np.uint8)
    logits = golden.step(symbols)
    return Probe(name, image, before, symbols, golden.state, logits)


def _image(config: Config, name: str, weights: NDArray[np.int8]) -> Image:
    rows = matrix_rows(config, config.symbols)
    scales = np.zeros((len(weights), GATES), np.uint16)
    scales[rows["out"]] = EXACT
    for matrix in () if name == OUTPUT else probed_matrices(name):
        scales[rows[matrix]] = np.rint(np.array(GAINS[matrix]) * EXACT / HIDDEN.maximum)
    biases = np.zeros((len(weights), GATES), np.int16)
    if config.layers == 2:
        biases[rows["hh2"]] = CENTRE if name == LAYERS[1] else KEPT
    table = np.zeros((config.symbols, config.hidden, GATES), np.int16)
    table[:] = CENTRE if name == LAYERS[0] else KEPT
    return probe_image(Parameters(config, config.symbols, weights, scales, biases, table), name)


def probe_image(parameters: Parameters, name: str) -> Image:
    """A model with a vocabulary that nobody reads."""
    characters = (chr(FIRST_CHARACTER + k) for k in range(parameters.symbols))
    return Image.from_parameters(parameters, Vocabulary(characters), {"probe": name})


def kept_cells(h: NDArray[np.int64]) -> NDArray[np.int16]:
    """c of which gates that are `KEPT` make these h, of any shape; `CELL` and `HIDDEN` format."""
    return _kept_cells()[h - HIDDEN.minimum]


@lru_cache(maxsize=1)
def _kept_cells() -> NDArray[np.int16]:
    """The c nearest to 0 for each h."""
    c = np.arange(-CELL_BEFORE, CELL_BEFORE + 1)
    c = c[np.argsort(-np.abs(c), kind="stable")]
    i, f, g, o = np.array(KEPT)
    kept = op.cell_update(op.sigmoid(i), op.sigmoid(f), op.tanh(g), c)
    h = op.hidden_output(op.sigmoid(o), op.tanh(kept))
    cells = np.zeros(1 << HIDDEN.bits, np.int16)
    cells[h - HIDDEN.minimum] = c
    return cells
