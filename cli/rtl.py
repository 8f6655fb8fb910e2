"""`zynq-lstm rtl`: the accelerator as Verilog."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from zynq_lstm.cli.console import say
from zynq_lstm.cli.files import check_output_folder
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.image import Image, read_image

HIDDEN_HELP = "Hidden units of each layer, 16 to 128."
LAYERS_HELP = "LSTM layers, 1 or 2."
SYMBOLS_HELP = "Most symbols that it holds, a power of two from 4 to 256."
MULTIPLIERS_HELP = "8 x 8-bit multipliers: 64, 128, 256 or 512."
DSP_PAIRS_HELP = "Pairs of multipliers made of a DSP48E1 each; the others are made of LUTs."


def rtl(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write into.")
    ],
    hidden: Annotated[int | None, typer.Option(help=HIDDEN_HELP, show_default="128")] = None,
    layers: Annotated[int | None, typer.Option(help=LAYERS_HELP, show_default="2")] = None,
    symbols: Annotated[int | None, typer.Option(help=SYMBOLS_HELP, show_default="128")] = None,
    multipliers: Annotated[
        int | None, typer.Option(help=MULTIPLIERS_HELP, show_default="512")
    ] = None,
    dsp_pairs: Annotated[
        int | None, typer.Option(help=DSP_PAIRS_HELP, show_default="25 of every 32")
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(
            metavar="IMAGE",
            help="Model to put into the memories' initial contents; its sizes are the default.",
        ),
    ] = None,
) -> None:
    """Write the accelerator's Verilog.

    Without an image the memories are empty and a model is loaded at run time.
    """
    check_output_folder(output)
    baked = None if image is None else read_image(image)
    config = chosen_config(baked, hidden, layers, symbols, multipliers, dsp_pairs)
    from zynq_lstm.hw.verilog import write_verilog

    written = write_verilog(config, output, image=baked)
    say(f"{config.describe()}:")
    for path in written:
        say(f"  {path}")


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
