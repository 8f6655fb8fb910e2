"""The system top through its registers: access of each, runs, errors, interrupt, soft reset."""

import random

import numpy as np
import pytest
from component_simulation import examined
from system_host import ALL_ONES, CONFIG, SYMBOLS, Host

from zynq_lstm.hw.system import ATTRIBUTES
from zynq_lstm.quant import registers
from zynq_lstm.quant.float_model import FloatModel, Layer
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.layout import header_word
from zynq_lstm.quant.protocol import Error, Mode
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.quant.registers import REGISTERS, Access, AccessError, register
from zynq_lstm.quant.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def image():
    """A small random model."""
    rng = np.random.default_rng(3)
    gates = 4 * CONFIG.hidden

    def uniform(*shape):
        return rng.uniform(-1, 1, shape).astype(np.float32)

    layer = Layer(uniform(gates, SYMBOLS), uniform(gates, CONFIG.hidden), uniform(gates))
    vocabulary = Vocabulary(chr(0x61 + k) for k in range(SYMBOLS))
    model = FloatModel(vocabulary, (layer,), uniform(SYMBOLS, CONFIG.hidden), uniform(SYMBOLS))
    return quantize(model, CONFIG)


@pytest.fixture
def host():
    return Host()


def after_reset():
    """What each register reads then."""
    values = {r.name: r.reset for r in REGISTERS if r.access != Access.WO}
    values |= registers.constants(CONFIG)
    return values | {"CONTROL": 0, "STATUS": 0, "SYMBOLS": 0, "IMAGE_CRC": 0}


def test_vivado_is_told_what_the_ports_are(host):
    dut = examined(host.dut)
    for name, attributes in ATTRIBUTES.items():
        assert getattr(dut, name).attrs == attributes
    examined(dut._accelerator)


def test_reset_values_and_unknown_addresses(host):
    async def scenario():
        assert await host.read_all() == after_reset()
        known = {r.offset for r in REGISTERS}
        for offset in [*range(0, 0xC0, 4), 0x100, 0x400, 0x800, 0xFFC]:
            if offset not in known:
                assert await host.read(offset) == 0
        assert await host.read(register("IDENTITY").offset + 3) == registers.IDENTITY

    host.run(scenario)


def test_access(host):
    """Each register with each byte strobe: nothing else may change."""
    chance = random.Random(7)
    expected = after_reset()

    async def scenario():
        for r in REGISTERS:
            if r.access == Access.WO:
                continue
            for strobes in (0, 1 << chance.randrange(4), 15):
                value = chance.getrandbits(32)
                await host.write(r.offset, value, strobes)
                if r.access == Access.RW:
                    mask = sum(0xFF << 8 * k for k in range(4) if strobes >> k & 1)
                    new = (expected[r.name] & ~mask) | (value & mask)
                    expected[r.name] = new & ((1 << r.width) - 1)
                # A write to STATUS is an error, which STATUS tells at once.
                failed = r.name == "STATUS" and register("STATUS").field("FAILED").place(1)
                assert await host.read(r.offset) == expected[r.name] + failed
                error = await host.read("ERROR")
                assert error == (AccessError.READ_ONLY if r.access == Access.RO else 0)
                await host.write("ERROR", ALL_ONES)
        assert await host.read_all() == expected

    host.run(scenario)


def test_write_to_nowhere_and_clearing_by_byte(host):
    async def scenario():
        await host.write(0xFFC, 1)
        assert await host.read("ERROR") == AccessError.READ_ONLY
        assert await host.status("FAILED")
        await host.write("ERROR", ~AccessError.READ_ONLY & ALL_ONES)
        await host.write("ERROR", ALL_ONES, strobes=0b1011)  # without its byte
        assert await host.read("ERROR") == AccessError.READ_ONLY
        await host.write("CONTROL", ALL_ONES, strobes=0b1110)  # nor this one's
        assert not await host.status("BUSY")
        assert await host.read("ERROR") == AccessError.READ_ONLY
        await host.write("ERROR", AccessError.READ_ONLY)
        assert await host.read("ERROR") == 0
        assert not await host.status("FAILED")

    host.run(scenario)


def test_unknown_modes(host):
    async def scenario():
        await host.write("IRQ_ENABLE", 1)
        for mode in (6, 7, 8, 0x80, 0xFF):
            if mode in list(Mode):
                continue
            await host.start(mode)
            assert await host.end(100) == AccessError.MODE
            assert host.get("interrupt")
            await host.start(Mode.RESET_STATE)
            assert not host.get("interrupt")
            assert await host.end() == 0

    host.run(scenario)


