"""Register accesses of every kind, to every register of the table and to none."""

import cocotb
from benches.board import Board, bits
from benches.bus import EVERY_BYTE, WINDOW, mask, offset_of
from benches.twin import Twin, rounds

from zynq_lstm.quant.protocol import Error
from zynq_lstm.quant.registers import (
    DATA_BITS,
    REGISTERS,
    WORD_BYTES,
    Access,
    AccessError,
    constants,
    register,
)

ALL_ONES = (1 << DATA_BITS) - 1


def after_reset(config):
    """What each register reads then; those that say what is loaded and what goes on read 0."""
    values = {r.name: r.reset or 0 for r in REGISTERS}
    return values | constants(config) | {"CONTROL": 0, "IRQ_ENABLE": 1}  # as `Board.begin` left it


async def read_all(board):
    found = {r.name: await board.bus.read(r.name) for r in REGISTERS}
    return found


@cocotb.test()
async def every_register(dut):
    """Written with all ones, with random bits, and with each strobe: RW holds its width, RO and WO
    read what they did, W1C has nothing to clear; a write to RO is an error."""
    twin = await Twin.make(dut, loaded=False)
    expected = after_reset(twin.image.config)
    assert await read_all(twin) == expected
    for r in REGISTERS:
        if r.access == Access.WO:
            continue
        for strobes in (EVERY_BYTE, *range(EVERY_BYTE + 1)):
            twin.pause()
            value = ALL_ONES if strobes == EVERY_BYTE else twin.chance.getrandbits(DATA_BITS)
            await twin.bus.write_bytes(r.name, value, strobes)
            if r.access == Access.RW:
                new = (expected[r.name] & ~mask(strobes)) | (value & mask(strobes))
                expected[r.name] = new & ((1 << r.width) - 1)
            error = AccessError.READ_ONLY if r.access == Access.RO else 0
            assert await twin.bus.read("ERROR") == error, (r.name, strobes)
            await twin.bus.write("ERROR", ALL_ONES)
            assert await twin.bus.read(r.name) == expected[r.name], (r.name, strobes)
    assert await read_all(twin) == expected
    await twin.bus.write("IRQ_ENABLE", 1)
    await twin.bus.write("MEMORY_CHECK", register("MEMORY_CHECK").reset)
    await twin.still_right()


@cocotb.test()
async def control_by_strobes(dut):
    """Nothing is commanded by a byte that is not strobed, nor by bits that mean nothing."""
    twin = await Twin.make(dut)
    await twin.bus.write("SCRATCH", ALL_ONES)
    await twin.bus.write_bytes("CONTROL", ALL_ONES, EVERY_BYTE - 1)
    await twin.bus.write_bytes("CONTROL", ALL_ONES, 0)
    await twin.bus.write("CONTROL", ~bits("CONTROL", "START", "ABORT", "SOFT_RESET"))
    await twin.cycles(50)
    assert not await twin.busy()
    assert await twin.bus.read("SCRATCH") == ALL_ONES, "there was no soft reset"
    assert await twin.bus.read("ERROR") == 0
    await twin.still_right()


@cocotb.test()
async def errors_by_strobes(dut):
    """A byte that is not strobed clears nothing."""
    twin = await Twin.make(dut)
    await twin.bus.write("IDENTITY", 0)
    for strobes in range(EVERY_BYTE + 1):
        clears = bool(mask(strobes) & AccessError.READ_ONLY)
        await twin.bus.write_bytes("ERROR", ALL_ONES, strobes)
        assert await twin.bus.read("ERROR") == (0 if clears else AccessError.READ_ONLY)
        await twin.bus.write("IDENTITY", 0)
    await twin.bus.write("ERROR", ALL_ONES)
    await twin.still_right()


@cocotb.test()
async def unaligned(dut):
    """The lowest two bits of an address are ignored, with the strobes of the bytes meant."""
    twin = await Twin.make(dut)
    for n in range(rounds()):
        twin.pause()
        value = twin.chance.getrandbits(DATA_BITS)
        await twin.bus.write("SCRATCH", value)
        low = n % WORD_BYTES
        address = offset_of("SCRATCH") + low
        assert await twin.bus.read(address) == value >> 8 * low
        await twin.bus.write_bytes(address, ~value, EVERY_BYTE)
        assert await twin.bus.read("SCRATCH") == ~value & ALL_ONES
    assert await twin.bus.read("ERROR") == 0
    await twin.still_right()


@cocotb.test()
async def nowhere(dut):
    """Addresses without a register read 0; a write there is an error, and changes nothing."""
    twin = await Twin.make(dut)
    known = {r.offset for r in REGISTERS}
    free = [offset for offset in range(0, WINDOW, WORD_BYTES) if offset not in known]
    near = [offset for offset in free if offset < 0x100]
    before = await read_all(twin)
    for offset in [*near, *twin.chance.sample(free, rounds(2)), WINDOW - WORD_BYTES]:
        assert await twin.bus.read(offset) == 0
        await twin.bus.write(offset, ALL_ONES)
        assert await twin.bus.read("ERROR") == AccessError.READ_ONLY, hex(offset)
        await twin.bus.write("ERROR", AccessError.READ_ONLY)
    assert await read_all(twin) == before
    await twin.still_right()


@cocotb.test()
async def both_ways_at_once(dut):
    """Reads beside writes, each channel with pauses of its own: all are answered, in order."""
    twin = await Twin.make(dut)
    for _ in range(rounds(0.5)):
        twin.pause()
        written = [twin.chance.getrandbits(DATA_BITS) for _ in range(30)]
        seen = []

        async def write(values=written):
            for value in values:
                await twin.bus.write("SCRATCH", value)

        async def read(found=seen):
            for _ in range(30):
                found.append(await twin.bus.read("SCRATCH"))
                assert await twin.bus.read("CONFIG") == constants(twin.image.config)["CONFIG"]

        await twin.bus.write("SCRATCH", 0)
        tasks = [cocotb.start_soon(write()), cocotb.start_soon(read())]
        for task in tasks:
            await task
        order = [-1 if value == 0 else written.index(value) for value in seen]
        assert order == sorted(order), "reads see the writes in their order"
        assert await twin.bus.read("SCRATCH") == written[-1]
    assert await twin.bus.read("ERROR") == 0
    await twin.still_right()


@cocotb.test()
async def data_before_address(dut):
    """A write's data may come long before its address, and the other way round."""
    twin = await Twin.make(dut)
    for first in ("aw", "w") * 3:
        value = twin.chance.getrandbits(DATA_BITS)
        late = twin.bus.channels["w" if first == "aw" else "aw"]
        late.pause = True
        access = cocotb.start_soon(twin.bus.write("SCRATCH", value))
        await twin.cycles(twin.chance.randrange(1, 200))
        assert not access.done()
        assert await twin.bus.read("SCRATCH") != value
        late.pause = False
        await access
        assert await twin.bus.read("SCRATCH") == value
    assert await twin.bus.read("ERROR") == 0
    await twin.still_right()


@cocotb.test()
async def nobody_takes_the_answer(dut):
    """Answers wait, for as long as it takes."""
    board = Board(dut, cocotb.RANDOM_SEED)
    await board.reset()
    await board.begin()
    for name in ("b", "r"):
        board.bus.channels[name].pause = True
        access = board.bus.write("SCRATCH", 7) if name == "b" else board.bus.read("SCRATCH")
        task = cocotb.start_soon(access)
        await board.cycles(1000)
        assert not task.done()
        board.bus.channels[name].pause = False
        await task
    assert Error(await board.bus.read("ERROR")) == Error(0)
    board.check_rules()
