"""Cycles of a simulated accelerator, from its own counters, and what runs cost their host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.sampling import encode_temperature, seed_state
from zynq_lstm.sim.link import open_link

SHORT, LONG = 64, 1000
"""Characters of the two runs whose difference is the steady state."""


@dataclass(frozen=True)
class Cycles:
    """What the hardware counted.

    Parameters
    ----------
    generate, score : float
        Cycles a character in the steady state.
    startup : int
        Cycles of a run before its first and after its last character.
    utilization : float
        Share of the cycles of generating in which all multipliers worked.
    accesses, transfers : int
        Register accesses and packets that generating `LONG` characters cost the host.
    """

    generate: float
    score: float
    startup: int
    utilization: float
    accesses: int
    transfers: int


def open_chip(image: Image, report: Callable[[str], None] | None = None) -> AcceleratorTransport:
    """Compile the accelerator of an image, where that is not done yet, and load it."""
    chip = AcceleratorTransport(open_link(image.config, report))
    chip.load(image)
    return chip


def count_cycles(chip: AcceleratorTransport, symbols: int) -> Cycles:
    """Let a simulated chip generate and score.

    Parameters
    ----------
    chip : AcceleratorTransport
        With a model loaded; its link is a `SimulatedLink`.
    symbols : int
        Of the model.
    """
    text = np.random.default_rng(1).integers(0, symbols, LONG + 1).astype(np.uint8)
    accesses, transfers = chip.link.accesses, chip.link.transfers
    generate(chip, LONG)
    accesses, transfers = chip.link.accesses - accesses, chip.link.transfers - transfers
    long = counted(chip, lambda: generate(chip, LONG))
    written = steady(counted(chip, lambda: generate(chip, SHORT)), long)
    scored = steady(
        *(counted(chip, lambda n=n: len(chip.score(text[: n + 1]))) for n in (SHORT, LONG))
    )
    return Cycles(
        generate=written["cycles"] / written["characters"],
        score=scored["cycles"] / scored["characters"],
        startup=long["startup"],
        utilization=written["steps"] / written["cycles"],
        accesses=accesses,
        transfers=transfers,
    )


def steady_cycles(chip: AcceleratorTransport, short: int, long: int) -> float:
    """Cycles a character of generating, from the difference of two runs."""
    found = steady(*(counted(chip, lambda n=n: generate(chip, n)) for n in (short, long)))
    return found["cycles"] / found["characters"]


def generate(chip: AcceleratorTransport, length: int) -> int:
    """Generate from symbol 0; returns the length."""
    prompt = np.zeros(1, np.uint8)
    pieces = chip.generate(prompt, length, encode_temperature(1.0), seed_state(1))
    return sum(len(piece) for piece in pieces)


def counted(chip: AcceleratorTransport, run: Callable[[], int]) -> dict[str, int]:
    """What the counters gain by a run; `run` returns its characters, which they must count.

    Raises
    ------
    RuntimeError
        When they do not.
    """
    before = chip.counters()
    characters = run()
    after = chip.counters()
    gained = {name: after[name] - before[name] for name in after}
    if gained["characters"] != characters:
        raise RuntimeError(f"The chip must count {characters} characters, not {gained}")
    return gained


def steady(short: dict[str, int], long: dict[str, int]) -> dict[str, int]:
    """What a long run costs more than a short one."""
    return {name: long[name] - short[name] for name in long}
