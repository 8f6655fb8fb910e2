"""What is guarded during a run, and what is not; the interrupt from its cause to its end."""

import cocotb
from benches.board import bits
from benches.twin import Twin, rounds
from benches.works import length, make
from cocotb.triggers import ClockCycles, First, RisingEdge

from zynq_lstm.quant.protocol import RUNS, Error, Mode
from zynq_lstm.quant.registers import COUNTERS, REGISTERS, Access, AccessError

WORKS = (*RUNS, Mode.READ_STATE, Mode.RESET_STATE)


async def waiting_run(twin, mode=Mode.GENERATE):
    """A run that waits for its packet, which is given back unsent."""
    work = make(twin, mode)
    await twin.start(mode, **work.command)
    assert await twin.busy()
    return work


async def finish(twin, work):
    twin.send(work.sends)
    if work.returns is not None:
        assert await twin.receive() == work.returns
    return await twin.ended()


@cocotb.test()
async def command_registers(dut):
    """Each is as it was, whatever is written while a run goes on; that is an error by itself."""
    twin = await Twin.make(dut)
    for mode in (*RUNS, Mode.LOAD, Mode.WRITE_STATE):
        work = await waiting_run(twin, mode)
        twin.pause()
        for r in (r for r in REGISTERS if r.while_idle):
            before = await twin.bus.read(r.name)
            await twin.bus.write(r.name, ~before)
            assert await twin.bus.read("ERROR") == AccessError.BUSY
            assert await twin.bus.read(r.name) == before, r.name
            await twin.bus.write("ERROR", AccessError.BUSY)
        assert await finish(twin, work) == Error(0)
        await twin.check_state()
        await twin.still_right()


@cocotb.test()
async def starts(dut):
    """A start during a run is ignored, and an error that outlives the next start."""
    twin = await Twin.make(dut)
    for _ in range(rounds(0.5)):
        work = await waiting_run(twin)
        twin.pause()
        for _ in range(twin.chance.randrange(1, 4)):
            await twin.bus.write("CONTROL", bits("CONTROL", "START"))
        assert await finish(twin, work) == AccessError.BUSY
        await twin.start(Mode.RESET_STATE)
        twin.golden.reset()
        assert await twin.ended() == AccessError.BUSY
        await twin.bus.write("ERROR", AccessError.BUSY)
        await twin.still_right()


@cocotb.test()
async def the_other_registers(dut):
    """SCRATCH, IRQ_ENABLE and ERROR can be written during a run; RO is no less read only."""
    twin = await Twin.make(dut)
    work = await waiting_run(twin)
    twin.pause()
    await twin.bus.write("SCRATCH", 0x1234_5678)
    assert await twin.bus.read("SCRATCH") == 0x1234_5678
    await twin.bus.write("IRQ_ENABLE", 0)
    await twin.bus.write("IRQ_ENABLE", 1)
    assert await twin.bus.read("ERROR") == 0
    for r in REGISTERS:
        if r.access == Access.RO:
            await twin.bus.write(r.name, 0xFFFF_FFFF)
    assert await finish(twin, work) == AccessError.READ_ONLY
    await twin.bus.write("ERROR", AccessError.READ_ONLY)
    await twin.still_right()


@cocotb.test()
async def accesses_all_along(dut):
    """Any reads, and writes that are refused, in every cycle of a run: its result is the same."""
    twin = await Twin.make(dut)
    names = [r.name for r in REGISTERS if r.access != Access.WO]
    guarded = [r.name for r in REGISTERS if r.while_idle]
    for n in range(rounds()):
        mode = WORKS[n % len(WORKS)]
        work = make(twin, mode)
        await work.begin(twin)
        twin.pause()
        while await twin.busy():
            await twin.bus.read(twin.chance.choice(names))
            await twin.bus.write(twin.chance.choice(guarded), twin.chance.getrandbits(32))
            if not await twin.busy():
                break  # the write may have been obeyed
        if work.returns is not None:
            assert await twin.receive() == work.returns
        await twin.ended()
        await twin.begin()  # it may have been written after the end
        await twin.bus.write("ERROR", 0xFFFF_FFFF)
        await twin.still_right()


@cocotb.test()
async def interrupt(dut):
    """It follows IRQ_PENDING and IRQ_ENABLE, each in its turn, and a start ends it."""
    twin = await Twin.make(dut)
    enabled, done = bits("IRQ_PENDING", "DONE"), bits("IRQ_PENDING", "DONE")
    for _ in range(rounds(0.5)):
        await twin.bus.write("IRQ_ENABLE", 0)
        await twin.start(Mode.RESET_STATE)
        rises = RisingEdge(dut.interrupt)
        late = ClockCycles(dut.aclk, 40 * twin.image.config.hidden)
        assert await First(rises, late) is late, "masked"
        assert await twin.bus.read("IRQ_PENDING") == done
        await twin.bus.write("IRQ_ENABLE", enabled)
        assert int(dut.interrupt.value), "unmasked"
        await twin.bus.write("IRQ_ENABLE", 0)
        assert not int(dut.interrupt.value), "masked again"
        await twin.bus.write("IRQ_ENABLE", enabled)
        await twin.bus.write("IRQ_PENDING", 0)
        assert int(dut.interrupt.value), "a 0 acknowledges nothing"
        await twin.bus.write_bytes("IRQ_PENDING", done, 0b1110)
        assert int(dut.interrupt.value), "without its byte, nothing is acknowledged"
        await twin.start(Mode.READ_STATE)
        assert not int(dut.interrupt.value), "a start acknowledges"
        assert await twin.bus.read("IRQ_PENDING") == 0
        await twin.receive()
        assert await twin.ended() == Error(0)
        await twin.acknowledge()
        await twin.acknowledge()
    await twin.still_right()


@cocotb.test()
async def acknowledged_while_it_ends(dut):
    """An acknowledgement at any cycle around a run's end: an end behind it is told all the same."""
    twin = await Twin.make(dut)
    twin.pause(0, 0, 0)
    cycles = await length(twin, Mode.RESET_STATE)
    met = set()
    for wait in range(cycles - 40, cycles + 10, max(1, 24 // rounds())):
        await twin.start(Mode.RESET_STATE)
        await twin.cycles(wait)
        await twin.bus.write("IRQ_PENDING", bits("IRQ_PENDING", "DONE"))
        busy = await twin.busy()
        await twin.cycles(100)
        told = bool(int(dut.interrupt.value))
        assert told or not busy, f"the end was lost, {wait} cycles after the start"
        met.add(told)
    assert met == {True, False}
    await twin.still_right()


@cocotb.test()
async def counters(dut):
    """They run on over runs, count what was computed, and stand still in between."""
    twin = await Twin.make(dut)
    names = [name.upper() for name in COUNTERS]

    async def read():
        return {name: await twin.bus.read(name) for name in names}

    for inputs, outputs in ((1, 1), (5, 1), (9, 12)):
        twin.pause()
        before = await read()
        await twin.generate(inputs, outputs, 4096, twin.seed())
        after = await read()
        await twin.nothing_more()
        assert await read() == after
        grown = {name: after[name] - before[name] for name in names}
        assert grown["CHARACTERS"] == inputs + outputs - 1
        assert 0 < grown["STEPS"] <= grown["CYCLES"]
    await twin.still_right()
