"""`zynq-lstm import`: from a model of PyTorch, ONNX or Keras to a float checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zynq_lstm.cli.console import say
from zynq_lstm.cli.files import check_model_file
from zynq_lstm.cli.options import (
    BytesOption,
    ForeignArgument,
    VocabularyOption,
    chosen_vocabulary,
)


def import_(
    model: ForeignArgument,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="MODEL", help="Checkpoint to write (.safetensors)."),
    ],
    vocabulary: VocabularyOption = None,
    as_bytes: BytesOption = False,
) -> None:
    """Read a model that was trained elsewhere and write it as a checkpoint.

    One or two LSTM layers of 8 to 128 units, 2 to 256 symbols, a one-hot input or an embedding, and
    a linear output layer. What the accelerator cannot compute is refused with the reason. Nothing
    in the file is executed.
    """
    from zynq_lstm.importers.reader import read_model
    from zynq_lstm.quant.checkpoint import save_checkpoint

    check_model_file(output, source=model, ending=".safetensors")
    found = read_model(model, chosen_vocabulary(vocabulary, as_bytes))
    save_checkpoint(found, output)
    say(
        f"{output}: {len(found.layers)} x {found.hidden} units, {len(found.vocabulary)} symbols, "
        f"from {model}"
    )
