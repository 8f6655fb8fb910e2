"""The probe of the activations' tables: units in which a word that is wrong by one shows in c or h.

There are three copies of the table of tanh, and so three kinds of units:

gates i, f      c is the least there is, so that c' is -f, bit by bit
gates g, o      i is great and g is what is probed; c moves the sum of f * c and i * g to just below
                the edge where c' is rounded up, or to just above it
tanh of c       c' is in the cell that is probed, and o is one for which o * tanh(c) stands as near
                to an edge as can be, below it or above it

Pre-activations are entries of the input table, for all scales are 0: no weight and no multiplier
has a part in it. All is of layer 1; layer 2 has the same tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant import operators as op
from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.exercise import check_testable
from zynq_lstm.quant.formats import ACTIVATION, CELL, HIDDEN, PREACTIVATION
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.probe import probe_image
from zynq_lstm.quant.table_probe import (
    Integers,
    Table,
    TableProbe,
    blank_parameters,
)
from zynq_lstm.quant.tables import TANH_ADDRESS_BITS, tanh_table

INPUT_GATES = "activation table 0 (gates i, f)"
OTHER_GATES = "activation table 1 (gates g, o)"
CELLS = "activation table 2 (tanh of c)"

CELL_EDGE = 1 << op.CELL_PRODUCT_SHIFT
"""A last bit of c', in the sum that it is rounded from."""
HIDDEN_EDGE = 1 << op.HIDDEN_SHIFT
"""A last bit of h, in the product that it is rounded from."""

_WORDS = np.arange(1 << TANH_ADDRESS_BITS)
_LEAST, _GREATEST = PREACTIVATION.minimum, PREACTIVATION.maximum
_CHUNK = 128
"""Words that are searched at a time, so that arrays stay small."""


@dataclass(frozen=True)
class Units:
    """Units and what they are to do.

    Parameters
    ----------
    z : ndarray of int64, shape (units, 4)
        Pre-activations of i, f, g, o.
    c : ndarray of int64, shape (units,)
    """

    z: Integers
    c: Integers


class ActivationProbe(TableProbe):
    """c' and h of `units`."""

    name = "activation tables"

    def __init__(self) -> None:
        table = Table(tanh_table(), ACTIVATION.bits - 1)
        self.tables = dict.fromkeys((INPUT_GATES, OTHER_GATES, CELLS), table)

    def outcome(self, words: Mapping[str, Integers]) -> Integers:
        """c' and h of each unit when tables hold these words, shape (units, 2)."""
        z, c = units().z, units().c
        i, f = (op.sigmoid(z[:, k], words[INPUT_GATES]) for k in (0, 1))
        g, o = op.tanh(z[:, 2], words[OTHER_GATES]), op.sigmoid(z[:, 3], words[OTHER_GATES])
        after = op.cell_update(i, f, g, c)
        h = op.hidden_output(o, op.tanh(after, words[CELLS]))
        return np.stack([after, h], axis=1)

    def reads(self, table: str) -> Integers:
        """Words of a table that each unit reads, shape (units, 1 or 2)."""
        z = units().z
        sigmoid, tanh = op.SIGMOID_CELL_SHIFT, op.TANH_CELL_SHIFT
        if table == CELLS:
            return op.tanh_word(self.expected[:, :1], tanh)
        if table == INPUT_GATES:
            return op.tanh_word(z[:, :2], sigmoid)
        return np.stack([op.tanh_word(z[:, 2], tanh), op.tanh_word(z[:, 3], sigmoid)], axis=1)


@dataclass(frozen=True)
class ActivationModel:
    """One model, and what to write before each of its symbols is fed.

    Parameters
    ----------
    image : Image
    c : ndarray of int16, shape (symbols, hidden)
        Of layer 1; all else of the state is 0.
    count : int
        Units of all symbols that belong to the probe, in order; the rest fills up.
    """

    image: Image
    c: NDArray[np.int16]
    count: int


