"""The probe of the tables of noise: draws that a word which is wrong by one decides otherwise.

Symbols 1 and 3 have the same logit, the others one far below. The generator is loaded such that
both read the same word, one from each of the two tables:

tie        symbol 1 is drawn, for it is the lower one; symbol 3, where table 0 holds less than it
           must or table 1 more
advantage  symbol 3's logit is greater by its last bit, which is as much as a last bit of noise at
           this temperature. It is drawn; symbol 1, where table 0 holds more or table 1 less

A step of the generator is linear over GF(2), so that the seed of which two draws read words that
are wanted is the solution of linear equations. Which table is wrong a draw cannot tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.formats import GUMBEL, LOGIT
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.operators import LOGIT_TO_SCORE_SHIFT, NOISE_SHIFT, sampling_score
from zynq_lstm.quant.parameters import matrix_rows
from zynq_lstm.quant.probe import kept_cells, probe_image
from zynq_lstm.quant.sampling import LANE_BITS, Sampler, advanced
from zynq_lstm.quant.state import State
from zynq_lstm.quant.table_probe import (
    Integers,
    Table,
    TableProbe,
    keeping_parameters,
)
from zynq_lstm.quant.tables import (
    GUMBEL_COARSE_BITS,
    GUMBEL_RANDOM_BITS,
    GUMBEL_TAIL_BITS,
    gumbel_table,
)

TABLES = ("noise table 0 (lanes 0, 1)", "noise table 1 (lanes 2, 3)")
SYMBOLS = GATES
"""Of the model: a row of logits, so that a draw is a step of the generator."""

CONTESTANTS = (1, 3)
"""Lanes whose random numbers of two draws are independent; those of 0 and 2 are not."""

DRAWS = 2
"""With one seed."""

TEMPERATURE = 1 << (NOISE_SHIFT + LOGIT_TO_SCORE_SHIFT)
"""A last bit of noise is a last bit of a logit."""

HIGH, LOW = LOGIT.maximum - 1, LOGIT.minimum
UNIT = 0
"""Whose h is symbol 3's advantage."""

_SEED = 1
_TAIL = (1 << GUMBEL_TAIL_BITS) - 1


@dataclass(frozen=True)
class Draws:
    """Texts of two symbols each.

    Parameters
    ----------
    advantage : ndarray of int64, shape (texts,)
        Of symbol 3's logit: 0 or 1.
    seeds : ndarray of uint64, shape (texts,)
        States of the generator.
    """

    advantage: Integers
    seeds: NDArray[np.uint64]


class NoiseProbe(TableProbe):
    """Symbols of `draws`."""

    name = "noise tables"

    def __init__(self) -> None:
        table = Table(gumbel_table(), GUMBEL.bits)
        self.tables = dict.fromkeys(TABLES, table)

    def outcome(self, words: Mapping[str, Integers]) -> Integers:
        """Symbols when tables hold these words, shape (texts, 2)."""
        return _drawn(draws().advantage, _read(draws().seeds), [words[name] for name in TABLES])

    def reads(self, table: str) -> Integers:
        """Words of a table that the contestants of each text read, shape (texts, 2)."""
        return _read(draws().seeds)[..., CONTESTANTS[TABLES.index(table)]]


def noise_image(config: Config) -> Image:
    """The model: logits that stay as they are, but for symbol 3's, which a unit's h adds to.

    Raises
    ------
    UserError
        When the configuration has no hardware that could be tested.
    """
    parameters = keeping_parameters(config, SYMBOLS)
    out = matrix_rows(config, SYMBOLS)["out"].start
    parameters.biases[out] = [HIGH if s in CONTESTANTS else LOW for s in range(SYMBOLS)]
    parameters.weights[out, CONTESTANTS[1], UNIT] = 1
    return probe_image(parameters, NoiseProbe.name)


def noise_state(config: Config, advantage: int) -> State:
    """State that keeps the advantage."""
    h = np.zeros(config.hidden, np.int64)
    h[UNIT] = advantage
    state = State.zeros(config.layers, config.hidden)
    state.c[-1] = kept_cells(h)
    return state


