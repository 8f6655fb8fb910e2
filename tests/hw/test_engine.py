"""The engine: row sums over all columns and groups, while hidden states move and weights change."""

import numpy as np
import pytest
from component_simulation import examined, set_ports
from engine_model import Part

from zynq_lstm.hw.engine import CHAIN_REGISTERS, Engine, engine_latency
from zynq_lstm.quant.config import BANK_COLUMNS, Config
from zynq_lstm.quant.formats import ACCUMULATOR

SIZES = [
    # hidden, layers, multipliers: groups 1, 2, 3, 8 and one, two, four regions
    (16, 1, 64),
    (16, 2, 64),
    (32, 2, 64),
    (48, 1, 64),
    (48, 2, 64),
    (128, 2, 64),
    (32, 2, 128),
    (64, 2, 256),
]


def part(config):
    return Part(
        config,
        columns=config.columns,
        latency=engine_latency(config),
        strobe_latency=Engine.STROBE_LATENCY,
        chain_lead=Engine.CHAIN_LEAD,
        hidden_read=Engine.HIDDEN_READ,
        out_latency=1,
        accumulates=config.groups > 1,
    )


@pytest.mark.parametrize("hidden, layers, multipliers", SIZES)
def test_initial_weights(hidden, layers, multipliers):
    config = Config(hidden=hidden, layers=layers, symbols=16, multipliers=multipliers)
    rng = np.random.default_rng([hidden, layers, multipliers])
    model = part(config)
    weights = model.random_weights(rng)
    engine = Engine(config, init=model.words(weights))
    model.check(engine, model.random_cycles(rng, 500 + 4 * hidden), weights)


@pytest.mark.parametrize("hidden, layers, multipliers", [(48, 1, 64), (32, 2, 128)])
def test_written_weights(hidden, layers, multipliers):
    config = Config(hidden=hidden, layers=layers, symbols=16, multipliers=multipliers)
    rng = np.random.default_rng([hidden, layers, multipliers])
    model = part(config)
    old, new = model.random_weights(rng), model.random_weights(rng)
    engine = Engine(config, init=model.words(old))
    words = model.words(new)
    weights = old.copy()
    used = rng.integers(0, config.weight_depth, 40)

    async def write(ctx):
        for _ in range(1000):
            address, bank = int(rng.choice(used)), int(rng.integers(config.banks))
            enable = rng.random() < 0.7
            set_ports(
                ctx,
                engine,
                w_en=enable,
                w_bank=bank,
                w_addr=address,
                w_data=words[address, bank],
            )
            if enable:
                columns = slice(bank * BANK_COLUMNS, (bank + 1) * BANK_COLUMNS)
                weights[address, :, columns] = new[address, :, columns]
            await ctx.tick()
        ctx.set(engine.w_en, 0)
        await ctx.tick().repeat(4)

    cycles = model.random_cycles(rng, 500 + 4 * hidden)
    cycles["r_addr"] = np.where(
        rng.random(len(cycles["r_addr"])) < 0.7,
        rng.choice(used, len(cycles["r_addr"])),
        cycles["r_addr"],
    )
    model.check(engine, cycles, weights, write)


def test_a_sum_of_all_extremes_fits():
    config = Config(hidden=128, layers=1, symbols=4, multipliers=64)
    model = part(config)
    weights = np.full((config.weight_depth, 4, config.columns), 127, np.int8)
    weights[::2] = -127
    engine = Engine(config, init=model.words(weights))
    cycles = 2 * config.hidden + 64
    columns = {
        # Whole rows of one address, as rows of equal weights.
        "r_addr": np.arange(cycles) // config.groups,
        "layer": np.zeros(cycles, int),
        "group": np.arange(cycles) % config.groups,
        "first": np.arange(cycles) % config.groups == 0,
        "h1_in": np.full(cycles, 0x80),
        "h1_shift": np.arange(cycles) < config.hidden,
        "h1_load": np.arange(cycles) == config.hidden + 1,
    }
    sums, _ = model.expected(columns, weights)
    whole = [s for s in sums[config.groups - 1 :: config.groups] if s is not None]
    assert np.abs(whole).max() == 128 * 127 * 128 <= ACCUMULATOR.maximum
    # Half of the run is the filling of the chain.
    model.check(engine, columns, weights)


@pytest.mark.parametrize("hidden, layers, multipliers", SIZES)
def test_timing_follows_from_the_parts(hidden, layers, multipliers):
    config = Config(hidden=hidden, layers=layers, symbols=16, multipliers=multipliers)
    assert examined(Engine(config)).latency == engine_latency(config)
    assert Engine.STROBE_LATENCY - Engine.CHAIN_LEAD == CHAIN_REGISTERS
    assert Engine.HIDDEN_PLACED == Engine.STROBE_LATENCY + 1
