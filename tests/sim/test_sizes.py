"""Cycles of several sizes are those of the schedule; the sizes are such as can be drawn."""

from zynq_lstm.hw.schedule import Schedule
from zynq_lstm.quant.config import Config
from zynq_lstm.sim.sizes import SIZES, VOCABULARIES, measure_sizes


def test_cycles_are_those_of_the_schedule() -> None:
    config = Config(hidden=16, symbols=16, multipliers=64)
    told = []
    sizes = list(measure_sizes(told.append, [config], [4, 16]))
    assert [(size.config, size.symbols) for size in sizes] == [(config, 4), (config, 16)]
    for size in sizes:
        assert size.cycles == Schedule(config).cycles(size.symbols)
    assert told[0].startswith("1 of 1: 2 x 16 units")


def test_each_number_of_multipliers_has_the_full_hidden_size() -> None:
    assert len(set(SIZES)) == len(SIZES)
    assert {c.multipliers for c in SIZES if c.hidden == 128} == {64, 128, 256, 512}
    assert all(config.symbols >= max(VOCABULARIES) for config in SIZES)
