"""Commands that fail: each ends, says why in ERROR, and the next one is right."""

import cocotb
import numpy as np
from benches.packets import Word, state_bytes, words_of
from benches.twin import Twin
from benches.works import announced, make

from zynq_lstm.hw.controller import QUIET_CYCLES
from zynq_lstm.quant.protocol import RUNS, STREAM_BYTES, Error, Mode
from zynq_lstm.quant.registers import AccessError, register

MODES = 1 << register("MODE").width


@cocotb.test()
async def no_length(dut):
    twin = await Twin.make(dut)
    for mode, inputs, outputs in (
        (Mode.GENERATE, 0, 3),
        (Mode.GENERATE, 3, 0),
        (Mode.LOGITS, 0, 0),
        (Mode.SCORE, 0, 0),
    ):
        twin.pause()
        await twin.start(mode, inputs=inputs, outputs=outputs)
        twin.send(twin.symbols(3))
        await twin.receive()
        assert await twin.ended() == Error.LENGTH
        await twin.still_right()


@cocotb.test()
async def packets_of_other_lengths(dut):
    """Too short, too long by a byte or by words, with the next packet close behind."""
    twin = await Twin.make(dut)
    for awaited, sent in ((2, 1), (9, 8), (17, 16), (2, 3), (8, 9), (7, 8), (5, 40), (16, 17)):
        for mode in RUNS:
            twin.pause()
            following = twin.symbols(3)
            await twin.start(mode, inputs=announced(mode, awaited), outputs=2)
            twin.send(twin.symbols(sent))
            twin.send(following)
            await twin.receive()
            assert await twin.ended() == Error.PACKET, (mode, awaited, sent)
            await twin.reset_state()
            await twin.start(Mode.LOGITS, inputs=3)
            twin.check_logits(following, await twin.receive())
            assert await twin.ended() == Error(0)
            await twin.nothing_more()


@cocotb.test()
async def every_length_by_one(dut):
    """One symbol less and one more than announced, for every length modulo 8."""
    twin = await Twin.make(dut)
    for awaited in range(2, 2 * STREAM_BYTES + 2):
        for sent in (awaited - 1, awaited + 1):
            for mode in (Mode.LOGITS, Mode.SCORE):
                twin.pause()
                inputs = announced(mode, awaited)
                await twin.start_and_send(twin.symbols(sent), mode, inputs=inputs)
                await twin.receive()
                assert await twin.ended() == Error.PACKET, (mode, awaited, sent)
        await twin.still_right()


@cocotb.test()
async def missing_ends(dut):
    """All symbols come, but no TLAST: the run is over, and BUSY until the end comes after all, in
    a word that is one too many, or until an abort gives it up."""
    twin = await Twin.make(dut)
    for mode in RUNS:
        for late in (True, False):
            twin.pause(0, 0, 0)
            work = make(twin, mode)
            await twin.start(mode, **work.command)
            twin.send(work.sends, ends=False)
            work.check(await twin.receive(), Error(0))
            await twin.cycles(2 * QUIET_CYCLES)
            assert await twin.busy(), "waits for the end"
            assert await twin.bus.read("ERROR") == Error.PACKET
            if late:
                twin.send(bytes(1))
                assert await twin.ended() == Error.PACKET
            else:
                await twin.abort()
                assert await twin.ended() == Error.PACKET | Error.ABORTED
            await twin.check_state()
            await twin.still_right()


@cocotb.test()
async def states_of_other_lengths(dut):
    twin = await Twin.make(dut)
    hidden = twin.image.config.hidden
    for units in (1, 7, hidden - 1, hidden + 1, 3 * hidden):
        await twin.reset_state()
        following = twin.symbols(3)
        twin.pause()
        await twin.start(Mode.WRITE_STATE)
        twin.send((state_bytes(twin.random_state()) * 4)[: 8 * units])
        twin.send(following)
        assert await twin.ended() == Error.PACKET
        await twin.reset_state()
        await twin.start(Mode.LOGITS, inputs=3)
        twin.check_logits(following, await twin.receive())
        await twin.still_right()


