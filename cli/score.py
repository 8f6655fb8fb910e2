"""`zynq-lstm score`: how well a quantized model, and its float original, predict a text."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Annotated

import typer

import zynq_lstm.host as host
from zynq_lstm.cli import colouring
from zynq_lstm.cli.console import progress_bar, results, say, write_json, write_table
from zynq_lstm.cli.files import read_text
from zynq_lstm.cli.options import (
    BackendOption,
    ImageArgument,
    JsonOption,
    backend_options,
    chosen_backend,
)
from zynq_lstm.cli.splits import LimitOption, SplitOption, part_of
from zynq_lstm.host.colouring import bits_of_characters
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import write_whole
from zynq_lstm.quant.float_model import FloatModel
from zynq_lstm.quant.image import read_image
from zynq_lstm.quant.quantizer import made_of


def score(
    image: ImageArgument,
    text: Annotated[Path, typer.Argument(metavar="TEXT", help="Text file, UTF-8; for bytes, any.")],
    backend: BackendOption = "golden",
    float_model: Annotated[
        Path | None,
        typer.Option(
            "--float", metavar="MODEL", help="Also score this float checkpoint (.safetensors)."
        ),
    ] = None,
    split: SplitOption = "all",
    limit: LimitOption = None,
    colour: Annotated[
        bool,
        typer.Option("--colour", help="Show the text with surprisal as colour, on a terminal."),
    ] = False,
    coloured: Annotated[
        Path | None,
        typer.Option(
            "--coloured", metavar="FILE", help="Write the same, as a page or picture (.html, .svg)."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Score a text: mean surprisal of its characters in bits (bits per character).

    The state is carried along the whole text from a zero state. The first character is given;
    each other one is predicted from all those before it. A byte-level model's characters are
    bytes.
    """
    model = read_image(image)
    part = part_of(read_text(text, model.vocabulary), model.vocabulary, split, limit)
    total, unit = len(model.vocabulary.encode(part)), model.vocabulary.unit
    if colour and as_json:
        raise UserError("Standard output must hold JSON or a coloured text; leave one out")
    if colour:
        colouring.check(None, len(part))
    if coloured is not None:
        colouring.check(coloured, len(part), (image, text))
    reference = None if float_model is None else _load(float_model)
    if reference is not None and not made_of(model, reference):
        say(f"Note: {image} was not made of {float_model}; quantize it again to compare the two")
        reference.vocabulary.encode(part)
    backend = chosen_backend(backend)
    begun = time.monotonic()
    with (
        host.open(model, backend, **backend_options(backend)) as session,
        progress_bar() as progress,
    ):
        task = progress.add_task("Scoring", total=total, note="")

        def report(characters: int, bits: float) -> None:
            note = f"{bits / max(1, characters - 1):.4f} bits per {unit}"
            progress.update(task, completed=characters, note=note)

        result = session.score(part, progress=report)
        seconds = time.monotonic() - begun
        values: dict[str, object] = {
            "bits_per_character": result.bits_per_character,
            "unit": unit,
            "characters": result.characters,
            "predictions": result.predictions,
            "backend": backend,
            "split": split,
            "seconds": round(seconds, 3),
        }
        if reference is not None:
            progress.update(task, description="Scoring in float", note="")
            values["float_bits_per_character"] = _float_bits(reference, part)
    if colour or coloured is not None:
        bits = bits_of_characters(model.vocabulary, part, result.surprisals)
        if colour:
            results.print(colouring.terminal(part, bits))
    if as_json:
        write_json(values)
    else:
        write_table(_rows(values))
    if coloured is not None:
        title = f"{text.name}, read by {image.name}"
        whole = (
            colouring.page(title, part, bits)
            if coloured.suffix == ".html"
            else colouring.picture(part, bits)
        )
        write_whole(coloured, whole.encode("utf-8", "replace"))
        say(f"{coloured}: {colouring.caption(bits)}")


def _load(path: Path) -> FloatModel:
    from zynq_lstm.quant.checkpoint import load_checkpoint

    return load_checkpoint(path)


def _float_bits(model: FloatModel, text: str) -> float:
    nats = model.surprisal(model.vocabulary.encode(text))
    return float(nats.mean()) / math.log(2)


def _rows(values: dict[str, object]) -> list[tuple[str, str]]:
    unit = values["unit"]
    rows = [
        (f"{unit}s", f"{values['characters']:,}"),
        (f"bits per {unit}, {values['backend']}", f"{values['bits_per_character']:.4f}"),
    ]
    if "float_bits_per_character" in values:
        reference = values["float_bits_per_character"]
        difference = values["bits_per_character"] - reference  # type: ignore[operator]
        rows.append((f"bits per {unit}, float", f"{reference:.4f}"))
        rows.append(("cost of quantization", f"{round(difference, 4) + 0.0:+.4f}"))  # No -0.
    return rows
