"""What the hardware counts is what the schedule says, and what the issue asks for."""

import pytest

from zynq_lstm.hw.schedule import Schedule
from zynq_lstm.quant.config import Config
from zynq_lstm.sim.bench import measure


def test_full_size(chip, shakespeare):
    figures = measure(shakespeare, transport=chip(Config()))
    assert figures["cycles_per_character_generate"] == 401
    assert figures["cycles_per_character_score"] == 401
    assert figures["multiplier_utilization"] == 1.0
    assert figures["startup_cycles"] < 410
    assert figures["register_accesses_generating_1000_characters"] <= 10
    assert figures["transfers_generating_1000_characters"] == 2
    assert Schedule(Config()).cycles(shakespeare.symbols) == 401


@pytest.mark.parametrize("layers", [1, 2])
def test_small_sizes_keep_to_their_schedule(chip, layers):
    from random_models import random_image

    config = (
        Config(hidden=32, symbols=32, multipliers=64)
        if layers == 2
        else Config(hidden=32, symbols=16, multipliers=128, layers=1, dsp_pairs=0)
    )
    for symbols in (3, config.symbols):
        figures = measure(random_image(config, symbols, "ordinary", 1), transport=chip(config))
        schedule = Schedule(config)
        assert figures["cycles_per_character_generate"] == schedule.cycles(symbols)
        assert figures["cycles_per_character_score"] == schedule.cycles(symbols)
        busy = schedule.steps(symbols) / schedule.cycles(symbols)
        assert figures["multiplier_utilization"] == pytest.approx(busy)