@cocotb.test()
async def foreign_symbols(dut):
    """Each number that is not a symbol's, at some place; the run goes on, with rubbish."""
    twin = await Twin.make(dut)
    for n, bad in enumerate([*range(twin.image.symbols, 20), 31, 32, 64, 127, 128, 200, 255]):
        text = twin.symbols(10)
        text[n % len(text)] = bad
        twin.pause()
        mode = RUNS[n % len(RUNS)]
        await twin.start_and_send(text, mode, inputs=announced(mode, 10), outputs=3)
        await twin.receive()
        assert await twin.ended() == Error.SYMBOL, bad
        await twin.still_right()


@cocotb.test()
async def foreign_targets(dut):
    """A last symbol that is not fed, but scored, is looked at too."""
    twin = await Twin.make(dut)
    for count in (2, 8, 9):
        text = twin.symbols(count)
        text[-1] = twin.image.symbols
        twin.pause()
        await twin.start_and_send(text, Mode.SCORE, inputs=count - 1)
        packet = np.frombuffer(await twin.receive(), "<u2")
        assert await twin.ended() == Error.SYMBOL
        before = text[:-1]
        expected = twin.golden.score(before) if count > 2 else np.zeros(0)
        assert packet[: count - 2].tolist() == expected.tolist(), "those before it are right"
        assert len(packet) == count - 1
        await twin.still_right()


@cocotb.test()
async def several_errors_at_once(dut):
    """A foreign symbol in a packet that is too short; a foreign one in one aborted."""
    twin = await Twin.make(dut)
    text = twin.symbols(4)
    text[2] = 255
    await twin.start_and_send(text, Mode.LOGITS, inputs=5)
    await twin.receive()
    assert await twin.ended() == Error.SYMBOL | Error.PACKET
    await twin.still_right()
    await twin.start(Mode.LOGITS, inputs=9)
    twin.send_words(words_of([255] * STREAM_BYTES, ends=False))
    await twin.cycles(1000)
    await twin.abort()
    await twin.receive()
    assert await twin.ended() == Error.SYMBOL | Error.ABORTED
    await twin.still_right()


@cocotb.test()
async def unknown_modes(dut):
    """Refused, with an interrupt; the packet that waits is the next command's."""
    twin = await Twin.make(dut)
    unknown = [mode for mode in range(MODES) if mode not in list(Mode)]
    for mode in {*unknown[:6], *(8 * k for k in range(1, 32)), MODES - 1}:
        twin.pause()
        text = twin.symbols(3)
        twin.send(text)
        await twin.start(mode, inputs=3)
        assert await twin.ended() == AccessError.MODE
        await twin.acknowledge()
        await twin.start(Mode.LOGITS, inputs=3)
        twin.check_logits(text, await twin.receive())
        assert await twin.ended() == Error(0), "a start that is obeyed clears MODE"
    await twin.check_state()
    await twin.nothing_more()


@cocotb.test()
async def errors_are_cleared_one_by_one(dut):
    """By a write of the bit, and not by another's; by a start."""
    twin = await Twin.make(dut)
    text = twin.symbols(4)
    text[0] = 255
    for clear in (Error.SYMBOL, Error.PACKET, Error.SYMBOL | Error.PACKET, Error(0)):
        await twin.start_and_send(text, Mode.LOGITS, inputs=5)
        await twin.receive()
        both = await twin.ended()
        assert both == Error.SYMBOL | Error.PACKET
        await twin.bus.write("ERROR", clear)
        assert await twin.bus.read("ERROR") == both & ~clear
        assert (await twin.bus.read_fields("STATUS"))["failed"] == bool(both & ~clear)
        await twin.reset_state()
    await twin.still_right()


@cocotb.test()
async def words_in_the_gap(dut):
    """What is sent while nothing runs waits for the next command, and is its packet."""
    twin = await Twin.make(dut)
    twin.send_words([Word(tdata=0x0201, tkeep=3, tlast=1)])
    await twin.cycles(500)
    assert not await twin.busy()
    await twin.start(Mode.LOGITS, inputs=2)
    twin.check_logits([1, 2], await twin.receive())
    assert await twin.ended() == Error(0)
    await twin.still_right()
