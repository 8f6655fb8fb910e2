"""`zynq-lstm bench`: cycles from the accelerator's counters, and the speed of the models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zynq_lstm.cli.console import steps, write_json, write_table
from zynq_lstm.cli.figures import CLOCK_HZ, characters_per_second, giga_operations_per_second
from zynq_lstm.cli.options import JsonOption
from zynq_lstm.cli.shipped import FOLDER, NAME, shipped_image
from zynq_lstm.quant.image import Image, read_image


def bench(
    image: Annotated[
        Path | None,
        typer.Argument(metavar="IMAGE", help="Model to run.", show_default="the shipped model"),
    ] = None,
    models: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help=f"Folder with {NAME}.zlstm or {NAME}.safetensors.",
            show_default="the shipped models",
        ),
    ] = FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Measure cycles a character and the speed of simulator and golden model.

    Cycles are the accelerator's own counters, read in the simulation of its Verilog. What they
    mean at 142.86 MHz is computed from those of closed-loop generation.
    """
    model = shipped_image(models, keep=False) if image is None else read_image(image)
    from zynq_lstm.sim.bench import measure

    with steps() as tell:
        values: dict[str, object] = {**measure(model, report=tell)}
    values |= _at_the_clock(model, float(values["cycles_per_character_generate"]))  # type: ignore[arg-type]
    if as_json:
        write_json(values)
    else:
        write_table([(name.replace("_", " "), _plain(value)) for name, value in values.items()])


def _at_the_clock(image: Image, cycles: float) -> dict[str, object]:
    rate = characters_per_second(cycles)
    operations = giga_operations_per_second(image.config, image.symbols, cycles)
    return {
        "clock_megahertz": round(CLOCK_HZ / 1e6, 2),
        "characters_per_second_at_clock": round(rate),
        "giga_operations_per_second_at_clock": round(operations, 1),
    }


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
