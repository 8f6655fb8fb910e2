"""A bench that must fail."""

import cocotb
from benches.twin import Twin


@cocotb.test()
async def wrong_expectation(dut):
    twin = await Twin.make(dut)
    twin.golden.step(1)
    await twin.check_state()