def activation_models(config: Config) -> Iterator[ActivationModel]:
    """Models that hold all `units`, as many a character as there are in a layer.

    Raises
    ------
    UserError
        When the configuration has no hardware that could be tested.
    """
    check_testable(config)
    z, c = units().z, units().c
    room = config.symbols * config.hidden
    for start in range(0, len(c), room):
        places = np.arange(start, min(start + room, len(c)))
        symbols = max(2, -(-len(places) // config.hidden))
        filled = np.resize(places, symbols * config.hidden)
        table = z[filled].reshape(symbols, config.hidden, GATES).astype(np.int16)
        parameters = replace(blank_parameters(config, symbols), table=table)
        cells = c[filled].reshape(symbols, config.hidden).astype(np.int16)
        yield ActivationModel(probe_image(parameters, ActivationProbe.name), cells, len(places))


@lru_cache(maxsize=1)
def units() -> Units:
    """All units of the probe."""
    kinds = [_of_input_gates(), *_of_other_gates(), *_of_cells()]
    return Units(np.concatenate([k.z for k in kinds]), np.concatenate([k.c for k in kinds]))


def _units(*columns: Integers | int) -> Units:
    """Of i, f, g, o and c."""
    columns = np.broadcast_arrays(*columns)
    return Units(np.stack(columns[:GATES], axis=1).astype(np.int64), columns[-1].astype(np.int64))


def _of_input_gates() -> Units:
    return _units(_LEAST, _WORDS << op.SIGMOID_CELL_SHIFT, 0, 0, CELL.minimum)


def _of_other_gates() -> Iterator[Units]:
    """Below an edge, and above it."""
    z = _WORDS << op.TANH_CELL_SHIFT
    great = int(op.sigmoid(np.array(_GREATEST)))  # i, and f, which must be odd.
    inverse = pow(great, -1, CELL_EDGE)
    added = ((great * op.tanh(z)) >> op.INPUT_PRODUCT_SHIFT) + CELL_EDGE // 2
    for rest in (CELL_EDGE - 1, 0):
        c = (rest - added) * inverse % CELL_EDGE
        yield _units(_GREATEST, _GREATEST, z, 0, np.where(c < CELL_EDGE // 2, c, c - CELL_EDGE))


def _of_cells() -> Iterator[Units]:
    """Below an edge of the magnitude, and above it."""
    z = np.arange(-(len(_WORDS) // 8), len(_WORDS)) << op.SIGMOID_CELL_SHIFT  # A great o, mostly.
    o = op.sigmoid(z)
    pieces = [_nearest(_WORDS[k : k + _CHUNK], o) for k in range(0, len(_WORDS), _CHUNK)]
    for choice, sign in (np.concatenate(parts, axis=1) for parts in zip(*pieces, strict=True)):
        after = (_WORDS << op.TANH_CELL_SHIFT) ^ sign
        yield _units(_LEAST, _GREATEST, 0, z[choice], _cells_before(after))


def _nearest(words: Integers, o: Integers) -> list[Integers]:
    """For a word too small and one too great the o and the sign of c, each of shape (2, words)."""
    nearest = []
    for rises in (True, False):
        distances = []
        for sign in (0, -1):
            t = op.tanh((words << op.TANH_CELL_SHIFT) ^ sign)[:, None]
            distances.append(_distance(o * t, up=rises != (sign < 0)) / o)
        both = np.stack(distances).transpose(1, 0, 2).reshape(len(words), -1)
        sign, choice = np.divmod(both.argmin(axis=1), len(o))
        nearest.append(np.stack([choice, -sign]))
    return nearest


def _distance(product: Integers, *, up: bool) -> Integers:
    """How far a product may move until h is another; beyond all where it cannot become one."""
    h, rest = np.divmod(product + HIDDEN_EDGE // 2, HIDDEN_EDGE)
    if up:
        return np.where(h >= HIDDEN.maximum, np.iinfo(np.int64).max, HIDDEN_EDGE - rest)
    above = np.maximum(h - HIDDEN.maximum, 0)  # Clipped: an edge that does not show.
    return np.where(h <= HIDDEN.minimum, np.iinfo(np.int64).max, rest + 1 + above * HIDDEN_EDGE)


def _cells_before(after: Integers) -> Integers:
    """The least c of which a great f and the least i make this c'."""
    i, f = (int(op.sigmoid(np.array(z))) for z in (_LEAST, _GREATEST))
    added = ((i * op.tanh(np.array(0))) >> op.INPUT_PRODUCT_SHIFT) + CELL_EDGE // 2
    return -((added - after * CELL_EDGE) // f)
