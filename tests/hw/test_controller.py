"""Runs of the controller with the real sequencer; streams, sampler, loader and state are plain."""

import random
from itertools import pairwise

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from component_simulation import set_ports, simulate

from zynq_lstm.hw.controller import COUNT_BITS, COUNTERS, RUNS, Controller
from zynq_lstm.hw.event_counter import EventCounter
from zynq_lstm.hw.sampler import Sampler
from zynq_lstm.hw.schedule import Schedule
from zynq_lstm.hw.sequencer import Sequencer
from zynq_lstm.hw.surprisal import Surprisal
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.protocol import Error, Mode

TO_SEQUENCER = ("go", "prologue", "last", "stop")
FROM_SEQUENCER = {
    "character_start": "start",
    "waiting": "waiting",
    "ended": "ended",
    "step_valid": "valid",
}
SIZES = [(16, 2, 64, 7), (16, 1, 64, 13), (48, 2, 64, 9)]  # hidden, layers, multipliers, symbols
LIMIT = 60000


class Controlled(wiring.Component):
    """A controller, its sequencer and counters of its events."""

    def __init__(self, config):
        self.schedule = Schedule(config)
        self.controller = Controller(config, self.schedule)
        self.sequencer = Sequencer(self.schedule)
        self.counters = {name: EventCounter(COUNT_BITS) for name in COUNTERS}
        super().__init__({"last_row": In(6), "row_of_o_ends": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.controller = c = self.controller
        m.submodules.sequencer = s = self.sequencer
        for name, counter in self.counters.items():
            m.submodules[name] = counter
            m.d.comb += counter.event.eq(getattr(c, f"event_{name}"))
        m.d.comb += [getattr(s, n).eq(getattr(c, n)) for n in TO_SEQUENCER]
        m.d.comb += [getattr(c, n).eq(getattr(s, of)) for n, of in FROM_SEQUENCER.items()]
        m.d.comb += [s.last_row.eq(self.last_row), self.row_of_o_ends.eq(s.o_last)]
        return m


class Bench:
    """What the controller sees and does, cycle by cycle."""

    def __init__(self, size=SIZES[0], *, seed=0, supply=1.0, room=1.0):
        hidden, layers, multipliers, self.symbols = size
        self.dut = Controlled(
            Config(hidden=hidden, layers=layers, symbols=16, multipliers=multipliers)
        )
        self.c = self.dut.controller
        self.schedule = self.dut.schedule
        self.chance = random.Random(seed)
        self.supply, self.room = supply, room
        self.words, self.offered, self.pause = [], False, False
        self.cycle, self.due = 0, {}
        self.pulses = {}
        self.forget()

    def forget(self):
        self.launches, self.targets, self.surprisals = [], [], []
        self.octets, self.lasts = [], 0
        self.pulses = dict.fromkeys(("restart", "load_seed", "state_start", "load"), 0)

    def run(self, scenario):
        async def bench(ctx):
            self.ctx = ctx
            ctx.set(self.dut.last_row, (self.symbols - 1) // 4)
            set_ports(ctx, self.c, symbols=self.symbols, loaded=1, room=1)
            await self.tick(5)
            await scenario()

        simulate(self.dut, bench)

    def queue(self, symbols):
        """A packet of symbols, eight a word."""
        for at in range(0, len(symbols), 8):
            part = symbols[at : at + 8]
            filled = part + [self.chance.getrandbits(8) for _ in range(8 - len(part))]
            word = int.from_bytes(bytes(filled), "little")
            self.words.append((word, len(part) - 1, at + 8 >= len(symbols)))

    def get(self, name):
        return self.ctx.get(getattr(self.c, name))

    async def tick(self, cycles=1):
        for _ in range(cycles):
            self._inputs()
            self._look()
            await self.ctx.tick()
            self.cycle += 1

    def _inputs(self):
        self.offered = self.offered or self.chance.random() < self.supply
        self.offered = self.offered and bool(self.words) and not self.pause
        values = {"i_valid": self.offered, "room": self.chance.random() < self.room}
        if self.offered:
            values |= dict(zip(("i_data", "i_end", "i_last"), self.words[0], strict=True))
        events = self.due.pop(self.cycle, set())
        values["done"] = "done" in events
        values["scored"] = "scored" in events
        if "scored" in events:
            values["surprisal"] = self.chance.getrandbits(16)
            self.surprisals.append(values["surprisal"])
        if "target" in events:
            self.targets.append(self.get("target"))
        if "done" in events:
            values["sampled"] = self.chance.randrange(self.symbols)
        values["o_sent_last"] = "sent" in events
        set_ports(self.ctx, self.c, **values)

    def _look(self):
        get = self.get
        self.pause = bool(self.offered and (get("i_ready") or get("i_taken")))
        if self.pause:
            self.words.pop(0)
            self.offered = False
        if self.ctx.get(self.dut.row_of_o_ends):
            value = self.cycle + self.schedule.value_latency
            self.due.setdefault(value + Sampler.latency, set()).add("done")
            self.due.setdefault(value + Surprisal.TARGET_AFTER, set()).add("target")
            scored = value + Surprisal.latency(-(-self.symbols // 4))
            self.due.setdefault(scored, set()).add("scored")
            if get("logits") and get("last"):
                self.lasts += 1
                self.due.setdefault(value + 2, set()).add("sent")
        if get("launch"):
            self.launches.append((self.cycle, get("symbol")))
        if get("o_valid"):
            self.octets.append(get("o_byte"))
            if get("o_last"):
                self.lasts += 1
                self.due.setdefault(self.cycle + 3, set()).add("sent")
        for name in self.pulses:
            self.pulses[name] += get(name)

    def counters(self):
        return {n: self.ctx.get(c.total) for n, c in self.dut.counters.items()}

    async def start(self, mode, *, inputs=0, outputs=0):
        self.forget()
        set_ports(self.ctx, self.c, mode=mode, inputs=inputs, outputs=outputs, start=1)
        await self.tick()
        self.ctx.set(self.c.start, 0)

    async def finish(self):
        for _ in range(LIMIT):
            await self.tick()
            if not self.get("busy"):
                break
        else:
            raise AssertionError("still busy")
        launches, octets = len(self.launches), len(self.octets)
        await self.tick(200)
        assert not self.get("busy")
        assert (len(self.launches), len(self.octets)) == (launches, octets), "more came afterwards"
        return Error(self.get("error"))

    async def whole(self, mode, symbols, outputs=0):
        """A run that must succeed; returns what its counters counted."""
        before = self.counters()
        self.queue(symbols)
        inputs = len(symbols) - (mode == Mode.SCORE)  # the last one is not fed
        await self.start(mode, inputs=inputs, outputs=outputs)
        assert await self.finish() == Error(0)
        assert not self.words
        assert self.lasts == 1, "one packet out"
        assert self.pulses["restart"] == self.pulses["load_seed"] == 1
        fed = [symbol for _, symbol in self.launches]
        assert fed[:inputs] == symbols[:inputs]
        if mode == Mode.GENERATE:
            assert len(self.octets) == outputs
            # The last symbol is sampled but not fed.
            assert fed[len(symbols) :] == self.octets[:-1]
        else:
            assert fed == symbols[:inputs]
            sent = []
            if mode == Mode.SCORE:
                assert self.targets[-inputs:] == symbols[1:]
                sent = [octet for s in self.surprisals[-inputs:] for octet in (s & 0xFF, s >> 8)]
            assert self.octets == sent
        counted = {n: v - before[n] for n, v in self.counters().items()}
        assert counted["characters"] == inputs + max(outputs - 1, 0)
        assert counted["saturations"] == 0
        return counted

    def random_symbols(self, count):
        return [self.chance.randrange(self.symbols) for _ in range(count)]


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
