"""What the hardware counts is what the schedule says, and what the issue asks for."""

import pytest
from random_models import random_image

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.hw.schedule import Schedule
from zynq_lstm.quant.config import Config
from zynq_lstm.sim.bench import count_cycles


def check_schedule(transport: AcceleratorTransport, config: Config) -> None:
    """Cycles and steps are the schedule's, with few symbols and with as many as there may be."""
    schedule = Schedule(config)
    for symbols in (3, config.symbols):
        transport.load(random_image(config, symbols, "ordinary", 1))
        cycles = count_cycles(transport, symbols)
        assert cycles.generate == cycles.score == schedule.cycles(symbols)
        busy = schedule.steps(symbols) / schedule.cycles(symbols)
        assert cycles.utilization == pytest.approx(busy)


def test_full_size(chip, shakespeare):
    transport = chip(Config())
    transport.load(shakespeare)
    cycles = count_cycles(transport, shakespeare.symbols)
    assert cycles.generate == cycles.score == 401
    assert cycles.utilization == 1.0
    assert cycles.startup < 410
    assert cycles.accesses <= 10
    assert cycles.transfers == 2
    assert Schedule(Config()).cycles(shakespeare.symbols) == 401


@pytest.mark.parametrize("layers", [1, 2])
def test_small_sizes_keep_to_their_schedule(chip, layers):
    config = (
        Config(hidden=32, symbols=32, multipliers=64)
        if layers == 2
        else Config(hidden=32, symbols=16, multipliers=128, layers=1, dsp_pairs=0)
    )
    check_schedule(chip(config), config)
