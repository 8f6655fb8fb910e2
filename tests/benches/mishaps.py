"""Commands that fail or are cancelled: each ends, says why, and the next one is right."""

import os

import cocotb
import numpy as np
from benches.board import Board, state_bytes, words_to_bytes

from zynq_lstm.hw.controller import QUIET_CYCLES
from zynq_lstm.quant.protocol import Error, Mode

ROUNDS = "ZYNQ_LSTM_BENCH_ROUNDS"
"""Environment variable: cancelled commands a test."""


def rounds():
    return int(os.environ.get(ROUNDS, "16"))


@cocotb.test()
async def wrong_images(dut):
    board = await Board.make(dut, loaded=False)
    payload = board.image.payload
    foreign = payload.copy()
    foreign[0] ^= np.uint64(1 << 40)
    longer = np.concatenate([payload, payload[:3]])
    assert not board.loaded
    assert await board.load(foreign) == Error.IMAGE
    assert not board.loaded
    assert await board.load(payload[:1]) == Error.IMAGE
    await board.load()
    assert await board.load(foreign[:20]) == Error.IMAGE
    assert board.loaded, "a foreign image leaves the model that was there"
    await board.still_right()
    for wrong in (payload[: len(payload) // 2], payload[:-1], longer):
        assert await board.load(wrong) == Error.IMAGE
        assert not board.loaded or wrong is longer
        await board.load()
        await board.still_right()


@cocotb.test()
async def not_loaded(dut):
    board = await Board.make(dut, loaded=False)
    for mode in (Mode.GENERATE, Mode.LOGITS):
        board.pause()
        await board.start(mode, inputs=9, outputs=2)
        board.send(board.symbols(9))
        await board.receive()
        assert await board.ended() == Error.NOT_LOADED
        await board.nothing_more()
    await board.load()
    await board.still_right()


@cocotb.test()
async def no_length(dut):
    board = await Board.make(dut)
    for mode, inputs, outputs in (
        (Mode.GENERATE, 0, 3),
        (Mode.GENERATE, 3, 0),
        (Mode.LOGITS, 0, 0),
    ):
        board.pause()
        await board.start(mode, inputs=inputs, outputs=outputs)
        board.send(board.symbols(3))
        await board.receive()
        assert await board.ended() == Error.LENGTH
        await board.still_right()


@cocotb.test()
async def packets_of_other_lengths(dut):
    """Too short, too long by a byte or by words, with the next packet close behind."""
    board = await Board.make(dut)
    for announced, sent in ((2, 1), (9, 8), (17, 16), (1, 2), (8, 9), (7, 8), (5, 40), (16, 17)):
        for mode in (Mode.GENERATE, Mode.LOGITS):
            board.pause()
            await board.start(mode, inputs=announced, outputs=2)
            board.send(board.symbols(sent))
            following = board.symbols(3)
            board.send(following)
            await board.receive()
            assert await board.ended() == Error.PACKET, (announced, sent)
            await board.reset_state()
            await board.start(Mode.LOGITS, inputs=3)
            board.check_logits(following, await board.receive())
            assert await board.ended() == Error(0)
            await board.nothing_more()


@cocotb.test()
async def states_of_other_lengths(dut):
    board = await Board.make(dut)
    for units in (1, 7, -1, 1000, None):
        hidden = board.image.config.hidden
        await board.reset_state()
        data = state_bytes(board.random_state())
        count = {None: hidden + 1, -1: hidden - 1, 1000: 3 * hidden}.get(units, units)
        board.pause()
        await board.start(Mode.WRITE_STATE)
        board.send((data * 4)[: 8 * count])
        following = board.symbols(3)
        board.send(following)
        assert await board.ended() == Error.PACKET
        await board.reset_state()
        await board.start(Mode.LOGITS, inputs=3)
        board.check_logits(following, await board.receive())
        await board.still_right()


@cocotb.test()
async def foreign_symbols(dut):
    board = await Board.make(dut)
    for bad, at in ((board.image.symbols, 0), (255, 9), (16, 4)):
        text = board.symbols(10)
        text[at] = bad
        board.pause()
        await board.start(Mode.LOGITS, inputs=10)
        board.send(text)
        await board.receive()
        assert await board.ended() == Error.SYMBOL
        await board.still_right()


async def cancel_after(board, cycles):
    """Cancel, perhaps again; the command must end and say so."""
    await board.cycles(cycles)
    await board.cancel()
    await board.cycles(4)
    busy = int(board.dut.busy.value)  # not before: a run may just have ended by itself
    if board.chance.random() < 0.3:
        await board.cycles(board.chance.randrange(200))
        await board.cancel()
    error = await board.ended()
    assert not busy or Error.ABORTED in error, error
    return error


@cocotb.test()
async def cancelled_runs(dut):
    board = await Board.make(dut)
    for n in range(rounds()):
        board.pause()
        mode = (Mode.GENERATE, Mode.LOGITS)[n % 2]
        inputs = board.chance.choice((1, 7, 9, 20))
        await board.start(mode, inputs=inputs, outputs=9, temperature=4096, seed=n + 1)
        board.send(board.symbols(inputs))
        # Any cycle, but one in three close to the start.
        await cancel_after(board, board.chance.randrange(board.chance.choice((20, 600, 3000))))
        await board.receive()
        await board.still_right()


@cocotb.test()
async def cancelled_without_a_packet(dut):
    """The packet never comes, or stops in its middle."""
    board = await Board.make(dut)
    for n, mode in enumerate((Mode.GENERATE, Mode.LOGITS, Mode.LOAD, Mode.WRITE_STATE)):
        for words in (0, 2):
            board.pause(0, 0)
            await board.start(mode, inputs=30, outputs=2)
            for k in range(words):
                await offer(board, int(board.image.payload[k]) if mode == Mode.LOAD else k)
            await board.cycles(board.chance.randrange(300))
            await board.cancel()
            error = await board.ended(QUIET_CYCLES + 2000)
            assert error == Error.ABORTED, (n, words, error)
            if mode in (Mode.GENERATE, Mode.LOGITS):
                await board.receive()
            if not board.loaded:
                assert mode == Mode.LOAD
                await board.load()
            await board.still_right()


async def offer(board, word):
    """One word, without an end of its packet."""
    dut = board.dut
    dut.s_axis_tdata.value, dut.s_axis_tkeep.value = word, 0xFF
    dut.s_axis_tlast.value, dut.s_axis_tvalid.value = 0, 1
    await board.cycles(1)
    dut.s_axis_tvalid.value = 0


@cocotb.test()
async def cancelled_while_surplus(dut):
    """A failed run waits for its packet's end; a cancel ends that, too."""
    board = await Board.make(dut)
    board.pause(0, 0)
    await board.start(Mode.LOGITS, inputs=0)
    await board.receive()
    await board.cycles(2 * QUIET_CYCLES)
    assert int(dut.busy.value), "waits for the packet"
    await board.cancel()
    error = await board.ended(QUIET_CYCLES + 2000)
    assert error == Error.ABORTED | Error.LENGTH
    await board.still_right()


@cocotb.test()
async def cancelled_loads(dut):
    board = await Board.make(dut)
    words = len(board.image.payload)
    for _ in range(rounds()):
        board.pause()
        await board.start(Mode.LOAD)
        board.send(words_to_bytes(board.image.payload))
        await cancel_after(board, board.chance.randrange(board.chance.choice((30, 2 * words))))
        await board.nothing_more()
        if board.loaded:
            await board.still_right()
        await board.load()
        await board.still_right()


@cocotb.test()
async def cancelled_states(dut):
    board = await Board.make(dut)
    for n in range(rounds()):
        board.pause()
        mode = (Mode.WRITE_STATE, Mode.READ_STATE, Mode.RESET_STATE)[n % 3]
        await board.start(mode)
        if mode == Mode.WRITE_STATE:
            board.send(state_bytes(board.random_state()))
        await cancel_after(board, board.chance.randrange(18 * board.image.config.hidden))
        if mode == Mode.READ_STATE:
            await board.receive()
        await board.still_right()


@cocotb.test()
async def cancelled_without_room(dut):
    """Nobody reads, and the host gives up."""
    board = await Board.make(dut)
    board.pause(0, 0)
    rows = board.image.config.output_rows(board.image.symbols)
    for pause in (2000, 40000):
        board.sink.pause = True
        count = 400 // rows
        await board.start(Mode.LOGITS, inputs=count)
        board.send(board.symbols(count))
        await board.cycles(pause)
        await board.cancel()
        assert await board.ended() == Error.ABORTED
        board.sink.pause = False
        await board.receive()
        await board.still_right()


@cocotb.test()
async def resets(dut):
    """A reset at any time; the model is gone."""
    board = await Board.make(dut)
    for _ in range(3):
        board.pause(0, 0)
        await board.start(Mode.GENERATE, inputs=2, outputs=50)
        board.send(board.symbols(2))
        await board.cycles(board.chance.randrange(300, 3000))
        dut.aresetn.value = 0
        await board.cycles(4)
        dut.aresetn.value = 1
        await board.cycles(8)
        assert not board.loaded
        assert not int(dut.busy.value)
        await board.load()
        await board.still_right()