@lru_cache(maxsize=1)
def draws() -> Draws:
    """All texts: each word of the table twice, those of its coarse half beside those of the tail.

    Seeds are chosen anew where another symbol is drawn than a contestant.
    """
    coarse = (1 << GUMBEL_COARSE_BITS) - (1 << (GUMBEL_COARSE_BITS - GUMBEL_TAIL_BITS))
    tail = np.arange(1 << GUMBEL_COARSE_BITS)
    words = np.tile(np.stack([tail % coarse, len(tail) + tail], axis=1), (2, 1))
    advantage = np.arange(2).repeat(len(tail))
    wanted = np.array(CONTESTANTS)[advantage][:, None]
    rng, table = np.random.default_rng(_SEED), gumbel_table()
    seeds = np.zeros(len(words), np.uint64)
    again = np.arange(len(words))
    while len(again):
        seeds[again] = _seeds(_randoms(words[again], rng), rng)
        found = _drawn(advantage[again], _read(seeds[again]), [table, table])
        again = again[(found != wanted[again]).any(axis=1) | (seeds[again] == 0)]
    return Draws(advantage, seeds)


def _read(seeds: NDArray[np.uint64]) -> Integers:
    """Words that each lane reads, shape (texts, draws, 4)."""
    sampler = Sampler(seeds, TEMPERATURE, SYMBOLS)
    return np.stack([sampler.noise_words() for _ in range(DRAWS)], axis=1)


def _drawn(advantage: Integers, read: Integers, tables: list[Integers]) -> Integers:
    logits = np.array([HIGH if s in CONTESTANTS else LOW for s in range(SYMBOLS)])
    logits = np.tile(logits, (len(read), 1, 1))
    logits[:, 0, CONTESTANTS[1]] += advantage
    noise = np.stack([tables[lane // 2][read[..., lane]] for lane in range(GATES)], axis=-1)
    return sampling_score(logits, TEMPERATURE, noise).argmax(axis=-1)


def _randoms(words: Integers, rng: np.random.Generator) -> Integers:
    """Random numbers for both contestants that read these words, shape (texts, draws, 2)."""
    fine = 1 << GUMBEL_COARSE_BITS
    rest = rng.integers(0, 1 << GUMBEL_TAIL_BITS, (*words.shape, len(CONTESTANTS)))
    each = words[..., None]
    return np.where(each < fine, each << GUMBEL_TAIL_BITS | rest, _TAIL * fine | each % fine)


def _seeds(randoms: Integers, rng: np.random.Generator) -> NDArray[np.uint64]:
    """States of the generator of which the draws read these random numbers."""
    bits = np.arange(GUMBEL_RANDOM_BITS)
    wanted = (randoms[..., None] >> bits & 1).reshape(len(randoms), -1).astype(bool)
    columns, free = _solution()
    chosen = rng.integers(0, 2, (len(randoms), len(free))).astype(bool)
    parts = np.where(np.hstack([wanted, chosen]), np.array([*columns, *free], np.uint64), 0)
    return np.bitwise_xor.reduce(parts.astype(np.uint64), axis=1)


@lru_cache(maxsize=1)
def _solution() -> tuple[list[int], list[int]]:
    """What each wanted bit adds to a seed, and what can be added for nothing.

    Gauss and Jordan's elimination; a row holds coefficients of the seed's bits, above them the
    wanted bits that it is the sum of.
    """
    places = [
        (draw, lane * LANE_BITS + bit)
        for draw in range(DRAWS)
        for lane in CONTESTANTS
        for bit in range(GUMBEL_RANDOM_BITS)
    ]
    after = [[advanced(1 << k, draw + 1) for k in range(64)] for draw in range(DRAWS)]
    rows = [
        sum((after[draw][k] >> bit & 1) << k for k in range(64)) | 1 << (64 + n)
        for n, (draw, bit) in enumerate(places)
    ]
    pivots: list[int] = []
    for n in range(len(rows)):
        seed_bits = rows[n] & ((1 << 64) - 1)
        pivots.append(seed_bits.bit_length() - 1)
        rows = [
            row ^ rows[n] if k != n and row >> pivots[n] & 1 else row for k, row in enumerate(rows)
        ]
    solved = list(zip(pivots, rows, strict=True))
    columns = [sum(1 << p for p, row in solved if row >> (64 + n) & 1) for n in range(len(rows))]
    others = [k for k in range(64) if k not in pivots]
    free = [1 << k | sum(1 << p for p, row in solved if row >> k & 1) for k in others]
    return columns, free
