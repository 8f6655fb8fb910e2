"""Cycles a character of accelerators of several sizes, from the counters of their simulated RTL.

The vocabulary is the model's, so each chip is compiled once, with the highest capacity, and runs
models of several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.quant.config import MOST_SYMBOLS, Config
from zynq_lstm.quant.exercise import exercise_image
from zynq_lstm.sim.bench import steady_cycles
from zynq_lstm.sim.link import open_link

SIZES = tuple(
    Config(hidden=hidden, symbols=MOST_SYMBOLS, multipliers=multipliers)
    for multipliers, every in (
        (512, (128,)),
        (256, (64, 128)),
        (128, (32, 64, 128)),
        (64, (16, 32, 64, 128)),
    )
    for hidden in every
)
"""Accelerators of two layers; a row needs as many units as there are columns, at least."""
VOCABULARIES = (4, 16, 64, 128, 256)
SHORT, LONG = 8, 40
"""Characters of two runs: in the steady state each takes the same cycles."""


@dataclass(frozen=True)
class Size:
    """Cycles a character of a model on an accelerator.

    Parameters
    ----------
    config : Config
        The accelerator.
    symbols : int
        Of the model.
    cycles : float
        Counted while generating, in the steady state.
    """

    config: Config
    symbols: int
    cycles: float


def measure_sizes(
    report: Callable[[str], None],
    configs: Sequence[Config] = SIZES,
    vocabularies: Sequence[int] = VOCABULARIES,
) -> Iterator[Size]:
    """Compile accelerators one after the other, and let each generate with several vocabularies.

    Parameters
    ----------
    report : callable
        Told what is being done.
    configs : sequence of Config
    vocabularies : sequence of int
        Powers of two.
    """
    for number, config in enumerate(configs, start=1):
        report(f"{number} of {len(configs)}: {config.describe()}")
        chip = AcceleratorTransport(open_link(config, report))
        try:
            for symbols in vocabularies:
                chip.load(exercise_image(replace(config, symbols=symbols), "ordinary", symbols))
                yield Size(config, symbols, steady_cycles(chip, SHORT, LONG))
        finally:
            chip.close()
