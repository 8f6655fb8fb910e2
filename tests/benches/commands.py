"""Commands that succeed: what comes out is the golden model's, whatever the streams do."""

import cocotb
from benches.board import Board

from zynq_lstm.quant.protocol import Error, Mode

TEMPERATURES = (0, 1, 2048, 4096, 10000, 65535)
"""Q4.12: greedy, nearly greedy, ½, 1, about 2½, the highest."""


@cocotb.test()
async def generate_lengths(dut):
    """All lengths of prompt and output modulo 8, one after the other from the state before."""
    board = await Board.make(dut)
    for n in range(17):
        board.pause()
        inputs, outputs = n + 1, n * 5 % 17 + 1
        temperature = TEMPERATURES[n % len(TEMPERATURES)]
        await board.generate(inputs, outputs, temperature, board.chance.getrandbits(64) | 1)
        await board.nothing_more()
    await board.check_state()


@cocotb.test()
async def generate_seeds(dut):
    """Seeds from the smallest to the largest."""
    board = await Board.make(dut)
    for seed in (1, 2, 1 << 63, (1 << 64) - 1):
        await board.reset_state()
        board.pause()
        await board.generate(1, 12, 4096, seed)
    await board.nothing_more()


@cocotb.test()
async def score_lengths(dut):
    board = await Board.make(dut)
    for inputs in (1, 2, 7, 8, 9, 16, 17):
        board.pause()
        await board.score(inputs)
        await board.nothing_more()
    await board.check_state()


@cocotb.test()
async def states(dut):
    board = await Board.make(dut)
    for _ in range(3):
        board.pause()
        await board.write_state()
        await board.check_state()
        await board.check_state()
        await board.score(3)
        await board.check_state()
        await board.write_state()
        await board.generate(2, 4, 4096, 5)
        await board.check_state()
        await board.reset_state()
        await board.check_state()
        await board.generate(1, 3, 0, 1)
        await board.nothing_more()


@cocotb.test()
async def queued_packets(dut):
    """All packets wait at the input before the first start; none of the outputs is read before
    the last command has ended."""
    board = await Board.make(dut)
    board.pause(sink=0)
    board.sink.pause = True
    texts = [board.symbols(n) for n in (5, 8, 9, 1, 16)]
    for text in texts:
        board.send(text)
    for k, text in enumerate(texts):
        if k % 2:
            await board.start(Mode.LOGITS, inputs=len(text))
        else:
            await board.start(
                Mode.GENERATE, inputs=len(text), outputs=4, temperature=4096, seed=k + 1
            )
        assert await board.ended() == Error(0)
    board.sink.pause = False
    for k, text in enumerate(texts):
        packet = await board.receive()
        if k % 2:
            board.check_logits(text, packet)
        else:
            expected = board.golden.generate(text, 4, 4096, k + 1)
            assert packet == expected.tobytes(), f"packet {k}"
    await board.nothing_more()
    await board.check_state()


@cocotb.test()
async def blocked_output(dut):
    """Nobody reads: commands wait for room, and lose nothing once somebody does."""
    board = await Board.make(dut)
    board.pause(0, 0)
    board.sink.pause = True
    rows = board.image.config.output_rows(board.image.symbols)
    text = board.symbols(300 // rows)
    await board.start(Mode.LOGITS, inputs=len(text))
    board.send(text)
    await board.cycles(len(text) * 250)
    assert int(dut.busy.value), "waits for room"
    board.pause(0, 0.5)
    board.check_logits(text, await board.receive())
    assert await board.ended() == Error(0)
    board.sink.set_pause_generator()
    board.sink.pause = True
    reads = 0
    while reads < 40:
        await board.start(Mode.READ_STATE)
        await board.cycles(40 * board.image.config.hidden)
        reads += 1
        if int(dut.busy.value):
            break
    else:
        raise AssertionError("must wait for room")
    board.sink.pause = False
    first = await board.receive()
    for _ in range(reads - 1):
        assert await board.receive() == first
    assert await board.ended() == Error(0)
    await board.check_state()
    await board.nothing_more()


@cocotb.test()
async def long_runs(dut):
    """Some hundred characters with pauses; for the longer suite."""
    board = await Board.make(dut)
    for n in range(6):
        board.pause()
        await board.generate(31 + n, 90 + n, TEMPERATURES[n], n + 1)
        board.pause()
        await board.score(100 + n)
        await board.check_state()
    await board.nothing_more()
