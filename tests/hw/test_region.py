"""A region: sums over its eight banks, writes that reach the selected banks only."""

import numpy as np
import pytest
from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2
from component_simulation import assert_follows, examined, set_ports, trace
from engine_model import Part

from zynq_lstm.hw.engine import Engine
from zynq_lstm.hw.region import Region, adder_tree, bank_pairs
from zynq_lstm.quant.config import BANK_COLUMNS, BANKS_PER_REGION, ENGINE_PAIRS_PER_BANK, Config


def part(config):
    return Part(
        config,
        columns=BANKS_PER_REGION * BANK_COLUMNS,
        latency=Region.latency,
        strobe_latency=Region.STROBE_LATENCY,
        chain_lead=Region.STROBE_LATENCY,
        hidden_read=Engine.HIDDEN_READ - (Engine.STROBE_LATENCY - Region.STROBE_LATENCY),
    )


@pytest.mark.parametrize("hidden, layers", [(16, 1), (32, 2), (48, 2)])
def test_written_weights(hidden, layers):
    config = Config(hidden=hidden, layers=layers, symbols=16, multipliers=64)
    rng = np.random.default_rng([hidden, layers])
    model = part(config)
    old, new = model.random_weights(rng), model.random_weights(rng)
    initial, words = model.words(old), model.words(new)
    region = Region(config, init=[[int(w) for w in bank] for bank in initial.T])
    weights = old.copy()

    async def write(ctx):
        for _ in range(500):
            address = int(rng.integers(config.weight_depth))
            bank = int(rng.integers(BANKS_PER_REGION))
            enable = rng.random() < 0.7
            set_ports(
                ctx,
                region,
                w_en=enable,
                w_select=1 << bank,
                w_addr=address,
                w_data=words[address, bank],
            )
            if enable:
                columns = slice(bank * BANK_COLUMNS, (bank + 1) * BANK_COLUMNS)
                weights[address, :, columns] = new[address, :, columns]
            await ctx.tick()
        ctx.set(region.w_en, 0)
        await ctx.tick().repeat(3)

    cycles = model.random_cycles(rng, 400)
    # Read what was written, mostly.
    model.check(region, cycles, weights, write)


@pytest.mark.parametrize("dsp_pairs", [0, 2, 40, 64])
def test_pairs_are_shared_out_evenly(dsp_pairs):
    config = Config(hidden=32, multipliers=128, dsp_pairs=dsp_pairs)
    pairs = bank_pairs(config)
    assert len(pairs) == BANKS_PER_REGION
    assert sum(pairs) * config.regions == dsp_pairs
    assert max(pairs) - min(pairs) <= 1
    assert max(pairs) <= ENGINE_PAIRS_PER_BANK


class Tree(wiring.Component):
    def __init__(self, count):
        self._count = count
        super().__init__({**{f"i{k}": In(signed(6)) for k in range(count)}, "o": Out(signed(12))})

    def elaborate(self, platform):
        m = Module()
        values = [getattr(self, f"i{k}") for k in range(self._count)]
        m.d.comb += self.o.eq(adder_tree(m, values, "sum"))
        return m


@pytest.mark.parametrize("count", [2, 4, 8])
def test_adder_tree(count):
    values = np.random.default_rng(count).choice([-32, -1, 0, 31], (count, 300))
    latency = ceil_log2(count)
    inputs = {f"i{k}": values[k] for k in range(count)}
    seen = trace(Tree(count), inputs, ["o"], after=latency)
    assert_follows(seen["o"], values.sum(0), latency)


def test_a_region_with_contents_of_its_own_has_a_name_of_its_own():
    config = Config(hidden=16, multipliers=64)
    files = [f"weights_{k}.mem" for k in range(BANKS_PER_REGION)]
    assert examined(Region(config)).block_name == "zynq_lstm_region"
    assert examined(Region(config, init_files=files)).block_name == "zynq_lstm_region_weights_0"
