"""Resets, soft and by the pin, at any cycle of any mode: all is as after power-on, then right."""

import cocotb
from benches.board import bits
from benches.twin import Twin, rounds
from benches.works import length, make, positions, state_of

from zynq_lstm.quant.protocol import Mode
from zynq_lstm.quant.registers import REGISTERS, Access

SEEN = {"LOAD", "STATE", "RUN", "DRAIN"}
"""States of the controller that each kind of reset must have met."""


async def as_after_reset(twin):
    """Registers read what the table says; nothing runs, no model is there, no interrupt."""
    assert not int(twin.dut.interrupt.value)
    for r in REGISTERS:
        if r.access != Access.WO and r.reset is not None:
            found = await twin.bus.read(r.name)
            assert found == r.reset, f"{r.name} is 0x{found:x} after a reset, not 0x{r.reset:x}"
    assert await twin.bus.read("STATUS") == 0
    assert await twin.bus.read("SYMBOLS") == 0


async def soft_reset(twin, wait):
    await twin.cycles(wait)
    state = state_of(twin)
    await twin.soft_reset()
    return state


async def pin_reset(twin, wait):
    """By the pin, for one cycle or more."""
    await twin.cycles(wait)
    state = state_of(twin)
    await twin.reset(twin.chance.choice((1, 2, 3, 20)))
    return state


async def sweep(dut, reset):
    twin = await Twin.make(dut)
    seen = set()
    for mode in Mode:
        for n, wait in enumerate(positions(twin, await length(twin, mode), rounds(0.6))):
            if n % 2:
                twin.pause()
            await twin.bus.write("SCRATCH", twin.chance.getrandbits(32))
            await make(twin, mode).begin(twin)
            seen.add(await reset(twin, wait))
            await as_after_reset(twin)
            await twin.begin()
            await twin.still_right()
    assert seen >= SEEN, f"resets met only {seen}"


@cocotb.test()
async def soft_in_every_state(dut):
    await sweep(dut, soft_reset)


@cocotb.test()
async def by_the_pin_in_every_state(dut):
    await sweep(dut, pin_reset)


@cocotb.test()
async def by_the_pin_around_a_start(dut):
    """From the write of a start on, in which accesses are broken off at any cycle, too."""
    twin = await Twin.make(dut)
    for mode in Mode:
        for wait in range(0, 30, 30 // rounds(0.5) or 1):
            work = make(twin, mode)
            await twin.prepare(mode, **work.command)
            if work.sends is not None:
                twin.send(work.sends)
            access = cocotb.start_soon(twin.bus.try_write("CONTROL", bits("CONTROL", "START")))
            await twin.cycles(wait + 1)
            await twin.reset(2)
            await access
            await as_after_reset(twin)
            await twin.begin()
        await twin.still_right()


@cocotb.test()
async def by_the_pin_in_an_access(dut):
    """Reads and writes of which only one half has come are forgotten."""
    twin = await Twin.make(dut)
    for _ in range(rounds()):
        twin.pause(bus=0.7)
        accesses = [
            cocotb.start_soon(twin.bus.try_read("IDENTITY")),
            cocotb.start_soon(twin.bus.try_write("SCRATCH", twin.chance.getrandbits(32))),
        ]
        await twin.cycles(twin.chance.randrange(1, 40))
        await twin.reset(twin.chance.randrange(1, 4))
        for access in accesses:
            await access
        await as_after_reset(twin)
        await twin.begin()
    await twin.still_right()


@cocotb.test()
async def soft_with_other_commands(dut):
    """A soft reset wins over a start and an abort in the same write, idle or busy."""
    twin = await Twin.make(dut)
    for others in ((), ("START",), ("ABORT",), ("START", "ABORT")):
        for busy in (False, True):
            twin.pause(0, 0, 0)
            if busy:
                await make(twin, Mode.READ_STATE).begin(twin)
                await twin.cycles(100)
            else:
                await twin.prepare(Mode.RESET_STATE)
            twin.stop_streams()
            await twin.bus.write("CONTROL", bits("CONTROL", "SOFT_RESET", *others))
            twin.was_reset_softly()
            await as_after_reset(twin)
            await twin.begin()
            await twin.still_right()


@cocotb.test()
async def soft_twice(dut):
    """One soft reset within the other's wake: accesses wait for the end of both."""
    twin = await Twin.make(dut)
    for _ in range(rounds(0.5)):
        await make(twin, Mode.READ_STATE).begin(twin)
        await twin.cycles(twin.chance.randrange(300))
        for _ in range(3):
            await twin.soft_reset()
        await as_after_reset(twin)
        await twin.begin()
    await twin.still_right()


@cocotb.test()
async def accesses_wait_for_a_soft_reset(dut):
    """Reads and writes that were asked for before, during and after it are answered, and writes
    that come behind it count."""
    twin = await Twin.make(dut)
    for _ in range(rounds(2)):
        twin.pause(source=0, sink=0)
        value = twin.chance.getrandbits(32)
        reads = []

        async def read(wait, found=reads):
            await twin.cycles(wait)
            found.append(await twin.bus.read("IDENTITY"))

        await twin.bus.write("SCRATCH", ~value)
        readers = [cocotb.start_soon(read(8 * k)) for k in range(6)]
        await twin.soft_reset()
        await twin.bus.write("SCRATCH", value)
        assert await twin.bus.read("SCRATCH") == value
        for reader in readers:
            await reader
        assert len(set(reads)) == 1
        await twin.begin()
    await twin.still_right()
