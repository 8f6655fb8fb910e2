"""TKEEP at the input: the highest byte that it marks is a word's last, those below it count, and a
word of which it marks none has one. Of an image or a state each word counts whole."""

import cocotb
from benches.packets import WHOLE, Word, octets_of, state_bytes, words_of, words_to_bytes
from benches.twin import Twin, rounds

from zynq_lstm.quant.protocol import STREAM_BYTES, Error, Mode


async def feed(twin, words):
    """Feed words as a text; all its symbols count, and no other byte does."""
    text = list(octets_of(words))
    twin.send_words(words)
    await twin.start(Mode.LOGITS, inputs=len(text))
    twin.check_logits(text, await twin.receive())
    assert await twin.ended() == Error(0), [f"{word.tkeep:08b}" for word in words]


def word(twin, keep, last):
    """A word of symbols, with what is none in each byte that does not count."""
    octets = [255] * STREAM_BYTES
    for k, symbol in enumerate(twin.symbols(max(1, keep.bit_length()))):
        octets[k] = int(symbol)
    return Word(tdata=int.from_bytes(bytes(octets), "little"), tkeep=keep, tlast=last)


@cocotb.test()
async def last_words(dut):
    """1 to 8 bytes in the last word, behind none, one or two whole ones."""
    twin = await Twin.make(dut)
    for whole in range(3):
        for count in range(1, STREAM_BYTES + 1):
            twin.pause()
            before = [word(twin, WHOLE, 0) for _ in range(whole)]
            await feed(twin, [*before, word(twin, (1 << count) - 1, 1)])
    await twin.check_state()
    await twin.nothing_more()


@cocotb.test()
async def every_keep(dut):
    """Each TKEEP, with gaps or zero too, in the last word and in one before it."""
    twin = await Twin.make(dut)
    for first in range(0, WHOLE + 1, max(1, 64 // rounds())):
        twin.pause()
        keep = min(WHOLE, first + twin.chance.randrange(4))
        await feed(twin, [word(twin, keep, 0), word(twin, keep ^ twin.chance.randrange(256), 1)])
    await feed(twin, [word(twin, 0, 0), word(twin, 0, 1)])
    await twin.check_state()
    await twin.still_right()


@cocotb.test()
async def short_words_all_along(dut):
    """A packet of words of any length, as a DMA engine sends one from an odd address."""
    twin = await Twin.make(dut)
    for _ in range(rounds(0.5)):
        twin.pause()
        keeps = [(1 << twin.chance.randrange(1, 9)) - 1 for _ in range(6)]
        await feed(twin, [word(twin, keep, k == 5) for k, keep in enumerate(keeps)])
    await twin.check_state()
    await twin.nothing_more()


@cocotb.test()
async def images_and_states(dut):
    """Their TKEEP is not looked at."""
    twin = await Twin.make(dut, loaded=False)
    for mode in (Mode.LOAD, Mode.WRITE_STATE) * 2:
        state = twin.random_state()
        data = words_to_bytes(twin.image.payload) if mode == Mode.LOAD else state_bytes(state)
        words = words_of(data)
        for each in words:
            each.tkeep = twin.chance.randrange(256)
        twin.pause()
        twin.send_words(words)
        await twin.start(mode)
        assert await twin.ended() == Error(0)
        if mode == Mode.WRITE_STATE:
            twin.golden.state = state
            await twin.check_state()
            await twin.logits(2)
            await twin.check_state()
    await twin.still_right()


@cocotb.test()
async def empty_last_words(dut):
    """A last word without a byte counts as one symbol, so the packet is too long by one."""
    twin = await Twin.make(dut)
    for _ in range(rounds(0.3)):
        twin.pause()
        twin.send_words([word(twin, WHOLE, 0), word(twin, 0, 1)])
        await twin.start(Mode.LOGITS, inputs=STREAM_BYTES)
        await twin.receive()
        assert await twin.ended() == Error.PACKET
        await twin.still_right()
