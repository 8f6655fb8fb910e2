"""The probe of the surprisal's tables: totals at an edge, so that a last bit more or less shows.

A surprisal is rounded to 9 bits of fraction, and so is one number for many totals. Here logits are
chosen such that the total is the last one before the next number, where any term that is too great
shows, or the first one of that number, where any that is too small does:

greatest          gives exactly 1
coarse and fine   two symbols whose terms bring the total to the edge
all others        a term each that is one word of the upper bits' table (lower bits 0), or one of
                  the lower bits' (upper bits 0), each lane's in an order of its own

All this comes twice, in other orders, so that one word is what the totals that differ have in
common.

For the logarithm there are two totals for each of its lines, near the line's end, where a last bit
of the slope is one of the rise; the distance of the symbol that came moves the sum to the edge.

Logits are written: each is 127 times one unit's h and another's, with gates that keep c.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from zynq_lstm.quant import surprisal as s
from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.formats import WEIGHT_LIMIT
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.operators import round_shift
from zynq_lstm.quant.parameters import matrix_rows
from zynq_lstm.quant.probe import kept_cells, probe_image
from zynq_lstm.quant.state import State
from zynq_lstm.quant.table_probe import (
    Integers,
    Table,
    TableProbe,
    keeping_parameters,
)

UPPER = tuple(f"exponential table (upper bits) of lane {k}" for k in range(GATES))
LOWER = tuple(f"exponential table (lower bits) of lane {k}" for k in range(GATES))
BASE, SLOPE = "logarithm table (base)", "logarithm table (slope)"

UNITS_PER_SYMBOL = 2
GREATEST_LOGIT = WEIGHT_LIMIT * (WEIGHT_LIMIT + 1)
FAR = 2 * GREATEST_LOGIT
"""Distance of a symbol that adds nothing."""

_VANISHES = 1 << (s.DISTANCE_LOW_BITS + s.DISTANCE_HIGH_BITS)
"""The least distance whose exponential is 0."""
_ONE = 1 << s.TOTAL.fraction
_HALF = 1 << (s.SURPRISAL_SHIFT - 1)
_CUT = s.TOTAL.fraction - s.LOG_LINE_BITS - s.LOG_FRACTION_BITS
"""Bits of a total from 1 to 2 that the logarithm does not look at."""
_GREATEST, _COARSE, _FINE, _CAME = range(4)
_SEED = 1
_ORDERS = 2


@dataclass(frozen=True)
class Characters:
    """Logits of a character, and the symbol that came.

    Parameters
    ----------
    distances : ndarray of int64, shape (characters, symbols)
        From the greatest logit, which is `GREATEST_LOGIT`.
    targets : ndarray of int64, shape (characters,)
    """

    distances: Integers
    targets: Integers


class SurprisalProbe(TableProbe):
    """Surprisals of `characters`."""

    name = "surprisal tables"

    def __init__(self, config: Config) -> None:
        self.characters = characters(symbols_of(config))
        high, low = s.exp_high_table(), s.exp_low_table()
        base, slope = s.log_tables()
        self.tables = {
            **dict.fromkeys(UPPER, Table(high, s.EXP_HIGH.bits)),
            **dict.fromkeys(LOWER, Table(low, s.EXP_LOW.bits)),
            BASE: Table(base, s.LOG_BASE.bits),
            SLOPE: Table(slope, s.LOG_SLOPE.bits),
        }

    def outcome(self, words: Mapping[str, Integers]) -> Integers:
        """Surprisals when tables hold these words, shape (characters, 1)."""
        distances, targets = self.characters.distances, self.characters.targets[:, None]
        log = s.logarithm(self._totals(words), words[BASE], words[SLOPE])
        chosen = np.take_along_axis(distances, targets, axis=1)
        bits = round_shift(log + s.distance_in_bits(chosen), s.SURPRISAL_SHIFT)
        return np.asarray(bits & s.SURPRISAL.maximum)

    def reads(self, table: str) -> Integers:
        """Words of a table that each character reads; -1 for a symbol that adds nothing."""
        if table in (BASE, SLOPE):
            return _line(self._totals(self.right))
        upper = table in UPPER
        lane = (UPPER if upper else LOWER).index(table)
        d = self.characters.distances[:, lane::GATES]
        word = d >> s.DISTANCE_LOW_BITS if upper else d & ((1 << s.DISTANCE_LOW_BITS) - 1)
        return np.where(d < _VANISHES, word, -1)

    def _totals(self, words: Mapping[str, Integers]) -> Integers:
        terms = [
            s.exponential(self.characters.distances[:, k::GATES], words[UPPER[k]], words[LOWER[k]])
            for k in range(GATES)
        ]
        return np.concatenate(terms, axis=1).sum(axis=1, keepdims=True)


def symbols_of(config: Config) -> int:
    """Symbols of the model: as many as there are units for."""
    return min(config.symbols, config.hidden // UNITS_PER_SYMBOL)


def surprisal_image(config: Config) -> Image:
    """The model: logits are what `surprisal_states` writes.

    Raises
    ------
    UserError
        When the configuration has no hardware that could be tested.
    """
    symbols = symbols_of(config)
    parameters = keeping_parameters(config, symbols)
    out = parameters.weights[matrix_rows(config, symbols)["out"]]
    for symbol in range(symbols):
        row, lane = divmod(symbol, GATES)
        out[row, lane, UNITS_PER_SYMBOL * symbol :][:UNITS_PER_SYMBOL] = WEIGHT_LIMIT, 1
    return probe_image(parameters, SurprisalProbe.name)


def surprisal_states(config: Config) -> State:
    """States that make the logits of each character, shape (layers, characters, hidden)."""
    logits = GREATEST_LOGIT - characters(symbols_of(config)).distances
    many = np.clip(np.rint(logits / WEIGHT_LIMIT), -WEIGHT_LIMIT, WEIGHT_LIMIT).astype(np.int64)
    h = np.zeros((len(logits), config.hidden), np.int64)
    pairs = np.stack([many, logits - WEIGHT_LIMIT * many], axis=2)
    h[:, : pairs[0].size] = pairs.reshape(len(h), -1)
    state = State.zeros(config.layers, config.hidden, len(h))
    state.c[-1] = kept_cells(h)
    return state


@lru_cache(maxsize=2)
def characters(symbols: int) -> Characters:
    """All characters of the probe, for a model of so many symbols, at least four."""
    parts = [_of_exponentials(symbols), _of_logarithm(symbols)]
    return Characters(
        np.concatenate([p.distances for p in parts]), np.concatenate([p.targets for p in parts])
    )


def _of_exponentials(symbols: int) -> Characters:
    """Words of the tables of each lane; symbols that are not free move on by three."""
    words = np.arange(1 << s.DISTANCE_LOW_BITS)
    each = np.concatenate([words << s.DISTANCE_LOW_BITS, words])
    rng = np.random.default_rng(_SEED)
    rows: list[Integers] = []
    all_roles: list[list[int]] = []
    for _ in range(_ORDERS):
        waiting = [rng.permutation(each).tolist() for _ in range(GATES)]
        while any(waiting):
            first = 3 * len(rows)
            roles = [(first + role) % symbols for role in (_GREATEST, _COARSE, _FINE)]
            row = np.full(symbols, FAR)
            row[roles[_GREATEST]] = 0
            for symbol in set(range(symbols)) - set(roles):
                if waiting[symbol % GATES]:
                    row[symbol] = waiting[symbol % GATES].pop()
            rows.append(row)
            all_roles.append(roles)
    distances, places = np.stack(rows), np.array(all_roles)
    partial = s.exponential(distances).sum(axis=1)
    missing = _before_edge(partial) - partial
    filled = [_filled(distances, places, missing + above) for above in (0, 1)]
    return Characters(np.concatenate(filled), np.tile(places[:, _GREATEST], 2))


def _of_logarithm(symbols: int) -> Characters:
    """Two totals for each line, the first four symbols in their roles."""
    base, slope = s.log_tables()
    lines, along = len(base), np.arange(1 << s.LOG_FRACTION_BITS)
    rises = [round_shift((slope + k)[:, None] * along, s.LINE_SHIFT) for k in (-1, 0, 1)]
    steep = (rises[2] > rises[1]) & (rises[1] > rises[0])
    place = len(along) - 1 - steep[:, ::-1].argmax(axis=1)
    rest = (base + rises[1][np.arange(lines), place]) % (2 * _HALF)
    total = _ONE + (((np.arange(lines) << s.LOG_FRACTION_BITS) + place) << _CUT)
    moving = np.arange(_VANISHES, FAR)
    moves = s.distance_in_bits(moving) % (2 * _HALF)
    distances = np.full((2 * lines, symbols), FAR)
    distances[:, _GREATEST] = 0
    for k, wanted in enumerate((_HALF - 1, _HALF)):
        move = [moving[np.argmax(moves == (wanted - r) % (2 * _HALF))] for r in rest]
        distances[k * lines : (k + 1) * lines, _CAME] = move
    roles = np.tile([_GREATEST, _COARSE, _FINE], (2 * lines, 1))
    return Characters(
        _filled(distances, roles, np.tile(total - _ONE, 2)), np.full(2 * lines, _CAME)
    )


def _filled(distances: Integers, roles: Integers, missing: Integers) -> Integers:
    """With a coarse and a fine symbol, whose terms make up what is missing, less than 1."""
    terms = s.exponential(np.arange(_VANISHES))
    coarse = np.searchsorted(-terms, -missing)
    rest = missing - np.append(terms, 0)[coarse]
    fine = np.searchsorted(-terms, -rest)
    filled = distances.copy()
    everyone = np.arange(len(filled))
    for role, chosen in ((_COARSE, coarse), (_FINE, fine)):
        filled[everyone, roles[:, role]] = np.where(chosen < _VANISHES, chosen, FAR)
    return filled


def _before_edge(total: Integers) -> Integers:
    """The next totals behind which the surprisal is another."""

    def rounded(x: Integers) -> Integers:
        return round_shift(s.logarithm(x), s.SURPRISAL_SHIFT)

    low, high = total.copy(), total + (total >> (s.SURPRISAL.fraction - 1))
    now = rounded(low)
    while (high - low > 1).any():
        middle = (low + high) // 2
        same = rounded(middle) <= now
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return low


def _line(total: Integers) -> Integers:
    """Line of the logarithm that a total is on."""
    lines = 1 << s.LOG_LINE_BITS
    exponent = np.floor(np.log2(total)).astype(np.int64)
    return (total << s.LOG_LINE_BITS >> exponent) - lines
