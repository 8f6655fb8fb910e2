"""Runs of the controller with the real sequencer; streams, sampler, loader and state are plain."""

import random
from itertools import pairwise

import pytest
from component_simulation import set_ports
from controlled_runs import SIZES, Bench

from zynq_lstm.quant.protocol import RUNS, Error, Mode
from zynq_lstm.quant.registers import COUNTERS


@pytest.mark.parametrize("size", SIZES)
def test_runs_follow_one_another(size):
    bench = Bench(size)

    async def scenario():
        for inputs, outputs in [(1, 1), (1, 3), (8, 1), (9, 2)]:
            await bench.whole(Mode.GENERATE, bench.random_symbols(inputs), outputs)
        for inputs in (1, 2, 8, 11):
            await bench.whole(Mode.LOGITS, bench.random_symbols(inputs))
            await bench.whole(Mode.SCORE, bench.random_symbols(inputs + 1))
        await bench.whole(Mode.GENERATE, bench.random_symbols(2), 2)

    bench.run(scenario)


@pytest.mark.parametrize("size", SIZES)
def test_a_character_takes_what_the_schedule_says(size):
    bench = Bench(size)

    async def scenario():
        schedule, symbols = bench.schedule, bench.symbols
        for mode, lengths in {
            Mode.GENERATE: ((2, 3), (2, 8)),
            Mode.LOGITS: ((4, 0), (9, 0)),
            Mode.SCORE: ((5, 0), (10, 0)),
        }.items():
            runs = []
            for inputs, outputs in lengths:
                runs.append(await bench.whole(mode, bench.random_symbols(inputs), outputs))
                apart = {b - a for (a, _), (b, _) in pairwise(bench.launches[1:])}
                assert apart == {schedule.cycles(symbols)}
            short, long = runs
            assert short["stalls"] == long["stalls"] == 0
            assert short["startup"] == long["startup"] > 0
            assert long["cycles"] - short["cycles"] == 5 * schedule.cycles(symbols)
            assert long["steps"] - short["steps"] == 5 * schedule.steps(symbols)

    bench.run(scenario)


@pytest.mark.parametrize("supply, room", [(0.005, 1), (1, 0.02), (0.02, 0.1)])
def test_pauses_change_nothing_but_time(supply, room):
    bench = Bench(supply=supply, room=room)

    async def scenario():
        stalls = 0
        for mode, inputs, outputs in [
            (Mode.GENERATE, 11, 4),
            (Mode.LOGITS, 20, 0),
            (Mode.SCORE, 20, 0),
            (Mode.SCORE, 2, 0),
            (Mode.GENERATE, 1, 6),
        ]:
            counted = await bench.whole(mode, bench.random_symbols(inputs), outputs)
            stalls += counted["stalls"]
        assert stalls > 0

    bench.run(scenario)


def test_a_run_without_a_model():
    bench = Bench()

    async def scenario():
        bench.ctx.set(bench.c.loaded, 0)
        for mode in RUNS:
            bench.queue([1, 2, 3])
            await bench.start(mode, inputs=3, outputs=1)
            assert await bench.finish() & Error.NOT_LOADED
            assert bench.launches == bench.words == []
            assert bench.lasts == 1
        bench.ctx.set(bench.c.loaded, 1)
        await bench.whole(Mode.GENERATE, [1, 2, 3], 2)

    bench.run(scenario)


@pytest.mark.parametrize(
    "mode, inputs, outputs",
    [(Mode.GENERATE, 0, 3), (Mode.GENERATE, 3, 0), (Mode.LOGITS, 0, 0), (Mode.SCORE, 0, 0)],
)
def test_a_run_of_no_length(mode, inputs, outputs):
    bench = Bench()

    async def scenario():
        bench.queue([1, 2, 3])
        await bench.start(mode, inputs=inputs, outputs=outputs)
        assert await bench.finish() & Error.LENGTH
        assert bench.launches == bench.words == []
        assert bench.lasts == 1
        await bench.whole(Mode.GENERATE, [1, 2, 3], 2)

    bench.run(scenario)


EACH_RUN = pytest.mark.parametrize(
    "mode, outputs", [(Mode.GENERATE, 3), (Mode.LOGITS, 0), (Mode.SCORE, 0)]
)


def inputs_of(mode, symbols):
    """Symbols to feed of a packet of so many."""
    return symbols - (mode == Mode.SCORE)


@EACH_RUN
@pytest.mark.parametrize("sent, announced", [(1, 2), (8, 9), (5, 11), (16, 17)])
def test_a_packet_that_is_too_short(mode, outputs, sent, announced):
    bench = Bench()

    async def scenario():
        bench.queue(bench.random_symbols(sent))
        await bench.start(mode, inputs=inputs_of(mode, announced), outputs=outputs)
        assert await bench.finish() == Error.PACKET
        assert len(bench.launches) == sent
        assert bench.lasts == 1
        await bench.whole(Mode.GENERATE, [1, 2, 3], 2)

    bench.run(scenario)


@EACH_RUN
@pytest.mark.parametrize("sent, announced", [(3, 2), (9, 8), (11, 5), (40, 3), (17, 16)])
@pytest.mark.parametrize("next_is_there", [False, True])
def test_a_packet_that_is_too_long(mode, outputs, sent, announced, next_is_there):
    bench = Bench()

    async def scenario():
        bench.queue(bench.random_symbols(sent))
        words = len(bench.words)
        following = [3, 1, 4]
        if next_is_there:
            bench.queue(following)
        inputs = inputs_of(mode, announced)
        await bench.start(mode, inputs=inputs, outputs=outputs)
        assert await bench.finish() == Error.PACKET
        assert len(bench.launches) == inputs + max(outputs - 1, 0)
        assert bench.lasts == 1
        # The packet is swallowed, and nothing of the next.
        assert len(bench.words) == next_is_there, f"of {words} words and the next packet"
        if not next_is_there:
            bench.queue(following)
        await bench.start(Mode.LOGITS, inputs=3)
        assert await bench.finish() == Error(0)
        assert [symbol for _, symbol in bench.launches] == following

    bench.run(scenario)


