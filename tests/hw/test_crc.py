"""The CRC in hardware is zlib's."""

import random
import zlib

import pytest
from component_simulation import set_ports, simulate

from zynq_lstm.hw.crc import CRC_BITS, Crc32, behind_zeros


@pytest.mark.parametrize("seed", range(4))
def test_equals_zlib(seed):
    chance = random.Random(seed)
    dut = Crc32()

    async def bench(ctx):
        for count in (1, 2, 3, 50, 200):
            ctx.set(dut.clear, 1)
            await ctx.tick().repeat(dut.latency)
            ctx.set(dut.clear, 0)
            octets = b""
            for _ in range(count):
                word = chance.choice([0, (1 << 64) - 1, chance.getrandbits(64)])
                octets += word.to_bytes(8, "little")
                set_ports(ctx, dut, valid=1, data=word)
                await ctx.tick()
                # Between words, data may be anything.
                for _ in range(chance.choice([1, 1, 1, 2, 5])):
                    set_ports(ctx, dut, valid=0, data=chance.getrandbits(64))
                    await ctx.tick()
            await ctx.tick().repeat(dut.latency - 2)
            assert ctx.get(dut.crc) == zlib.crc32(octets), f"seed {seed}, {count} words"

    simulate(dut, bench)


@pytest.mark.parametrize("bit", range(64))
def test_every_bit_counts(bit):
    """One bit of a word, by the whole latency and not a cycle more."""
    dut = Crc32()

    async def bench(ctx):
        ctx.set(dut.clear, 1)
        await ctx.tick().repeat(dut.latency)
        set_ports(ctx, dut, clear=0, valid=1, data=1 << bit)
        await ctx.tick()
        ctx.set(dut.valid, 0)
        await ctx.tick().repeat(dut.latency - 1)
        assert ctx.get(dut.crc) == zlib.crc32((1 << bit).to_bytes(8, "little"))

    simulate(dut, bench)


def test_it_starts_anew():
    dut = Crc32()

    async def bench(ctx):
        for _ in range(2):
            set_ports(ctx, dut, clear=1, valid=0)
            await ctx.tick().repeat(dut.latency)
            assert ctx.get(dut.crc) == 0
            set_ports(ctx, dut, clear=0, valid=1, data=7)
            await ctx.tick()
            ctx.set(dut.valid, 0)
            await ctx.tick().repeat(dut.latency + 20)
            assert ctx.get(dut.crc) == zlib.crc32((7).to_bytes(8, "little"))

    simulate(dut, bench)


def test_sums_are_short():
    """What closes within a cycle: two levels of LUTs with six inputs hold 36 bits."""
    columns = [behind_zeros(1 << k) for k in range(CRC_BITS)]
    rows = [sum(column >> row & 1 for column in columns) for row in range(CRC_BITS)]
    assert max(rows) + 1 <= 36
