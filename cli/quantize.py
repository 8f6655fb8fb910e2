"""`zynq-lstm quantize`: from a float checkpoint to an image for the accelerator."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from zynq_lstm.cli.console import say
from zynq_lstm.cli.files import check_output_file, check_output_folder
from zynq_lstm.cli.options import (
    BytesOption,
    ForeignArgument,
    VocabularyOption,
    chosen_vocabulary,
)
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.float_model import FloatModel
from zynq_lstm.quant.image import write_image
from zynq_lstm.quant.quantizer import default_config
from zynq_lstm.quant.quantizer import quantize as quantize_model


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
        int | None, typer.Option(help="Multipliers of the accelerator.", show_default="512")
    ] = None,
    vocabulary: VocabularyOption = None,
    as_bytes: BytesOption = False,
) -> None:
    """Quantize a model to 8 bits and write it as an image.

    The image is laid out for an accelerator of given sizes, by default the full one; a smaller
    model is padded. A model whose numbers do not fit the formats is refused. A model of PyTorch,
    ONNX or Keras is read as zynq-lstm import does.
    """
    from zynq_lstm.importers.reader import read_model

    check_output_file(output, source=model)
    if memory_files is not None:
        if os.path.realpath(memory_files) == os.path.realpath(output):
            raise UserError(f"Memory files must have a folder of their own, not the image {output}")
        check_output_folder(memory_files)
    checkpoint = read_model(model, chosen_vocabulary(vocabulary, as_bytes))
    image = quantize_model(checkpoint, _config(checkpoint, hidden, symbols, multipliers))
    write_image(image, output)
    say(f"{output}: {image.symbols} symbols for {image.config.describe()}")
    if memory_files is not None:
        from zynq_lstm.quant.memory_files import write_memory_files

        write_memory_files(image, memory_files)
        say(f"{memory_files}: the same as memory files")


def _config(
    model: FloatModel, hidden: int | None, symbols: int | None, multipliers: int | None
) -> Config:
    given = {"hidden": hidden, "symbols": symbols, "multipliers": multipliers}
    changes = {name: value for name, value in given.items() if value is not None}
    return replace(default_config(model), dsp_pairs=None, **changes)
