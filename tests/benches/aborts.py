"""Aborts at any cycle of any mode: each run ends, its packets too, and the next one is right."""

import cocotb
from benches.twin import Twin, rounds
from benches.works import length, make, positions, state_of

from zynq_lstm.hw.controller import QUIET_CYCLES
from zynq_lstm.quant.protocol import RUNS, Error, Mode

SEEN = {"LOAD", "STATE", "RUN", "DRAIN"}
"""States of the controller that the aborts of whole runs must have met."""


async def abort(twin, wait, again=0.0):
    """Abort after a wait, perhaps twice; the run must end and say so, unless it had ended."""
    await twin.cycles(wait)
    state = state_of(twin)
    await twin.abort()
    busy = await twin.busy()
    if twin.chance.random() < again:
        await twin.cycles(twin.chance.randrange(200))
        await twin.abort()
    error = await twin.ended()
    assert error in ((Error.ABORTED,) if busy else (Error(0), Error.ABORTED)), error
    return error, state


@cocotb.test()
async def in_every_state(dut):
    """All along the run of each mode, with pauses and without."""
    twin = await Twin.make(dut)
    seen = set()
    for mode in Mode:
        for n, wait in enumerate(positions(twin, await length(twin, mode), rounds())):
            if n % 2:
                twin.pause()
            work = make(twin, mode)
            await work.begin(twin)
            error, state = await abort(twin, wait, again=0.3)
            seen.add(state)
            if work.returns is not None:
                work.check(await twin.receive(), error)
            await twin.still_right()
    assert seen >= SEEN, f"aborts met only {seen}"


@cocotb.test()
async def without_a_packet(dut):
    """The packet never comes, or stops in its middle, or in the middle of a word."""
    twin = await Twin.make(dut)
    for mode in (*RUNS, Mode.LOAD, Mode.WRITE_STATE):
        for sent in (0, 16, 19):
            twin.pause(0, 0, 0)
            await twin.start(mode, inputs=30, outputs=2)
            if sent:
                data = make(twin, Mode.LOAD).sends if mode == Mode.LOAD else bytes(sent)
                twin.send(data[:sent], ends=False)
            await twin.cycles(twin.chance.randrange(300))
            assert await twin.busy(), "waits for the packet"
            await twin.abort()
            assert await twin.ended(QUIET_CYCLES + 2000) == Error.ABORTED
            if mode in RUNS:
                await twin.receive()
            await twin.still_right()


@cocotb.test()
async def with_a_late_end(dut):
    """After an abort the packet goes on, slowly; all of it is swallowed."""
    twin = await Twin.make(dut)
    for mode in (*RUNS, Mode.LOAD, Mode.WRITE_STATE):
        twin.pause(0, 0, 0)
        work = make(twin, mode)
        data = (work.sends * 200)[:200]
        await twin.start(mode, **work.command)
        twin.send(data[:64], ends=False)
        await twin.cycles(30)
        await twin.abort()
        for _ in range(3):
            await twin.cycles(QUIET_CYCLES * 3 // 4)
            assert await twin.busy(), "waits for the packet's end"
            twin.send(data[64:128], ends=False)
        assert state_of(twin) == "SURPLUS"
        twin.send(data[64:71])
        error = await twin.ended()
        assert Error.ABORTED in error
        if work.returns is not None:
            await twin.receive()
        await twin.still_right()


@cocotb.test()
async def of_a_failed_run(dut):
    """A failed run waits for its packet's end; an abort ends that, too."""
    twin = await Twin.make(dut)
    twin.pause(0, 0, 0)
    await twin.start(Mode.LOGITS, inputs=0)
    await twin.receive()
    await twin.cycles(2 * QUIET_CYCLES)
    assert await twin.busy(), "waits for the packet"
    await twin.abort()
    assert await twin.ended(QUIET_CYCLES + 2000) == Error.ABORTED | Error.LENGTH
    await twin.still_right()


@cocotb.test()
async def without_room(dut):
    """Nobody reads, and the host gives up: in the run, or before it where earlier packets wait."""
    twin = await Twin.make(dut)
    rows = twin.image.config.output_rows(twin.image.symbols)
    for pause in (2000, 20000):
        twin.pause(0, 0, sink=1)
        count = 400 // rows
        await twin.start(Mode.LOGITS, inputs=count)
        twin.send(twin.symbols(count))
        await twin.cycles(pause)
        await twin.abort()
        assert await twin.ended() == Error.ABORTED
        # Now there is no room to begin.
        for mode in (Mode.SCORE, Mode.READ_STATE):
            await twin.start(mode, inputs=2, outputs=3)
            if mode == Mode.SCORE:
                twin.send(twin.symbols(3))
            await twin.cycles(500)
            if pause > 2000:
                assert state_of(twin) == "PREPARE"
            await twin.abort()
            error = await twin.ended()
            assert error == Error.ABORTED or (pause == 2000 and not error)
        twin.pause(0, 0, sink=0)
        for _ in range(3):
            await twin.receive()
        await twin.still_right()


@cocotb.test()
async def of_nothing(dut):
    """Ignored when idle, also together with a start."""
    twin = await Twin.make(dut)
    await twin.nothing_more()
    await twin.abort()
    assert await twin.bus.read("ERROR") == 0
    await twin.nothing_more()
    await twin.prepare(Mode.RESET_STATE)
    await twin.bus.write("CONTROL", 3)
    assert await twin.ended() == Error(0)
    await twin.still_right()
