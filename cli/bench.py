"""`zynq-lstm bench`: cycles from the accelerator's counters, and the speed of the models."""

from __future__ import annotations

from zynq_lstm.cli.options import JsonOption


def bench(as_json: JsonOption = False) -> None:
    """Measure cycles a character and the speed of simulator and golden model."""
