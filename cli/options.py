"""Options that several commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from zynq_lstm.cli.console import say

ImageArgument = Annotated[
    Path, typer.Argument(metavar="IMAGE", help="Quantized model, from zynq-lstm quantize (.zlstm).")
]
BackendOption = Annotated[
    str,
    typer.Option(
        metavar="golden|sim",
        help="golden: the integer model in numpy. sim: the emitted Verilog in simulation, "
        "the same symbols bit by bit.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON object instead.")]


def backend_options(backend: str) -> dict[str, Any]:
    """Return the options of `zynq_lstm.host.open` with which a backend tells what it is doing."""
    return {"progress": say} if backend == "sim" else {}
