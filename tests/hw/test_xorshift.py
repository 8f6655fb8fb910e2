"""The generator of random words against `quant.sampling.xorshift64`."""

import random

import pytest
from component_simulation import set_ports, simulate

from zynq_lstm.hw.xorshift import Xorshift64
from zynq_lstm.quant.sampling import seed_state, xorshift64


@pytest.mark.parametrize("seeds", [[1, (1 << 64) - 1, 1 << 63], [seed_state(k) for k in range(8)]])
def test_states(seeds):
    chance = random.Random(len(seeds))
    dut = Xorshift64()

    async def bench(ctx):
        for seed in seeds:
            set_ports(ctx, dut, load=1, seed=seed, step=0)
            await ctx.tick()
            ctx.set(dut.load, 0)
            await ctx.tick()
            ctx.set(dut.seed, 0)
            state = seed
            for cycle in range(400):
                assert ctx.get(dut.state) == state, f"seed {seed:#x}, cycle {cycle}"
                step = chance.random() < 0.7
                ctx.set(dut.step, step)
                if step:
                    state = xorshift64(state)
                await ctx.tick()

    simulate(dut, bench)


def test_there_is_a_state_before_the_first_seed():
    dut = Xorshift64()

    async def bench(ctx):
        assert ctx.get(dut.state) != 0
        await ctx.tick()

    simulate(dut, bench)
