"""What counted cycles mean at the clock rate that the accelerator is written for."""

from __future__ import annotations

from zynq_lstm.boards.design import CLOCK_HZ
from zynq_lstm.quant.config import GATES, Config

WITH_ENDS = "with the starts and ends of runs"
"""What is in a text's mean of cycles (`Counters.cycles_per_character`), and not in `bench`'s."""


def operations_per_character(config: Config, symbols: int) -> int:
    """Multiplications and additions of the model's matrices, two a weight.

    The first layer's input is a look-up and counts nothing, like padding of the output rows.
    """
    recurrent = config.matrices * GATES * config.hidden**2
    return 2 * (recurrent + symbols * config.hidden)


def least_cycles(config: Config, symbols: int) -> float:
    """Return the computed limit: the matrices' multiplications by the multipliers there are."""
    return operations_per_character(config, symbols) / 2 / config.multipliers


def characters_per_second(cycles_per_character: float) -> float:
    """Return the rate at `CLOCK_HZ`."""
    return CLOCK_HZ / cycles_per_character


def giga_operations_per_second(config: Config, symbols: int, cycles_per_character: float) -> float:
    """Return the arithmetic rate at `CLOCK_HZ`, in GOP/s."""
    rate = characters_per_second(cycles_per_character)
    return operations_per_character(config, symbols) * rate / 1e9
