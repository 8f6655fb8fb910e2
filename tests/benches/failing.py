"""A bench that must fail."""

import cocotb
from benches.board import Board


@cocotb.test()
async def wrong_expectation(dut):
    board = await Board.make(dut)
    board.golden.step(1)
    await board.check_state()
