"""The check of the weight memories in runs: with check bits that are wrong, which a load makes."""

import cocotb
from benches.board import bits
from benches.bus import mask
from benches.twin import Twin, rounds
from benches.works import length, make, positions

from zynq_lstm.hw.controller import QUIET_CYCLES
from zynq_lstm.quant.protocol import RUNS, Error, Mode


async def faults(twin):
    """MEMORY_FAULTS, all of it."""
    low = await twin.bus.read("MEMORY_FAULTS_LOW")
    return low | await twin.bus.read("MEMORY_FAULTS_HIGH") << 32


def every(twin):
    return (1 << twin.image.config.banks) - 1


async def load(twin, *fields):
    """A load with these fields of MEMORY_CHECK, then with FAIL as it was for what comes next."""
    await twin.bus.write("MEMORY_CHECK", bits("MEMORY_CHECK", *fields))
    await twin.load()
    assert await faults(twin) == 0, "a load forgets"


async def finish(twin, work):
    """What comes out of a run is right; its errors."""
    if work.returns is not None:
        work.check(await twin.receive(), Error(0))
    return await twin.ended()


@cocotb.test()
async def told_by_each_run(dut):
    """With wrong words each run that computes has the error; with right ones none has."""
    twin = await Twin.make(dut)
    for _ in range(rounds(0.2)):
        for inverted in (("INVERT",), ()):
            fails = twin.chance.random() < 0.7
            await load(twin, *inverted, *(("FAIL",) if fails else ()))
            for mode in twin.chance.sample(list(Mode), len(Mode)):
                if mode == Mode.LOAD:
                    continue
                twin.pause()
                work = make(twin, mode)
                await work.begin(twin)
                told = mode in RUNS and inverted and fails
                assert await finish(twin, work) == (Error.MEMORY if told else Error(0)), mode
                if mode in RUNS:
                    assert await faults(twin) == (every(twin) if inverted else 0)
    await load(twin, "FAIL")
    await twin.still_right()


@cocotb.test()
async def in_aborted_runs(dut):
    """An abort is no reason to miss a wrong word, nor to see one where there is none."""
    twin = await Twin.make(dut)
    for inverted in (("INVERT",), ()):
        seen = set()
        await load(twin, "FAIL", *inverted)
        for mode in RUNS:
            waits = positions(twin, await length_of(twin, mode, inverted), rounds(0.5))
            for wait in waits:
                twin.pause()
                await twin.bus.write("MEMORY_FAULTS_LOW", every(twin))
                await twin.reset_state()
                work = make(twin, mode)
                await work.begin(twin)
                await twin.cycles(wait)
                await twin.abort()
                error = await twin.ended()
                await twin.receive()
                found = await faults(twin)
                assert bool(found) == bool(Error.MEMORY & error), (mode, wait)
                assert found in (0, every(twin))
                assert not (found and not inverted)
                seen.add(bool(found))
            # Abandoned before its first symbol, a run has read nothing.
            await twin.bus.write("MEMORY_FAULTS_LOW", every(twin))
            await twin.start(mode, inputs=3, outputs=1)
            await twin.cycles(twin.chance.randrange(100))
            await twin.abort()
            assert await twin.ended(QUIET_CYCLES + 2000) == Error.ABORTED
            await twin.receive()
            assert await faults(twin) == 0
        assert (True in seen) == bool(inverted)
    await twin.still_right()


async def length_of(twin, mode, inverted):
    """As `works.length`, while FAIL is off where words are wrong."""
    await twin.bus.write("MEMORY_CHECK", 0 if inverted else bits("MEMORY_CHECK", "FAIL"))
    await twin.reset_state()  # an abort has left another one
    cycles = await length(twin, mode)
    await twin.bus.write("MEMORY_CHECK", bits("MEMORY_CHECK", "FAIL"))
    return cycles


@cocotb.test()
async def cleared_one_by_one(dut):
    """A bit that is written as 1 is cleared, by strobes, while runs set them again."""
    twin = await Twin.make(dut)
    await load(twin, "INVERT")
    for _ in range(rounds()):
        twin.pause()
        await twin.logits(1)
        assert await faults(twin) == every(twin)
        cleared, strobes = twin.chance.getrandbits(32), twin.chance.randrange(16)
        await twin.bus.write_bytes("MEMORY_FAULTS_LOW", cleared, strobes)
        await twin.bus.write("MEMORY_FAULTS_HIGH", twin.chance.getrandbits(32))
        assert await faults(twin) == every(twin) & ~(cleared & mask(strobes))
    # In a run: whatever is cleared, the next words set it again.
    work = make(twin, Mode.GENERATE)
    await work.begin(twin)
    while await twin.busy():
        await twin.bus.write("MEMORY_FAULTS_LOW", every(twin))
    assert await finish(twin, work) == Error(0)
    await load(twin, "FAIL")
    await twin.still_right()


@cocotb.test()
async def forgotten_by_resets(dut):
    """Faults and INVERT are gone after each kind of reset; the words are wrong as before."""
    twin = await Twin.make(dut)
    for _ in range(rounds(0.2)):
        for soft in (True, False):
            await load(twin, "INVERT")
            await twin.logits(2)
            assert await faults(twin) == every(twin)
            await (twin.soft_reset() if soft else twin.reset())
            await twin.begin()
            assert await faults(twin) == 0
            assert await twin.bus.read("MEMORY_CHECK") == bits("MEMORY_CHECK", "FAIL")
            assert not await twin.loaded()
            await twin.still_right()
            assert await faults(twin) == 0


@cocotb.test()
async def a_load_cut_short(dut):
    """What a load has left half written is never looked at, nor by a run that is refused."""
    twin = await Twin.make(dut)
    payload = twin.image.payload
    for _ in range(rounds(0.5)):
        await load(twin, "INVERT", "FAIL")
        await twin.bus.write("MEMORY_CHECK", bits("MEMORY_CHECK", "FAIL"))
        assert await twin.load(payload[: twin.chance.randrange(2, len(payload))]) == Error.IMAGE
        work = make(twin, twin.chance.choice(RUNS))
        await work.begin(twin)
        await twin.receive()
        assert await twin.ended() == Error.NOT_LOADED
        assert await faults(twin) == 0
        await twin.still_right()
        assert await faults(twin) == 0
