"""The controller with the real sequencer, and what it sees and does, cycle by cycle."""

import random

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from component_simulation import set_ports, simulate

from zynq_lstm.hw.controller import COUNT_BITS, Controller
from zynq_lstm.hw.event_counter import EventCounter
from zynq_lstm.hw.sampler import Sampler
from zynq_lstm.hw.schedule import Schedule
from zynq_lstm.hw.sequencer import Sequencer
from zynq_lstm.hw.surprisal import Surprisal
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.protocol import Error, Mode
from zynq_lstm.quant.registers import COUNTERS

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
