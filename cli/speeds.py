"""Characters a second on this machine beside the accelerator's; a part of `zynq-lstm bench`."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from typing import Any

from zynq_lstm.cli.console import say, write_columns
from zynq_lstm.cli.figures import CLOCK_HZ
from zynq_lstm.quant.packages import install_command

EXTRAS = {"PyTorch": "train", "ONNX Runtime": "bench"}
"""What brings the implementations that may be absent."""


def speeds_to_json(speeds: Any) -> dict[str, Any]:
    """Return what `zynq_lstm.sim.speed.measure_speeds` measured as plain values."""
    golden = speeds.golden
    return {
        "simulator_characters_per_second": speeds.simulation.one.median,
        "golden_characters_per_second_batch64": golden.many.median if golden.many else None,
        "golden_characters_per_second_single": golden.one.median,
        "machine": {"architecture": platform.machine(), "cores": os.cpu_count()},
        "threads": speeds.threads,
        "sequences": speeds.sequences,
        "repetitions": speeds.repetitions,
        "speeds": [asdict(speed) for speed in speeds.every],
        "absent": [{"name": name, "extra": EXTRAS[name]} for name in speeds.absent],
    }


def write_speeds(speeds: Any, accelerator: float) -> None:
    """Write a table to standard output, and its conditions to standard error.

    Parameters
    ----------
    speeds : zynq_lstm.sim.speed.Speeds
    accelerator : float
        Characters a second of the accelerator at its clock.
    """

    def cells(rate: Any) -> list[str]:
        if rate is None:
            return ["", "", ""]
        times = accelerator / rate.median
        shown = f"{times:,.0f}" if times >= 10 else f"{times:.1f}"
        spread = f"{rate.lowest:,.0f} to {rate.highest:,.0f}"
        return [f"{rate.median:,.0f}", spread, f"{shown} × as fast"]

    simulation = f"{speeds.simulation.one.median:,.0f}"
    at = f"accelerator, by its cycles at {CLOCK_HZ / 1e6:.2f} MHz"
    write_columns(
        [
            "characters a second",
            *("one sequence", "", "accelerator is"),
            *(f"{speeds.sequences} sequences", "", "accelerator is"),
        ],
        [
            *(
                [speed.name, *cells(speed.one), *cells(speed.many)]
                for speed in (*speeds.floats, speeds.golden)
            ),
            [at, *[f"{accelerator:,.0f}", "", ""] * 2],
            [speeds.simulation.name, simulation, "", "", "", "", ""],
        ],
    )
    for name in speeds.absent:
        say(f"{name} is not installed; {install_command(EXTRAS[name])} brings it")
    threads = "1 thread" if speeds.threads == 1 else f"{speeds.threads} threads"
    say(
        f"Median of {speeds.repetitions} repetitions, and lowest to highest; {platform.machine()}, "
        f"{os.cpu_count()} cores; {threads} of PyTorch and ONNX Runtime. Each symbol is drawn and "
        "fed back. The accelerator is not measured on a board, and writes several sequences one "
        "after the other."
    )