def test_run_and_interrupt(host, image):
    """A text like the golden model's; registers guarded meanwhile; the interrupt's whole life."""
    prompt, length, seed = [1, 2, 3], 10, 0x1234_5678_9ABC_DEF1
    golden = GoldenModel(image).generate(np.array(prompt), length, 4096, seed)

    async def scenario():
        await host.load(image)
        await host.start(Mode.RESET_STATE)
        assert await host.end() == 0
        assert host.interrupts == 0
        await host.write("IRQ_ENABLE", 1)
        await host.tick(3)
        assert host.get("interrupt")
        await host.write("IRQ_PENDING", 1)
        assert not host.get("interrupt") and not await host.status("DONE")
        before = await host.read_all()
        await host.generate(prompt, length, seed)
        assert await host.status("BUSY")
        await host.start(Mode.RESET_STATE, seed_low=5)
        await host.write("SCRATCH", 99)
        assert await host.end() == AccessError.BUSY
        assert host.get("interrupt")
        assert list(host.packet()) == list(golden)
        after = await host.read_all()
        assert after["MODE"] == Mode.GENERATE and after["SEED_LOW"] == seed & ALL_ONES
        assert after["SCRATCH"] == 99
        characters = after["CHARACTERS"] - before["CHARACTERS"]
        assert characters == len(prompt) + length - 1
        steps, cycles = (after[n] - before[n] for n in ("STEPS", "CYCLES"))
        assert characters - 1 < steps / CONFIG.steps(SYMBOLS) <= characters  # the last is shorter
        assert cycles >= steps
        assert after["STARTUP"] > before["STARTUP"]
        # A start clears DONE; the errors of accesses stay.
        await host.start(Mode.RESET_STATE)
        assert await host.end() == AccessError.BUSY

    host.run(scenario)


def test_errors_of_a_run_are_kept_until_the_next(host):
    async def scenario():
        for _ in range(2):
            host.feed_symbols([1, 2])
            await host.start(Mode.LOGITS, inputs=2)
            assert await host.end() == Error.NOT_LOADED
            host.words_out.clear()
        await host.start(Mode.RESET_STATE)
        assert await host.end() == 0
        host.feed([0, 0])
        await host.start(Mode.LOAD)
        assert await host.end() == Error.IMAGE
        await host.write("ERROR", Error.IMAGE)
        assert await host.read("ERROR") == 0
        await host.tick(20)
        assert await host.read("ERROR") == 0

    host.run(scenario)


def test_score_is_that_of_the_golden_model(host, image):
    """Packets one behind the other: the last symbol of one is the first of the next."""
    golden = GoldenModel(image)
    symbols = np.random.default_rng(8).integers(0, SYMBOLS, 40)

    async def scenario():
        await host.load(image)
        await host.start(Mode.RESET_STATE)
        assert await host.end() == 0
        at = 0
        for count in (1, 2, 7, 8, 9):
            packet = symbols[at : at + count + 1]
            host.feed_symbols(packet.tolist())
            await host.start(Mode.SCORE, inputs=count)
            assert await host.end() == 0
            found = np.frombuffer(host.packet(), "<u2")
            assert found.tolist() == golden.score(packet).tolist()
            at += count
        # A symbol that there is not, to be fed or only behind the last: told, and the packet ends.
        for packet in ([1, 2, SYMBOLS], [SYMBOLS, 2, 1]):
            host.feed_symbols(packet)
            await host.start(Mode.SCORE, inputs=2)
            assert await host.end() == Error.SYMBOL
            assert len(host.packet()) == 4

    host.run(scenario)


def test_a_damaged_image_is_told_and_not_loaded(host, image):
    async def scenario():
        await host.load(image)
        payload = image.payload.copy()
        payload[20] ^= np.uint64(1 << 40)
        host.feed(payload)
        await host.start(Mode.LOAD)
        assert await host.end(10 * len(payload)) == Error.CRC
        assert not await host.status("LOADED")
        assert await host.read("SYMBOLS") == await host.read("IMAGE_CRC") == 0
        await host.load(image)

    host.run(scenario)


