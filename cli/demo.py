"""`zynq-lstm demo`: the whole way in one command, with the golden model beside the simulation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer

import zynq_lstm.host as host
from zynq_lstm.cli.console import results, say, write_table
from zynq_lstm.cli.figures import (
    CLOCK_HZ,
    WITH_ENDS,
    characters_per_second,
    giga_operations_per_second,
)
from zynq_lstm.cli.options import backend_options
from zynq_lstm.cli.shipped import FOLDER, NAME, shipped_image
from zynq_lstm.host.drawing import Drawing
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.image import Image

WIDTH = 60
"""Characters of each text on a line where there is room for them."""
NOTHING = "\N{REPLACEMENT CHARACTER}"


def demo(
    models: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help=f"Folder with {NAME}.zlstm or {NAME}.safetensors.",
            show_default="the shipped models",
        ),
    ] = FOLDER,
    prompt: Annotated[str, typer.Option("--prompt", "-p", help="Text to go on from.")] = "ROMEO:",
    length: Annotated[int, typer.Option("--length", "-n", help="Characters to generate.")] = 1000,
    temperature: Annotated[
        float, typer.Option("--temperature", "-t", help="0 to just below 16.")
    ] = 0.8,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Seed of the text.")] = 1,
) -> None:
    """Generate text on the simulated chip and on the golden model, and compare.

    Both texts stand side by side, with = at the end of the lines that are equal; then follows what
    the chip's own counters say.
    """
    image = shipped_image(models, keep=True)
    Drawing.checked(image.vocabulary, None, prompt, length, temperature, seed, None)
    with (
        host.open(image, "golden") as golden,
        host.open(image, "sim", **backend_options("sim")) as chip,
    ):
        sessions = (chip, golden)
        texts = [s.stream(prompt, length, temperature=temperature, seed=seed) for s in sessions]
        say(f"Simulated chip (left) and golden model (right) go on from {prompt!r}:\n")
        begun = time.monotonic()
        equal = _show(*texts)
        seconds = time.monotonic() - begun
        states_equal = chip.state == golden.state
        counters = chip.counters()
    if equal < length or not states_equal:
        raise UserError(
            f"Simulated chip and golden model must agree, but only {equal:,} of {length:,} symbols "
            f"are equal and the final states are {'equal' if states_equal else 'not equal'}"
        )
    results.print()
    write_table(
        [
            ("agreement", f"{equal:,} of {length:,} symbols equal, final states equal"),
            *_figures(image, counters),
            ("simulator", f"{length / seconds:,.0f} characters/s, golden model beside it"),
        ]
    )


def _show(left: Iterator[str], right: Iterator[str]) -> int:
    """Write two texts side by side as they come; return how many characters are equal."""
    width = max(16, (results.width - 6) // 2) if results.is_terminal else WIDTH
    width = min(width, WIDTH)
    line: list[tuple[str, str]] = []
    equal = 0
    for a, b in zip_longest(_characters(left), _characters(right), fillvalue=NOTHING):
        equal += a == b
        line.append((a, b))
        if a == "\n" or len(line) == width:
            _show_line(line, width)
            line = []
    if line:
        _show_line(line, width)
    return equal


def _show_line(line: list[tuple[str, str]], width: int) -> None:
    texts = [
        "".join(c if c.isprintable() else " " for c in side) for side in zip(*line, strict=True)
    ]
    mark = "=" if all(a == b for a, b in line) else "!"
    results.print(f"{texts[0]:{width}} | {texts[1]:{width}} {mark}")


def _characters(pieces: Iterator[str]) -> Iterator[str]:
    for piece in pieces:
        yield from piece


def _figures(image: Image, counters: host.Counters) -> list[tuple[str, str]]:
    cycles, busy = counters.cycles_per_character, counters.multiplier_utilization
    if cycles is None or busy is None:
        raise RuntimeError("A simulated chip must count cycles")
    rate = characters_per_second(cycles)
    operations = giga_operations_per_second(image.config, image.symbols, cycles)
    multipliers = image.config.multipliers
    return [
        ("cycles a character", f"{cycles:.2f} {WITH_ENDS}"),
        ("multipliers busy", f"{busy:.1%} of the cycles within characters, all {multipliers}"),
        (f"at {CLOCK_HZ / 1e6:.2f} MHz", f"{rate:,.0f} characters/s, {operations:.1f} GOP/s"),
    ]
