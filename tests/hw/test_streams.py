"""The ends of the streams: no word is lost, made or reordered, whoever pauses."""

import itertools
import random

import pytest
from component_simulation import evaluate, set_ports, simulate

from zynq_lstm.hw.streams import DEPTH, WORD, BytePacker, StreamFifo, end_of_keep, keep_of_end

WORDS = 800
IDLE_AFTER = 300


@pytest.mark.parametrize("demand", [0.05, 0.5, 1])
@pytest.mark.parametrize("supply", [0.05, 0.5, 1])
def test_fifo(supply, demand):
    chance = random.Random(f"{supply} {demand}")
    words = [{n: chance.getrandbits(w) for n, w in WORD.items()} for _ in range(WORDS)]
    dut = StreamFifo()
    got, sent, occupied = [], 0, [0]
    fullest = 0

    async def bench(ctx):
        nonlocal sent, fullest
        idle, offered, waiting = 0, False, None
        while idle < IDLE_AFTER:
            # A word that is offered stays until it is taken.
            offered = offered or (sent < WORDS and chance.random() < supply)
            ctx.set(dut.i_valid, offered)
            if offered:
                set_ports(ctx, dut, **{f"i_{n}": v for n, v in words[sent].items()})
            ready = chance.random() < demand
            ctx.set(dut.o_ready, ready)
            count = occupied[-1]
            if len(occupied) > 3 and len(set(occupied[-4:])) == 1:
                assert ctx.get(dut.half_full) == (count >= DEPTH // 2)
            valid = ctx.get(dut.o_valid)
            if waiting is not None:
                assert valid, "a word was taken back"
            word = {n: ctx.get(getattr(dut, f"o_{n}")) for n in WORD} if valid else None
            assert waiting is None or waiting == word, "a word changed while it waited"
            waiting = word if valid and not ready else None
            if valid and ready:
                got.append(word)
                count -= 1
            if offered and ctx.get(dut.i_ready):
                sent += 1
                offered = False
                count += 1
            idle = idle + 1 if sent == len(got) == WORDS else 0
            assert len(got) <= sent
            assert count <= DEPTH, "an overrun"
            fullest = max(fullest, count)
            occupied.append(count)
            assert len(occupied) < 60 * WORDS, f"stuck after {len(got)} of {sent} words"
            await ctx.tick()

    simulate(dut, bench)
    assert got == words
    if supply > 2 * demand:
        assert fullest > DEPTH - 16, "the bench did not fill it"


def test_fifo_gives_a_word_in_two_cycles():
    dut = StreamFifo()
    taken = []

    async def bench(ctx):
        set_ports(ctx, dut, i_valid=1, o_ready=1)
        for _ in range(400):
            taken.append(ctx.get(dut.o_valid))
            await ctx.tick()

    simulate(dut, bench)
    assert sum(taken[10:]) == len(taken[10:]) // 2
    assert all(a + b == 1 for a, b in itertools.pairwise(taken[10:]))


@pytest.mark.parametrize("supply", [0.3, 1])
def test_packer(supply):
    chance = random.Random(supply)
    packets = [
        [chance.getrandbits(8) for _ in range(length)]
        for length in [*range(1, 26), *(chance.randint(1, 60) for _ in range(40))]
    ]
    dut = BytePacker()
    found, packet = [], []

    async def bench(ctx):
        nonlocal packet

        async def tick(due):
            """A cycle; a word comes in the next one if and only if one is due."""
            nonlocal packet
            await ctx.tick()
            assert ctx.get(dut.valid) == due
            if due:
                end, data = ctx.get(dut.end), ctx.get(dut.data)
                packet += list(data.to_bytes(8, "little")[: end + 1])
                if ctx.get(dut.last):
                    found.append(packet)
                    packet = []
                else:
                    assert end == 7

        for octets in packets:
            for k, octet in enumerate(octets):
                while chance.random() >= supply:
                    set_ports(ctx, dut, i_valid=0, i_byte=chance.getrandbits(8), i_last=1)
                    await tick(False)
                last = k == len(octets) - 1
                set_ports(ctx, dut, i_valid=1, i_byte=octet, i_last=last)
                await tick(last or k % 8 == 7)
        ctx.set(dut.i_valid, 0)
        for _ in range(IDLE_AFTER):
            await tick(False)

    simulate(dut, bench)
    assert found == packets
    assert packet == []


def test_end_of_every_keep():
    keeps = range(256)
    assert evaluate(end_of_keep, [8], keeps) == [max(k.bit_length() - 1, 0) for k in keeps]


def test_keep_of_every_end():
    assert evaluate(keep_of_end, [3], range(8)) == [(2 << end) - 1 for end in range(8)]
