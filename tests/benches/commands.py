"""Commands that succeed: what comes out is the golden model's, whatever the channels do."""

import cocotb
from benches.twin import Twin, rounds

from zynq_lstm.quant.protocol import Error, Mode

TEMPERATURES = (0, 1, 2048, 4096, 10000, 65535)
"""Q4.12: greedy, nearly greedy, ½, 1, about 2½, the highest."""


@cocotb.test()
async def generate_lengths(dut):
    """All lengths of prompt and output modulo 8, one after the other from the state before."""
    twin = await Twin.make(dut)
    for n in range(17):
        twin.pause()
        inputs, outputs = n + 1, n * 5 % 17 + 1
        temperature = TEMPERATURES[n % len(TEMPERATURES)]
        await twin.generate(inputs, outputs, temperature, twin.seed())
        await twin.nothing_more()
    await twin.check_state()


@cocotb.test()
async def generate_seeds(dut):
    """Seeds from the smallest to the largest."""
    twin = await Twin.make(dut)
    for seed in (1, 2, 1 << 63, (1 << 64) - 1):
        await twin.reset_state()
        twin.pause()
        await twin.generate(1, 12, 4096, seed)
    await twin.nothing_more()


@cocotb.test()
async def logits_lengths(dut):
    twin = await Twin.make(dut)
    for inputs in (*range(1, 10), 16, 17):
        twin.pause()
        await twin.logits(inputs)
        await twin.nothing_more()
    await twin.check_state()


@cocotb.test()
async def score_lengths(dut):
    """All lengths modulo 8; what goes in and what comes out end in words of other lengths."""
    twin = await Twin.make(dut)
    for inputs in (*range(1, 18), 40):
        twin.pause()
        await twin.score(inputs)
        await twin.nothing_more()
    await twin.check_state()


@cocotb.test()
async def modes_in_turn(dut):
    """Each kind of run behind each other one, from the state that it left."""
    twin = await Twin.make(dut)
    runs = {
        "generate": lambda: twin.generate(3, 4, 4096, twin.seed()),
        "logits": lambda: twin.logits(3),
        "score": lambda: twin.score(3),
        "check_state": twin.check_state,
        "write_state": twin.write_state,
    }
    for first in runs.values():
        for second in runs.values():
            twin.pause()
            await first()
            await second()
    await twin.check_state()
    await twin.nothing_more()


@cocotb.test()
async def states(dut):
    twin = await Twin.make(dut)
    for _ in range(3):
        twin.pause()
        await twin.write_state()
        await twin.check_state()
        await twin.check_state()
        await twin.logits(3)
        await twin.check_state()
        await twin.write_state()
        await twin.generate(2, 4, 4096, 5)
        await twin.check_state()
        await twin.reset_state()
        await twin.check_state()
        await twin.generate(1, 3, 0, 1)
        await twin.nothing_more()


@cocotb.test()
async def queued_packets(dut):
    """All packets wait at the input before the first start; none of the outputs is read before
    the last command has ended."""
    twin = await Twin.make(dut)
    twin.pause(sink=1)
    texts = [twin.symbols(n) for n in (5, 8, 9, 1, 16)]
    for text in texts:
        twin.send(text)
    for k, text in enumerate(texts):
        if k % 2:
            await twin.start(Mode.LOGITS, inputs=len(text))
        else:
            await twin.start(
                Mode.GENERATE, inputs=len(text), outputs=4, temperature=4096, seed=k + 1
            )
        assert await twin.ended() == Error(0)
    twin.pause(sink=0)
    for k, text in enumerate(texts):
        packet = await twin.receive()
        if k % 2:
            twin.check_logits(text, packet)
        else:
            expected = twin.golden.generate(text, 4, 4096, k + 1)
            assert packet == expected.tobytes(), f"packet {k}"
    await twin.nothing_more()
    await twin.check_state()


@cocotb.test()
async def blocked_output(dut):
    """Nobody reads: commands wait for room, and lose nothing once somebody does."""
    twin = await Twin.make(dut)
    twin.pause(0, 0, sink=1)
    rows = twin.image.config.output_rows(twin.image.symbols)
    text = twin.symbols(300 // rows)
    await twin.start(Mode.LOGITS, inputs=len(text))
    twin.send(text)
    await twin.cycles(len(text) * 250)
    assert await twin.busy(), "waits for room"
    twin.pause(0, 0, sink=0.5)
    twin.check_logits(text, await twin.receive())
    assert await twin.ended() == Error(0)
    twin.pause(0, 0, sink=1)
    reads = 0
    while reads < 40:
        await twin.start(Mode.READ_STATE)
        await twin.cycles(40 * twin.image.config.hidden)
        reads += 1
        if await twin.busy():
            break
    else:
        raise AssertionError("must wait for room")
    twin.pause(0, 0, sink=0)
    first = await twin.receive()
    for _ in range(reads - 1):
        assert await twin.receive() == first
    assert await twin.ended() == Error(0)
    await twin.check_state()
    await twin.nothing_more()


@cocotb.test()
async def long_runs(dut):
    """Some hundred characters with pauses."""
    twin = await Twin.make(dut)
    for n in range(rounds(0.2)):
        twin.pause()
        await twin.generate(31 + n, 90 + n, TEMPERATURES[n % len(TEMPERATURES)], n + 1)
        twin.pause()
        await twin.logits(100 + n)
        twin.pause()
        await twin.score(100 + n)
        await twin.check_state()
    await twin.nothing_more()
