"""The input table: written words come back a gate each, whatever the width of a block RAM."""

import numpy as np
import pytest
from component_simulation import assert_follows, examined, set_ports, simulate, trace

from zynq_lstm.hw.input_table import InputTable, TableSlice
from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.layout import lane_words

# hidden, symbols, multipliers: bits of an entry that a block RAM of 32 Kbit holds
WIDTHS = [
    ((16, 4, 64), 16),
    ((16, 128, 64), 16),
    ((48, 64, 64), 8),
    ((128, 64, 512), 4),
    ((128, 128, 512), 2),
    ((128, 256, 512), 1),
]


def config_of(hidden, symbols, multipliers):
    return Config(hidden=hidden, symbols=symbols, multipliers=multipliers)


@pytest.mark.parametrize("size, width", WIDTHS)
def test_a_block_ram_is_as_wide_as_its_depth_allows(size, width):
    config = config_of(*size)
    assert config.table_ram_width == width
    assert width << config.table_address_bits <= 1 << 15
    assert 16 % width == 0


@pytest.mark.parametrize("size, width", WIDTHS)
def test_written_words(size, width):
    config = config_of(*size)
    rng = np.random.default_rng(size)
    table = InputTable(config)
    entries = rng.integers(-(1 << 15), 1 << 15, (config.symbols, config.hidden, GATES))
    words = lane_words(entries.astype(np.int16))
    places = [(s, u) for s in range(config.symbols) for u in range(config.hidden)]
    chosen = [places[k] for k in rng.permutation(len(places))[:600]]
    chosen += [places[0], places[-1]]
    read = [chosen[k] for k in rng.permutation(len(chosen))]
    seen = []

    async def bench(ctx):
        for symbol, unit in chosen:
            set_ports(ctx, table, w_en=1, w_symbol=symbol, w_unit=unit, w_data=words[symbol, unit])
            await ctx.tick()
            # What is on the port without the enable is not written.
            set_ports(ctx, table, w_en=0, w_symbol=symbol, w_unit=unit, w_data=0)
            await ctx.tick()
        for k in range(len(read) + table.latency):
            if k < len(read):
                set_ports(ctx, table, symbol=read[k][0], unit=read[k][1])
            seen.append([ctx.get(getattr(table, f"data{gate}")) for gate in range(GATES)])
            await ctx.tick()

    simulate(table, bench)
    for gate in range(GATES):
        expected = [int(entries[s, u, gate]) & 0xFFFF for s, u in read]
        found = np.array(seen)[:, gate]
        assert_follows(found, expected, table.latency, place=read)


@pytest.mark.parametrize("size, width", [WIDTHS[0], WIDTHS[2], WIDTHS[5]])
def test_initial_contents(size, width):
    config = config_of(*size)
    rng = np.random.default_rng(size)
    entries = rng.integers(-(1 << 15), 1 << 15, 1 << config.table_address_bits)
    addresses = rng.integers(0, len(entries), 800)
    dut = TableSlice(config, init=entries.tolist())
    seen = trace(dut, {"r_addr": addresses}, ["data"], after=TableSlice.latency)
    assert_follows(seen["data"], entries[addresses] & 0xFFFF, TableSlice.latency)


def test_a_slice_with_contents_of_its_own_has_a_name_of_its_own():
    config = Config()
    files = ["table_0_0.mem"] * (16 // config.table_ram_width)
    assert examined(TableSlice(config)).block_name == "zynq_lstm_table_slice"
    assert (
        examined(TableSlice(config, init_files=files)).block_name
        == "zynq_lstm_table_slice_table_0_0"
    )
