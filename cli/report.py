"""`zynq-lstm report`: what quantization costs a model, as a page with pictures and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zynq_lstm.cli.console import progress_bar, say, status
from zynq_lstm.cli.files import check_output_folder, read_text
from zynq_lstm.cli.splits import LimitOption, SplitOption, part_of
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.image import read_image
from zynq_lstm.quant.quantizer import made_of, quantize

if TYPE_CHECKING:
    from zynq_lstm.quant.analysis.measurement import Measurement

PAGE, RECORD = "report.md", "report.json"


def report(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Checkpoint (.safetensors) of zynq-lstm train.")
    ],
    text: Annotated[
        Path,
        typer.Option("--text", metavar="TEXT", help="Text to measure on, UTF-8; for bytes, any."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write into.")
    ],
    image: Annotated[
        Path | None,
        typer.Option(
            "--image",
            metavar="IMAGE",
            help="Measure this image (.zlstm) of the model.",
            show_default="quantized as zynq-lstm quantize does",
        ),
    ] = None,
    split: SplitOption = "test",
    limit: LimitOption = None,
    drift: Annotated[
        int,
        typer.Option(metavar="N", help="Look for drift over the last N characters of the text."),
    ] = 100_000,
) -> None:
    """Report what quantization costs a model.

    Float model and golden model read a part of the text from a reset state, and once more its last
    100,000 characters, to see whether they drift apart. The folder receives report.md, report.json
    and pictures. It takes a minute or two for the test text of tiny-shakespeare.
    """
    from zynq_lstm.cli.folder import check_places, write_folder
    from zynq_lstm.cli.reporting.page import page
    from zynq_lstm.cli.reporting.pictures import PICTURES
    from zynq_lstm.cli.reporting.record import record
    from zynq_lstm.cli.reporting.style import png
    from zynq_lstm.quant.checkpoint import load_checkpoint

    if drift < 1:
        raise UserError(f"Drift must be looked for over at least 1 character, not {drift}")
    check_output_folder(output)
    check_places(output, [PAGE, RECORD, *(f"{name}.png" for name in PICTURES)])
    checkpoint = load_checkpoint(model)
    vocabulary = checkpoint.vocabulary
    whole = read_text(text, vocabulary)
    part = vocabulary.encode(part_of(whole, vocabulary, split, limit))
    wanted = drift + 1  # The first one is given.
    tail = vocabulary.encode(whole[-wanted:])[-wanted:]
    quantized = quantize(checkpoint) if image is None else read_image(image)
    from zynq_lstm.quant.analysis.measurement import check_alike, measure

    check_alike(checkpoint, quantized)
    if not made_of(quantized, checkpoint):
        say(f"Note: {image} was not made of {model}; quantize it again to compare the two")

    total = len(part) + len(tail) - 2
    with progress_bar() as bar:
        task = bar.add_task("Measuring", total=total, note="")
        described = ""

        def tell(what: str, done: int) -> None:
            nonlocal described
            if what != described and not status.is_terminal:
                say(what)
            described = what
            bar.update(task, description=what, completed=done)

        found = measure(checkpoint, quantized, part, tail, progress=tell)
        tell("Drawing", total)
        files = {f"{name}.png": png(draw(found)) for name, draw in PICTURES.items()}
    values = record(found, model=model.name, text=text.name, split=split)
    files[PAGE] = page(values, PICTURES).encode()
    files[RECORD] = (
        json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    ).encode()
    say(_summary(found))  # Before the files, for which there may be no room.
    write_folder(output, files)
    say(str(output / PAGE))


def _summary(found: Measurement) -> str:
    bits, unit = found.bits(), found.model.vocabulary.unit
    cost = bits["difference"]
    sure = f"{cost.low:+.4f} to {cost.high:+.4f}" if cost.known else "too few for an interval"
    return (
        f"{bits['float'].mean:.4f} bits per {unit} in float, "
        f"{bits['golden'].mean:.4f} in the chip's integers, {cost.mean:+.4f} "
        f"({sure})"
    )