@pytest.mark.parametrize("mode", [Mode.LOGITS, Mode.SCORE])
def test_a_symbol_that_the_model_does_not_have(mode):
    bench = Bench()

    async def scenario():
        for bad in (bench.symbols, 255):
            for at in (0, 9):  # when scoring, the last one is not fed, but it must be one
                symbols = bench.random_symbols(10)
                symbols[at] = bad
                bench.queue(symbols)
                await bench.start(mode, inputs=inputs_of(mode, 10))
                assert await bench.finish() == Error.SYMBOL
                assert bench.lasts == 1
                await bench.whole(Mode.LOGITS, [bench.symbols - 1] * 3)

    bench.run(scenario)


@pytest.mark.parametrize("size", SIZES[:2])
def test_a_run_is_abandoned_at_any_time(size):
    bench = Bench(size, seed=5)
    chance = random.Random(3)

    async def scenario():
        for k in range(15):
            mode = RUNS[k % 3]
            symbols = bench.random_symbols(9)
            bench.queue(symbols)
            await bench.start(mode, inputs=inputs_of(mode, 9), outputs=50)
            await bench.tick(chance.randrange(8 * bench.schedule.cycles(bench.symbols)))
            assert bench.get("busy")
            bench.ctx.set(bench.c.cancel, 1)
            await bench.tick()
            bench.ctx.set(bench.c.cancel, 0)
            error = await bench.finish()
            assert error & Error.ABORTED
            assert error in (Error.ABORTED, Error.ABORTED | Error.PACKET)
            assert bench.lasts == 1, f"run {k}"
            assert bench.words == [], "the rest of the packet is swallowed"
            assert [s for _, s in bench.launches][:9] == symbols[: len(bench.launches)]
            await bench.whole(Mode.GENERATE, [1, 2, 3], 2)

    bench.run(scenario)


@pytest.mark.parametrize("error", [Error(0), Error.IMAGE, Error.CRC])
def test_loading(error):
    bench = Bench()

    async def scenario():
        await bench.start(Mode.LOAD)
        await bench.tick(50)
        assert bench.get("load")
        assert bench.get("busy")
        wrong, corrupt = error == Error.IMAGE, error == Error.CRC
        set_ports(bench.ctx, bench.c, load_done=1, load_wrong=wrong, load_corrupt=corrupt)
        await bench.tick()
        assert not bench.get("load")
        set_ports(bench.ctx, bench.c, load_done=0, load_wrong=0, load_corrupt=0)
        assert await bench.finish() == error
        assert bench.lasts == 0
        await bench.whole(Mode.GENERATE, [1, 2, 3], 2)

    bench.run(scenario)


@pytest.mark.parametrize("mode", [Mode.READ_STATE, Mode.WRITE_STATE, Mode.RESET_STATE])
def test_state(mode):
    bench = Bench()

    async def scenario():
        await bench.start(mode)
        for _ in range(100):
            await bench.tick()
            if bench.pulses["state_start"]:
                break
        assert bench.get("state_write") == (mode == Mode.WRITE_STATE)
        assert bench.get("state_zero") == (mode == Mode.RESET_STATE)
        await bench.tick(60)
        assert bench.get("state_active")
        assert bench.get("busy")
        if mode == Mode.WRITE_STATE:
            bench.queue([0] * 8)
            bench.ctx.set(bench.c.i_taken, 1)
            while bench.words:
                await bench.tick()
            bench.ctx.set(bench.c.i_taken, 0)
        set_ports(bench.ctx, bench.c, o_sent_last=mode == Mode.READ_STATE)
        bench.due[bench.cycle] = {"sent"} if mode == Mode.READ_STATE else set()
        bench.ctx.set(bench.c.state_done, 1)
        await bench.tick()
        bench.ctx.set(bench.c.state_done, 0)
        assert await bench.finish() == Error(0)
        assert not bench.get("state_active")
        assert bench.pulses["state_start"] == bench.pulses["restart"] == 1
        assert bench.octets == []
        await bench.whole(Mode.GENERATE, [1, 2, 3], 2)

    bench.run(scenario)


def test_clipped_cells_are_counted():
    bench = Bench()

    async def scenario():
        bench.ctx.set(bench.c.saturated, 1)
        await bench.tick(7)
        bench.ctx.set(bench.c.saturated, 0)
        await bench.tick(5)
        assert bench.counters() == dict.fromkeys(COUNTERS, 0) | {"saturations": 7}

    bench.run(scenario)


@pytest.mark.parametrize("symbols", [2, 4])
@pytest.mark.parametrize("room", [1, 0.5])
def test_output_of_a_single_row(symbols, room):
    """With one layer O comes first, so a last character may end in the cycle it starts."""
    bench = Bench((16, 1, 64, symbols), room=room)

    async def scenario():
        for _ in range(1 if room == 1 else 6):
            await bench.whole(Mode.GENERATE, [1, 0, 1], 3)
            await bench.whole(Mode.LOGITS, [1, 0, 1])
            await bench.whole(Mode.SCORE, [1, 0, 1])

    bench.run(scenario)
