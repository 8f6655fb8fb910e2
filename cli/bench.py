"""`zynq-lstm bench`: cycles from the accelerator's counters, beside models on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from zynq_lstm.cli.console import steps, write, write_json, write_table
from zynq_lstm.cli.figures import CLOCK_HZ, characters_per_second, giga_operations_per_second
from zynq_lstm.cli.options import JsonOption
from zynq_lstm.cli.shipped import FOLDER, NAME, shipped_image
from zynq_lstm.cli.sizes import bench_sizes
from zynq_lstm.cli.speeds import speeds_to_json, write_speeds
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.image import Image, read_image


def bench(
    image: Annotated[
        Path | None,
        typer.Argument(metavar="IMAGE", help="Model to run.", show_default="the shipped model"),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help=f"Folder with {NAME}.zlstm or {NAME}.safetensors.",
            show_default="the shipped models",
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of PyTorch and ONNX Runtime.", show_default="1")
    ] = None,
    compiled: Annotated[
        bool,
        typer.Option("--compile", help="Let torch.compile have a try, too (a minute or two)."),
    ] = False,
    sizes: Annotated[
        bool,
        typer.Option(
            "--sizes",
            help="Instead: cycles of ten sizes of the accelerator, each compiled (some minutes).",
        ),
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --sizes: draw them (.svg or .png; matplotlib)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure cycles a character, and how fast this machine writes with the same model.

    Cycles are the accelerator's own counters, read in the simulation of its Verilog. What they
    mean at 142.86 MHz is computed from those of closed-loop generation; no board is measured.
    Beside them, on this machine: the model in float with PyTorch and ONNX Runtime where they are
    installed, the golden model, and the simulation. Each draws symbols and feeds them back.
    """
    if sizes:
        if image is not None or models is not None:
            raise UserError(
                "Sizes are measured with models made for them; leave out the image and --models"
            )
        if threads is not None or compiled:
            raise UserError(
                "Sizes are measured without PyTorch and ONNX Runtime; leave out --threads and "
                "--compile"
            )
        bench_sizes(plot, as_json)
        return
    if plot is not None:
        raise UserError("A plot is drawn of sizes; give --sizes, too")
    if image is not None and models is not None:
        raise UserError("Model must be an image or the one in --models; leave out one of them")
    model = shipped_image(models or FOLDER, keep=False) if image is None else read_image(image)
    from zynq_lstm.sim.bench import LONG, count_cycles, open_chip
    from zynq_lstm.sim.speed import measure_speeds

    with steps() as tell:
        chip = open_chip(model, tell)
        tell("The simulated chip generates and scores")
        cycles = count_cycles(chip, model.symbols)
        speeds = measure_speeds(model, chip, threads=threads or 1, compiled=compiled, report=tell)
    values = {
        "cycles_per_character_generate": cycles.generate,
        "cycles_per_character_score": cycles.score,
        "startup_cycles": cycles.startup,
        "multiplier_utilization": cycles.utilization,
        f"accelerator_register_accesses_generating_{LONG}_characters": cycles.accesses,
        f"transfers_generating_{LONG}_characters": cycles.transfers,
        **_at_the_clock(model, cycles.generate),
    }
    if as_json:
        write_json(values | speeds_to_json(speeds))
        return
    write_table([(name.replace("_", " "), _plain(value)) for name, value in values.items()])
    write("\n")
    write_speeds(speeds, values["characters_per_second_at_clock"])


def _at_the_clock(image: Image, cycles: float) -> dict[str, Any]:
    rate = characters_per_second(cycles)
    operations = giga_operations_per_second(image.config, image.symbols, cycles)
    return {
        "clock_megahertz": round(CLOCK_HZ / 1e6, 2),
        "characters_per_second_at_clock": round(rate),
        "giga_operations_per_second_at_clock": round(operations, 1),
    }


def _plain(value: float) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
    return f"{value:,}"
