"""What a soak plays: a million characters in runs, and the slices in which they are shared.

A run is a text drawn by one model with one seed at one temperature from the zero state; all of it
follows from the run's number. Runs of a configuration stand together, so that a slice compiles few
simulators; slices take about the same time, for each has about the same number of multiplications.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from random_models import STYLES, random_image

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.formats import TEMPERATURE
from zynq_lstm.quant.image import Image, read_image
from zynq_lstm.quant.sampling import seed_state

MODELS = Path(__file__).parents[2] / "models"
SHIPPED = {"shakespeare": Config(), "python": Config(), "catalogs": Config(symbols=256)}

CHARACTERS = 5_000
"""Of a run."""

SHIPPED_RUNS, FULL_SIZE_RUNS, SMALL_RUNS = 40, 20, 10
"""Of each shipped model; of random models at full size; of random models of each small size."""

SMALL = (
    Config(hidden=16, symbols=8, multipliers=64),
    Config(hidden=32, symbols=32, multipliers=64),
    Config(hidden=32, symbols=16, multipliers=128, layers=1, dsp_pairs=0),
    Config(hidden=48, symbols=256, multipliers=64, dsp_pairs=32),
    Config(hidden=96, symbols=64, multipliers=128),
    Config(hidden=64, symbols=128, multipliers=256, dsp_pairs=128),
)

LONGEST_PROMPT = 64
ENDS = (0, 1, TEMPERATURE.maximum)
"""Temperatures of each fourth run: greedy, next to it, highest."""
WARM = round(2.5 / TEMPERATURE.lsb)
"""Temperatures of the others are uniform up to here."""


@dataclass(frozen=True)
class Model:
    """A shipped model, or a random one.

    Parameters
    ----------
    config : Config
    shipped : str
        Its name; empty for a random one.
    symbols : int
    style : str
        One of `random_models.STYLES`.
    """

    config: Config
    shipped: str = ""
    symbols: int = 0
    style: str = ""

    def image(self) -> Image:
        """Read it, or make it."""
        if self.shipped:
            return read_image(MODELS / f"{self.shipped}.zlstm")
        return random_image(self.config, self.symbols, self.style, seed=self.symbols)

    def __str__(self) -> str:
        if self.shipped:
            return f"models/{self.shipped}.zlstm"
        return f"random model ({self.style}, {self.symbols} symbols; {self.config.describe()})"


@dataclass(frozen=True)
class Run:
    """One text.

    Parameters
    ----------
    number : int
        From 1; all that is random follows from it.
    model : Model
    length : int
        Characters drawn.
    """

    number: int
    model: Model
    length: int = CHARACTERS

    @property
    def seed(self) -> int:
        """State of the generator."""
        return seed_state(self.number)

    @cached_property
    def temperature(self) -> int:
        """In the format `TEMPERATURE`."""
        if self.number % 4 == 0:
            return ENDS[self.number // 4 % len(ENDS)]
        return int(self._random(1).integers(2, WARM))

    def prompt(self, symbols: int) -> NDArray[np.uint8]:
        """What is fed first, shape (1 to `LONGEST_PROMPT`,)."""
        random = self._random(2)
        return random.integers(0, symbols, random.integers(1, LONGEST_PROMPT + 1)).astype(np.uint8)

    @property
    def cost(self) -> int:
        """Multiplications, which are what simulating it takes."""
        config = self.model.config
        return self.length * config.multipliers * config.steps(self.model.symbols or config.symbols)

    def _random(self, use: int) -> np.random.Generator:
        return np.random.default_rng((self.number, use))

    def __str__(self) -> str:
        warmth = self.temperature * TEMPERATURE.lsb
        return (
            f"run {self.number}, {self.model}, seed {self.number}, "
            f"temperature {self.temperature} ({warmth:.4f})"
        )


def _models() -> Iterator[Model]:
    for name in ("shakespeare", "python"):
        yield from [Model(SHIPPED[name], name)] * SHIPPED_RUNS
    yield from _random_models(Config(), FULL_SIZE_RUNS)
    yield from [Model(SHIPPED["catalogs"], "catalogs")] * SHIPPED_RUNS
    for config in SMALL:
        yield from _random_models(config, SMALL_RUNS)


def _random_models(config: Config, count: int) -> Iterator[Model]:
    """Styles in turn; symbols from two to all."""
    for k in range(count):
        symbols = 2 + (config.symbols - 2) * k // (count - 1)
        yield Model(config, symbols=symbols, style=STYLES[k % len(STYLES)])


def plan() -> list[Run]:
    """Return all runs, in order."""
    return [Run(number, model) for number, model in enumerate(_models(), 1)]


def slice_of(runs: list[Run], which: int, of: int) -> list[Run]:
    """One slice: each run is in exactly one of them.

    Parameters
    ----------
    runs : list of Run
    which, of : int
        1 to ``of``; how many there are.

    Raises
    ------
    UserError
        When there is no such slice.
    """
    if not 1 <= which <= of:
        raise UserError(f"Slice must be one of 1/{of} to {of}/{of}, not {which}/{of}")
    total, before, found = sum(run.cost for run in runs), 0, []
    for run in runs:
        middle = 2 * before + run.cost
        if middle * of // (2 * total) == which - 1:
            found.append(run)
        before += run.cost
    return found