def test_wrong_words_of_the_weight_memories(host, image):
    """All check bits are wrong ones: a run says so if it is to, and tells which memories."""
    fail, invert = (register("MEMORY_CHECK").field(n).place(1) for n in ("FAIL", "INVERT"))
    every = (1 << CONFIG.banks) - 1

    async def faults():
        return await host.read("MEMORY_FAULTS_LOW"), await host.read("MEMORY_FAULTS_HIGH")

    async def run(expected):
        golden = GoldenModel(image)
        await host.start(Mode.RESET_STATE)
        assert await host.end() == 0
        host.feed_symbols([1, 2, 3])
        await host.start(Mode.LOGITS, inputs=3)
        assert await host.end() == expected
        logits = np.frombuffer(host.packet(), "<i2").reshape(3, -1)[:, :SYMBOLS]
        assert np.array_equal(logits, [golden.step([s])[0] for s in (1, 2, 3)])

    async def scenario():
        await host.load(image)
        await run(0)
        assert await faults() == (0, 0)
        await host.write("MEMORY_CHECK", fail | invert)
        await host.load(image)
        assert await faults() == (0, 0), "nothing has been read yet"
        await run(Error.MEMORY)
        assert await faults() == (every, 0)
        # Cleared one by one; a run sets those again that it reads.
        await host.write("MEMORY_FAULTS_LOW", 0b101)
        assert await faults() == (every & ~0b101, 0)
        await host.write("MEMORY_CHECK", 0)
        await run(0)
        assert await faults() == (every, 0)
        # Gone with a load, and with a reset.
        await host.load(image)
        assert await faults() == (0, 0)
        await run(0)
        assert await faults() == (0, 0)
        await host.write("MEMORY_CHECK", invert)
        await host.load(image)
        await run(0)
        assert await faults() == (every, 0)
        await host.command("SOFT_RESET")
        assert await faults() == (0, 0)
        assert await host.read("MEMORY_CHECK") == fail

    host.run(scenario)


@pytest.mark.parametrize("wait", [0, 7, 100])
def test_abort(host, image, wait):
    async def scenario():
        await host.load(image)
        await host.command("ABORT")  # of nothing
        assert await host.read("ERROR") == 0
        await host.generate([1], 1000, 9)
        await host.tick(wait)
        await host.command("ABORT")
        assert await host.end(2000) == Error.ABORTED
        host.packet()
        await host.generate([1], 3, 9)
        assert await host.end() == 0
        assert len(host.packet()) == 3

    host.run(scenario)


@pytest.mark.parametrize("wait", [0, 2, 333])
def test_soft_reset_in_a_run(host, image, wait):
    """All is as after a reset, though an access waits; then the chip works as before."""
    golden = GoldenModel(image).generate(np.array([4]), 9, 4096, 11)

    async def scenario():
        await host.load(image)
        await host.write("IRQ_ENABLE", 1)
        await host.write("SCRATCH", 5)
        await host.generate([1, 2], 1000, 9)
        await host.tick(wait)
        await host.command("SOFT_RESET")
        assert await host.read_all() == after_reset()
        assert not host.get("interrupt")
        host.words_in.clear()
        await host.tick(100)
        host.words_out.clear()
        await host.load(image)
        await host.start(Mode.RESET_STATE)
        assert await host.end() == 0
        await host.generate([4], 9, 11)
        assert await host.end() == 0
        assert list(host.packet()) == list(golden)

    host.run(scenario)


def test_a_model_that_is_built_in():
    """It is told at power-on and after a reset, but not when another one has been begun."""
    host = Host(symbols=SYMBOLS, crc=0x89ABCDEF)

    async def model():
        return [await host.read(n) for n in ("SYMBOLS", "IMAGE_CRC")] + [
            await host.status("LOADED")
        ]

    async def scenario():
        assert await model() == [SYMBOLS, 0x89ABCDEF, 1]
        await host.command("SOFT_RESET")
        assert await model() == [SYMBOLS, 0x89ABCDEF, 1]
        host.feed([header_word(CONFIG, 3), 0])
        await host.start(Mode.LOAD)
        assert await host.end() == Error.IMAGE
        assert await model() == [0, 0, 0]
        await host.command("SOFT_RESET")
        assert await model() == [0, 0, 0]

    host.run(scenario)


def test_soft_reset_ends_what_an_abort_does_not(host):
    async def scenario():
        await host.start(Mode.LOAD)
        await host.command("ABORT")
        await host.tick(500)
        assert await host.status("BUSY")
        await host.command("SOFT_RESET", "START")
        assert not await host.status("BUSY")
        assert await host.read("ERROR") == 0

    host.run(scenario)
