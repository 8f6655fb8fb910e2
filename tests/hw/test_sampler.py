"""The sampler against `quant.sampling.Sampler`, row by row."""

import numpy as np
import pytest
from amaranth.sim import Simulator

from zynq_lstm.hw.sampler import Sampler
from zynq_lstm.quant import sampling


@pytest.mark.parametrize("symbols", [2, 4, 5, 8, 65, 256])
@pytest.mark.parametrize("temperature", [0, 1, 3277, 65535])
def test_draws_as_golden(symbols, temperature):
    rng = np.random.default_rng(symbols + temperature)
    rows = -(-symbols // 4)
    characters = 6
    logits = rng.integers(-3000, 3000, (characters, rows * 4))
    logits[0] = rng.choice([-32768, 32767, 0], rows * 4)
    logits[1] = 5  # all equal: the lowest symbol wins when temperature is 0
    seed = sampling.seed_state(symbols)
    golden = sampling.Sampler([seed], temperature, symbols)
    expected = [int(golden.draw(row[None, :symbols])[0]) for row in logits]
    dut = Sampler()
    drawn = []

    async def feed(ctx):
        ctx.set(dut.temperature, temperature)
        ctx.set(dut.last_lane, (symbols - 1) % 4)
        ctx.set(dut.seed, seed)
        ctx.set(dut.load, 1)
        await ctx.tick()
        ctx.set(dut.load, 0)
        await ctx.tick().repeat(3)
        for character in logits:
            for cycle in range(rows + dut.ADVANCE_LEAD):
                ctx.set(dut.advance, cycle < rows)
                row = cycle - dut.ADVANCE_LEAD
                ctx.set(dut.valid, row >= 0)
                ctx.set(dut.first, row == 0)
                ctx.set(dut.last, row == rows - 1)
                for k in range(4):
                    ctx.set(getattr(dut, f"logit{k}"), int(character[4 * max(row, 0) + k]))
                await ctx.tick()
            ctx.set(dut.valid, 0)
            for cycle in range(dut.latency + 3):
                assert ctx.get(dut.done) == (cycle == dut.latency - 1)
                if ctx.get(dut.done):
                    drawn.append(ctx.get(dut.symbol))
                await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(feed)
    simulator.run()
    assert drawn == expected
