"""Options that several commands have in common."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from zynq_lstm.cli.console import say
from zynq_lstm.host.backends import AUTO, fitting_backend
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.vocabulary import Vocabulary

ImageArgument = Annotated[
    Path, typer.Argument(metavar="IMAGE", help="Quantized model, from zynq-lstm quantize (.zlstm).")
]
BackendOption = Annotated[
    str,
    typer.Option(
        metavar="golden|sim|virtual|board|auto",
        help="golden: the integer model in numpy. sim: the emitted Verilog in simulation. "
        "virtual: the same through the pynq package. board: the board on which this runs. "
        "auto: board, sim or golden, the first that is there. The symbols are the same on each, "
        "bit by bit.",
    ),
]
HiddenOption = Annotated[
    int | None, typer.Option(help="Hidden units of each layer, 16 to 128.", show_default="128")
]
LayersOption = Annotated[int | None, typer.Option(help="LSTM layers, 1 or 2.", show_default="2")]
SymbolsOption = Annotated[
    int | None,
    typer.Option(
        help="Most symbols that it holds, a power of two from 4 to 256.", show_default="128"
    ),
]
MultipliersOption = Annotated[
    int | None,
    typer.Option(help="8 x 8-bit multipliers: 64, 128, 256 or 512.", show_default="512"),
]
DspPairsOption = Annotated[
    int | None,
    typer.Option(
        help="Pairs of multipliers made of a DSP48E1 each; the others are made of LUTs.",
        show_default="25 of every 32",
    ),
]
ForeignArgument = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="State dict of PyTorch (.safetensors, .pt), ONNX model (.onnx), Keras model (.keras, "
        ".h5), or checkpoint of zynq-lstm train.",
    ),
]
VocabularyOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The symbols' characters, as a JSON list or an object {character: number}.",
        show_default="what the model's file says",
    ),
]
BytesOption = Annotated[
    bool, typer.Option("--bytes", help="The model's 256 symbols are bytes (Latin-1).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON object instead.")]


def chosen_backend(backend: str) -> str:
    """Return the backend that is taken: where the machine is to choose, the one that it has."""
    return fitting_backend() if backend == AUTO else backend


def backend_options(backend: str) -> dict[str, Any]:
    """Return the options of `zynq_lstm.host.open` with which a backend tells what it is doing."""
    return {"report": say} if backend in ("sim", "virtual") else {}


def chosen_config(
    image: Image | None,
    hidden: int | None = None,
    layers: int | None = None,
    symbols: int | None = None,
    multipliers: int | None = None,
    dsp_pairs: int | None = None,
) -> Config:
    """Return the sizes that were asked for, over those of an image or the default ones.

    Raises
    ------
    UserError
        When they are no configuration, or the image does not fit them.
    """
    given = {
        "hidden": hidden,
        "layers": layers,
        "symbols": symbols,
        "multipliers": multipliers,
        "dsp_pairs": dsp_pairs,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    base = Config() if image is None else image.config
    if "multipliers" in changes:
        changes.setdefault("dsp_pairs", None)
    config = replace(base, **changes)
    if image is not None and (
        config.layout_hash != image.config.layout_hash or config.symbols < image.symbols
    ):
        raise UserError(
            f"Image must fit the accelerator ({config.describe()}), but it is made for "
            f"{image.config.describe()}; leave out the sizes or quantize the model for them"
        )
    return config


def chosen_vocabulary(path: Path | None, as_bytes: bool) -> Vocabulary | None:
    """Return the vocabulary that a person gives, or ``None``.

    Raises
    ------
    UserError
        When it cannot be read, or both are given.
    """
    from zynq_lstm.importers.vocabularies import bytes_vocabulary, read_vocabulary

    if path is None:
        return bytes_vocabulary() if as_bytes else None
    if as_bytes:
        raise UserError("Symbols must be bytes or those of a vocabulary; give --bytes or a file")
    return read_vocabulary(path)
