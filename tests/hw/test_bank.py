"""A bank: sums of two columns for any step, with chains that move and are copied meanwhile."""

import numpy as np
import pytest
from component_simulation import examined, set_ports
from engine_model import Part

from zynq_lstm.hw.bank import Bank, chain_members
from zynq_lstm.hw.engine import Engine
from zynq_lstm.quant.config import BANK_COLUMNS, Config

# Steps and strobes come to a bank through the same registers.
HIDDEN_READ = Engine.HIDDEN_READ - (Engine.STROBE_LATENCY - Bank.STROBE_LATENCY)


def part(config):
    return Part(
        config,
        columns=BANK_COLUMNS,
        latency=Bank.latency,
        strobe_latency=Bank.STROBE_LATENCY,
        chain_lead=Bank.STROBE_LATENCY,
        hidden_read=HIDDEN_READ,
    )


@pytest.mark.parametrize("dsp_pairs", range(5))
@pytest.mark.parametrize("hidden, layers", [(16, 1), (48, 2), (128, 2)])
def test_initial_weights(hidden, layers, dsp_pairs):
    config = Config(hidden=hidden, layers=layers, symbols=16, multipliers=64)
    rng = np.random.default_rng([hidden, layers, dsp_pairs])
    model = part(config)
    weights = model.random_weights(rng)
    bank = Bank(config, dsp_pairs, init=[int(w) for w in model.words(weights)[:, 0]])
    model.check(bank, model.random_cycles(rng, 400), weights)


@pytest.mark.parametrize("hidden", [16, 48])
def test_written_weights(hidden):
    config = Config(hidden=hidden, symbols=16, multipliers=64)
    rng = np.random.default_rng(hidden)
    model = part(config)
    old, new = model.random_weights(rng), model.random_weights(rng)
    bank = Bank(config, 3, init=[int(w) for w in model.words(old)[:, 0]])
    written = rng.random(config.weight_depth) < 0.6
    words = model.words(new)[:, 0]

    async def write(ctx):
        for address in rng.permutation(config.weight_depth):
            set_ports(ctx, bank, w_en=written[address], w_addr=address, w_data=words[address])
            await ctx.tick()
        ctx.set(bank.w_en, 0)
        await ctx.tick().repeat(2)

    weights = np.where(written[:, None, None], new, old)
    model.check(bank, model.random_cycles(rng, 400), weights, write)


def test_block_names_tell_different_banks_apart():
    config = Config(hidden=16, multipliers=64)
    names = {
        examined(Bank(config, pairs, init_file=file)).block_name
        for pairs in (0, 3)
        for file in ("", "bank0.mem", "bank1.mem")
    }
    assert names == {
        "zynq_lstm_bank_0dsp",
        "zynq_lstm_bank_0dsp_bank0",
        "zynq_lstm_bank_0dsp_bank1",
        "zynq_lstm_bank_3dsp",
        "zynq_lstm_bank_3dsp_bank0",
        "zynq_lstm_bank_3dsp_bank1",
    }


def test_one_chain_a_layer():
    assert set(chain_members(1)) == {"h1_shift", "h1_load", "h1_in", "h1_out"}
    assert set(chain_members(2)) - set(chain_members(1)) == {"h2_shift", "h2_in", "h2_out"}
