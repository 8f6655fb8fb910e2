"""`zynq-lstm rtl`: the accelerator as Verilog."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from zynq_lstm.cli.console import say
from zynq_lstm.cli.emitted import written_aside
from zynq_lstm.cli.files import check_output_folder
from zynq_lstm.cli.folder import record_of
from zynq_lstm.cli.options import (
    DspPairsOption,
    HiddenOption,
    LayersOption,
    MultipliersOption,
    SymbolsOption,
    chosen_config,
)
from zynq_lstm.quant.image import read_image

OTHER_DSPS = 16
"""DSP48E1 of the default accelerator that are no pairs of multipliers."""


def rtl(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write into.")
    ],
    hidden: HiddenOption = None,
    layers: LayersOption = None,
    symbols: SymbolsOption = None,
    multipliers: MultipliersOption = None,
    dsp_pairs: DspPairsOption = None,
    image: Annotated[
        Path | None,
        typer.Option(
            metavar="IMAGE",
            help="Model to put into the memories' initial contents; its sizes are the default.",
        ),
    ] = None,
) -> None:
    """Write the accelerator's Verilog, and a core file for FuseSoC.

    Without an image the memories are empty and a model is loaded at run time. Into a folder of an
    earlier run it writes over that one's files, and removes those that it does not write itself.
    """
    check_output_folder(output)
    baked = None if image is None else read_image(image)
    config = chosen_config(baked, hidden, layers, symbols, multipliers, dsp_pairs)
    from zynq_lstm.boards.design import CLOCK_HZ
    from zynq_lstm.hw.core_file import NAME, core_files
    from zynq_lstm.hw.synthesis import AVAILABLE, DEVICE
    from zynq_lstm.hw.verilog import TOP, write_verilog

    with written_aside(output, "rtl", {NAME: None, f"{TOP}.v": None}) as aside:
        written = write_verilog(config, aside, image=baked)
        core = core_files(written, version("zynq-lstm"), config.describe(), CLOCK_HZ)
        for name, text in core.items():
            (aside / name).write_text(text)
    say(f"{config.describe()}:")
    for name in (*(path.name for path in written), *core, record_of("rtl")):
        say(f"  {output / name}")
    most = AVAILABLE["DSP48E1"] - OTHER_DSPS
    if config.dsp_pairs is not None and config.dsp_pairs > most:
        say(
            f"Note: with more than {most} DSP pairs it does not fit into the {DEVICE}, for its "
            f"other parts take up to {OTHER_DSPS} of the {AVAILABLE['DSP48E1']} DSP48E1"
        )
