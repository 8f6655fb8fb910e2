"""The model that the project ships."""

from __future__ import annotations

from pathlib import Path

from zynq_lstm.cli.console import say
from zynq_lstm.models import SHAKESPEARE
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.image import Image, read_image, write_image

FOLDER, NAME = SHAKESPEARE.parent, SHAKESPEARE.stem


def shipped_image(folder: Path, *, keep: bool) -> Image:
    """Return the shipped model, quantized from its checkpoint where that is there.

    Parameters
    ----------
    folder : Path
        Where it lies.
    keep : bool
        Write the image beside the checkpoint, where none is or another one.

    Raises
    ------
    UserError
        When neither checkpoint nor image is there, or it cannot be used.
    """
    path, source = folder / f"{NAME}.zlstm", folder / f"{NAME}.safetensors"
    if not source.exists():
        if not path.exists():
            raise UserError(
                f"The shipped model must be {path} or {source}, but neither is there; "
                "say where it is with --models"
            )
        return read_image(path)
    from zynq_lstm.quant.checkpoint import load_checkpoint
    from zynq_lstm.quant.quantizer import quantize

    image = quantize(load_checkpoint(source))
    if keep and (not path.exists() or path.read_bytes() != image.to_bytes()):
        write_image(image, path)
        say(f"{path}: quantized from {source}")
    return image
