"""`zynq-lstm trace`: a waveform of the accelerator at work, and its timeline as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import zynq_lstm.host as host
from zynq_lstm.cli.console import say
from zynq_lstm.cli.files import check_output_file, check_picture
from zynq_lstm.cli.options import ImageArgument
from zynq_lstm.host.drawing import Drawing
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import write_whole
from zynq_lstm.quant.image import Image, read_image

MOST_CHARACTERS = 32
"""A character of the default accelerator is some 2.4 MB of waveform."""


def trace(
    image: ImageArgument,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Waveform to write (.vcd)."),
    ],
    prompt: Annotated[str, typer.Option("--prompt", "-p", help="Text to go on from.")],
    length: Annotated[
        int,
        typer.Option(
            "--length",
            "-n",
            help=f"Characters to generate; {MOST_CHARACTERS} with the prompt at most.",
        ),
    ] = 12,
    temperature: Annotated[
        float, typer.Option("--temperature", "-t", help="0 to just below 16.")
    ] = 1.0,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Seed of the text.")] = 0,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Draw one character as a timeline, too (.svg or .png; matplotlib)."
        ),
    ] = None,
) -> None:
    """Write a waveform of the simulated chip while it generates a few characters.

    Beside the waveform lies a file with its signals in groups, with the ending .gtkw: open that one
    in GTKWave, or the waveform in Surfer. Loading of the model is left out.
    """
    model = read_image(image)
    _check(model, output, prompt, length, picture)
    Drawing.checked(model.vocabulary, None, prompt, length, temperature, seed, None)
    from zynq_lstm.host.accelerator import AcceleratorTransport
    from zynq_lstm.sim.link import SimulatedLink
    from zynq_lstm.sim.trace import TracedChip
    from zynq_lstm.sim.waveform import signals_of, view

    chip = TracedChip(model.config, say)
    transport = AcceleratorTransport(SimulatedLink(chip))
    transport.load(model)
    with host.Session(model, transport) as session, chip.recording(output):
        text = session.generate(prompt, length, temperature=temperature, seed=seed)
    groups = _groups(output)
    write_whole(groups, view(output, signals_of(output)))
    say(
        f"{output} ({output.stat().st_size / 1e6:.1f} MB) and {groups}: {prompt!r} and then "
        f"{text!r}"
    )
    if picture is not None:
        fed = model.vocabulary.encode(prompt + text)
        _draw(output, picture, [model.vocabulary.decode([symbol]) for symbol in fed])


def _groups(waveform: Path) -> Path:
    """The file with the signals in groups."""
    return waveform.with_suffix(".gtkw")


def _check(model: Image, output: Path, prompt: str, length: int, picture: Path | None) -> None:
    if output.suffix != ".vcd":
        raise UserError(f"Waveform must have the ending .vcd; {output} does not")
    if not output.parent.is_dir():
        raise UserError(f"Folder of the waveform, {output.parent}, must exist; it does not")
    for path in (output, _groups(output)):
        check_output_file(path)
    fed = len(model.vocabulary.encode(prompt, "Prompt"))
    if length < 1 or not fed:
        raise UserError("A waveform needs a prompt and a length of at least 1")
    if fed + length > MOST_CHARACTERS:
        raise UserError(
            f"Prompt and length together must be at most {MOST_CHARACTERS} characters, "
            f"not {fed + length}: a waveform grows by megabytes with each"
        )
    if picture is None:
        return
    check_picture(picture)
    from zynq_lstm.sim.timeline import LEAST_CHARACTERS

    if fed + length - 1 < LEAST_CHARACTERS:
        raise UserError(
            f"A picture needs {LEAST_CHARACTERS + 1} characters or more, prompt and length "
            f"together, not {fed + length}"
        )


def _draw(waveform: Path, picture: Path, characters: Sequence[str]) -> None:
    from zynq_lstm.cli.reporting.style import picture_file
    from zynq_lstm.cli.reporting.timeline import draw
    from zynq_lstm.sim.timeline import read_timeline

    timeline = read_timeline(waveform)
    write_whole(picture, picture_file(draw(timeline, characters), picture.suffix))
    say(
        f"{picture}: a character of {timeline.cycles} cycles, in {timeline.busy} of which "
        "all multipliers work"
    )
