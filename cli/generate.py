"""`zynq-lstm generate`: text from a model, on standard output as it comes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

import typer

import zynq_lstm.host as host
from zynq_lstm.cli.console import counted, results, say, write
from zynq_lstm.cli.figures import WITH_ENDS
from zynq_lstm.cli.live import LiveView
from zynq_lstm.cli.options import BackendOption, ImageArgument, backend_options, chosen_backend
from zynq_lstm.host.drawing import Drawing
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.image import read_image


def generate(
    image: ImageArgument,
    prompt: Annotated[str, typer.Option("--prompt", "-p", help="Text to go on from.")],
    length: Annotated[
        int,
        typer.Option(
            "--length", "-n", help="Characters to generate; bytes, if those are the symbols."
        ),
    ] = 500,
    temperature: Annotated[
        float | None,
        typer.Option(
            "--temperature",
            "-t",
            help="Below 1 more likely text, above 1 wilder; 0 to just below 16.",
            show_default="1.0",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", "-s", help="The same seed gives the same text everywhere.")
    ] = 0,
    greedy: Annotated[
        bool, typer.Option("--greedy", help="Always the most likely character (temperature 0).")
    ] = False,
    stop: Annotated[
        str | None, typer.Option(help="End with the first occurrence of this text.")
    ] = None,
    echo: Annotated[bool, typer.Option("--echo", help="Write the prompt before the text.")] = False,
    live: Annotated[
        bool,
        typer.Option("--live", help="Show speed, cycles and the multipliers' use."),
    ] = False,
    backend: BackendOption = "golden",
) -> None:
    """Generate text.

    Standard output receives the generated characters as they come and nothing else. With --live, on
    a terminal, a view of the accelerator at work comes first; Ctrl-C ends it.
    """
    if greedy and temperature:
        raise UserError(f"Temperature must be left out with --greedy, but it is {temperature}")
    if temperature is None:
        temperature = 0.0 if greedy else 1.0
    model = read_image(image)
    Drawing.checked(model.vocabulary, None, prompt, length, temperature, seed, stop)
    backend = chosen_backend(backend)
    with host.open(model, backend, **backend_options(backend)) as session:
        text = session.stream(prompt, length, temperature=temperature, seed=seed, stop=stop)
        if live and not results.is_terminal:
            say("A live view needs a terminal as standard output; the text is written as it comes")
            live = False
        begun = time.monotonic()
        if live:
            written, whole = LiveView(session, prompt, length, backend, results).show(text)
            seconds = time.monotonic() - begun
            write((prompt if echo else "") + written)
        else:
            written, whole = _written(text, prompt if echo else ""), True
            seconds = time.monotonic() - begun
        if results.is_terminal:
            write("\n")
        symbols = len(model.vocabulary.encode(written))
        say(_summary(symbols, model.vocabulary.unit, seconds, backend, session.counters()))
    if not whole:
        raise typer.Exit(130)


def _written(pieces: Iterator[str], before: str) -> str:
    """Write a text as it comes; return it."""
    write(before)
    written = []
    for piece in pieces:
        write(piece)
        written.append(piece)
    return "".join(written)


def _summary(symbols: int, unit: str, seconds: float, backend: str, counters: host.Counters) -> str:
    parts = [f"{counted(symbols, unit)} on {backend}"]
    if seconds > 0:
        parts.append(f"{symbols / seconds:,.0f} {unit}s/s")
    if counters.cycles_per_character is not None:
        parts.append(f"{counters.cycles_per_character:.1f} cycles a {unit} {WITH_ENDS}")
    return ", ".join(parts)
