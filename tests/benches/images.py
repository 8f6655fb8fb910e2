"""Images good and bad: what is loaded is right or not loaded, and ERROR says why."""

import cocotb
import numpy as np
from benches.packets import words_to_bytes
from benches.twin import Twin, rounds
from random_models import random_image

from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.layout import PAYLOAD_MAGIC
from zynq_lstm.quant.protocol import RUNS, Error, Mode


def flipped(payload, word, bit):
    damaged = payload.copy()
    damaged[word] ^= np.uint64(1 << bit)
    return damaged


@cocotb.test()
async def not_loaded(dut):
    """After power-on nothing computes, but states can be read and written."""
    twin = await Twin.make(dut, loaded=False)
    assert await twin.bus.read("SYMBOLS") == 0
    assert await twin.bus.read("IMAGE_CRC") == 0
    for mode in RUNS:
        twin.pause()
        await twin.start_and_send(twin.symbols(9), mode, inputs=9, outputs=2)
        await twin.receive()
        assert await twin.ended() == Error.NOT_LOADED
        await twin.nothing_more()
    await twin.reset_state()
    await twin.write_state()
    await twin.check_state()
    await twin.still_right()


@cocotb.test()
async def of_other_hardware(dut):
    """Each bit of the first word: refused, and the model that was there stays."""
    twin = await Twin.make(dut, loaded=False)
    payload = twin.image.payload
    foreign = flipped(payload, 0, 40)
    assert await twin.load(foreign) == Error.IMAGE
    assert not await twin.loaded()
    assert await twin.load(payload[:1]) == Error.IMAGE
    await twin.load()
    for bit in (*range(5, 64, 64 // rounds(0.7) or 1), 63):
        assert await twin.load(flipped(payload, 0, bit)[:20]) == Error.IMAGE, bit
        assert await twin.loaded(), "a foreign image leaves the model that was there"
    for symbols in (0, 1, twin.image.config.symbols + 1, 255, 256, 1 << 15):
        header = (int(payload[0]) & ~0xFFFF) | symbols
        assert header >> 16 & 0xFFFF == PAYLOAD_MAGIC
        assert await twin.load(np.array([header, 1, 2], np.uint64)) == Error.IMAGE, symbols
        assert await twin.loaded()
    await twin.still_right()


@cocotb.test()
async def of_other_lengths(dut):
    """Cut off anywhere, or too long: not loaded, for the memories hold half of something."""
    twin = await Twin.make(dut)
    payload = twin.image.payload
    cuts = [2, len(payload) // 2, len(payload) - 2, len(payload) - 1]
    cuts += [twin.chance.randrange(2, len(payload)) for _ in range(rounds(0.5))]
    for cut in cuts:
        assert await twin.load(payload[:cut]) == Error.IMAGE, cut
        assert not await twin.loaded()
        assert await twin.bus.read("SYMBOLS") == 0
    for surplus in (1, 3):
        assert await twin.load(np.append(payload, payload[:surplus])) == Error.IMAGE
        await twin.load()
        await twin.still_right()


@cocotb.test()
async def damaged(dut):
    """One bit anywhere but in the first word, or in the CRC itself and the zeros beside it: told,
    and not loaded; then a good one is."""
    twin = await Twin.make(dut)
    payload = twin.image.payload
    last = len(payload) - 1
    places = [(1, 0), (last - 1, 63), (last, 0), (last, 31), (last, 32), (last, 63)]
    for _ in range(rounds()):
        places.append((twin.chance.randrange(1, last + 1), twin.chance.randrange(64)))
    for n, (word, bit) in enumerate(places):
        assert await twin.load(flipped(payload, word, bit)) == Error.CRC, (word, bit)
        assert not await twin.loaded()
        for name in ("SYMBOLS", "IMAGE_CRC"):
            assert await twin.bus.read(name) == 0
        if n % 8 == 0:
            await twin.start_and_send(twin.symbols(3), Mode.LOGITS, inputs=3)
            await twin.receive()
            assert await twin.ended() == Error.NOT_LOADED
            await twin.still_right()
    swapped = payload.copy()
    swapped[[5, 6]] = payload[[6, 5]]
    if (swapped != payload).any():
        assert await twin.load(swapped) == Error.CRC
    await twin.still_right()


@cocotb.test()
async def then_another(dut):
    """Two models take turns; each text is its own model's."""
    twin = await Twin.make(dut)
    symbols = (twin.image.symbols, 5, twin.image.config.symbols, 2)
    images = [twin.image] + [
        random_image(twin.image.config, n, "ordinary", seed=n) for n in symbols[1:]
    ]
    for k in range(2 * len(images)):
        twin.image = images[k % len(images)]
        state = twin.golden.state
        twin.golden = GoldenModel(twin.image)
        twin.golden.state = state  # loading leaves it
        await twin.load()
        await twin.check_state()
        await twin.generate(3, 9, 4096, twin.seed())
        await twin.logits(2)
        await twin.score(5)
        await twin.still_right()


@cocotb.test()
async def while_another_packet_waits(dut):
    """The prompt is already behind the image; nothing of it is taken for the image's."""
    twin = await Twin.make(dut)
    for _ in range(rounds(0.3)):
        twin.pause()
        text = twin.symbols(3)
        twin.send(words_to_bytes(twin.image.payload))
        twin.send(text)
        await twin.start(Mode.LOAD)
        assert await twin.ended() == Error(0)
        await twin.start(Mode.LOGITS, inputs=3)
        twin.check_logits(text, await twin.receive())
        assert await twin.ended() == Error(0)
    await twin.still_right()
