"""`zynq-lstm quantize`: from a float checkpoint to an image for the accelerator."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from zynq_lstm.cli.console import say
from zynq_lstm.cli.emitted import write_and_tell
from zynq_lstm.cli.files import check_model_file, check_output_folder
from zynq_lstm.cli.folder import check_own, record_of
from zynq_lstm.cli.options import (
    BytesOption,
    ForeignArgument,
    VocabularyOption,
    chosen_vocabulary,
)
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.image import Image, write_image
from zynq_lstm.quant.quantizer import default_config
from zynq_lstm.quant.quantizer import quantize as quantize_model

COMMAND = "quantize"
"""Whose the memory files are."""


def quantize(
    model: ForeignArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="IMAGE", help="Image to write (.zlstm).")
    ],
    memory_files: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Also write the same content as memory initialisation files."
        ),
    ] = None,
    hidden: Annotated[
        int | None, typer.Option(help="Hidden units of the accelerator.", show_default="128")
    ] = None,
    symbols: Annotated[
        int | None,
        typer.Option(
            help="Most symbols that the accelerator holds.", show_default="128, or 256 at need"
        ),
    ] = None,
    multipliers: Annotated[
        int | None,
        typer.Option(
            help="Multipliers of the accelerator.", show_default="512, or 1024 of 4-bit weights"
        ),
    ] = None,
    weight_bits: Annotated[
        int,
        typer.Option(
            metavar="8|4", help="Bits of the weights; 4 for the golden model only as yet."
        ),
    ] = 8,
    output_bits: Annotated[
        int,
        typer.Option(metavar="8|4", help="Bits of the output layer's weights, if others have 4."),
    ] = 8,
    vocabulary: VocabularyOption = None,
    as_bytes: BytesOption = False,
) -> None:
    """Quantize a model to integers and write them as an image.

    The image is laid out for an accelerator of given sizes, by default the full one; a smaller
    model is padded. A model whose numbers do not fit the formats is refused. A model of PyTorch,
    ONNX or Keras is read as zynq-lstm import does. Weights of 4 bits need a model that was trained
    for them, with zynq-lstm train --weight-bits 4.
    """
    from zynq_lstm.importers.reader import read_model

    check_model_file(output, source=model, ending=".zlstm")
    if memory_files is not None:
        if os.path.realpath(memory_files) == os.path.realpath(output):
            raise UserError(f"Memory files must have a folder of their own, not the image {output}")
        check_output_folder(memory_files)
    checkpoint = read_model(model, chosen_vocabulary(vocabulary, as_bytes))
    given = {"hidden": hidden, "symbols": symbols, "multipliers": multipliers}
    changes = {name: value for name, value in given.items() if value is not None}
    config = default_config(checkpoint, weight_bits)
    config = replace(config, dsp_pairs=None, output_bits=output_bits, **changes)
    image = quantize_model(checkpoint, config)
    files = {} if memory_files is None else _memory_files(image, memory_files, output)
    write_image(image, output)
    say(f"{output}: {image.symbols} symbols for {image.config.describe()}")
    if memory_files is not None:
        write_and_tell(memory_files, files, COMMAND)
        say(f"{memory_files}: the same as memory files")


def _memory_files(image: Image, folder: Path, output: Path) -> dict[str, bytes]:
    """The memory files' contents, none of which replaces a person's file or the image."""
    from zynq_lstm.quant.memory_files import memory_files

    _, texts = memory_files(image)
    files = {name: text.encode() for name, text in texts.items()}
    check_own(folder, files, COMMAND)
    for name in (*files, record_of(COMMAND)):
        if os.path.realpath(folder / name) == os.path.realpath(output):
            raise UserError(f"Image {output} must have another name than a memory file; rename it")
    return files
