"""The emitted top between a bus master and two streams that pause at random.

What a driver on a board does: commands through registers, ends seen at the interrupt or in STATUS,
errors in ERROR. A `Board` knows nothing of models; `benches.twin` adds the golden one.
"""

import logging
import random
from functools import reduce
from operator import or_

import cocotb
from benches.bus import Bus
from benches.packets import WordBus, WordSource, words_of
from benches.pauses import Pauses
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiStreamBus, AxiStreamSink

from zynq_lstm.quant.protocol import STREAM_BYTES, Error
from zynq_lstm.quant.registers import register

PERIOD_NS = 8
IDLE_CYCLES = 300
LIMIT = 60_000
"""Cycles within which every command must end."""
ACCESS_LIMIT = 2_000
"""Cycles within which every access must end, however much both sides pause."""
POLL_CYCLES = 40
RESET_CYCLES = 8
"""Cycles after a reset by the pin until the other side of the streams is ready."""
RULES = ("words_changed", "answers_changed", "gaps", "unasked")
"""Of `watch.sv`."""


class Board:
    """A chip after reset.

    Everything random comes from ``chance``; its seed is in the log.
    """

    def __init__(self, dut, seed):
        self.dut, self.chance = dut, random.Random(seed)
        dut._log.info("seed %s", seed)
        cocotb.start_soon(Clock(dut.aclk, PERIOD_NS, "ns").start())
        dut.aresetn.value = 0
        clocking = (dut.aclk, dut.aresetn, False)
        self.bus = Bus(dut, clocking, ACCESS_LIMIT * PERIOD_NS)
        self.source = WordSource(WordBus.from_prefix(dut, "s_axis"), *clocking)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), *clocking)
        for stream in (self.source, self.sink):
            stream.log.setLevel(logging.ERROR)
        channels = {**self.bus.channels, "source": self.source, "sink": self.sink}
        self._pauses = Pauses(dut.aclk, channels, self.chance)
        self._written = {}
        self.withdrawn, self._before = 0, self._breaches()

    async def reset(self, cycles=8):
        """A reset by its pin, for the DMA engine and the bus, too; `begin` next."""
        self.pause(0, 0, 0)
        for stream in (self.source, self.sink):
            stream.assert_reset(True)
        self.dut.aresetn.value = 0
        await self.cycles(cycles)
        self.dut.aresetn.value = 1
        await self.cycles(RESET_CYCLES)
        for stream in (self.source, self.sink):
            stream.clear()
            stream.assert_reset(False)

    async def soft_reset(self):
        """A soft reset, after the DMA engine's, for it ends no packets; `begin` next."""
        self.stop_streams()
        await self.bus.write("CONTROL", bits("CONTROL", "SOFT_RESET"))
        self.was_reset_softly()

    def was_reset_softly(self):
        """A soft reset took back the word that was waiting, perhaps behind others of its packet."""
        self.withdrawn += 1
        self.stop_streams()

    def stop_streams(self):
        """What was to be sent and what has been received is forgotten."""
        for stream in (self.source, self.sink):
            stream.assert_reset()
            stream.clear()

    async def begin(self):
        """After a reset, what a driver does at first."""
        self._written = {}
        await self.bus.write("IRQ_ENABLE", bits("IRQ_PENDING", "DONE"))

    async def cycles(self, count):
        if count:
            await ClockCycles(self.dut.aclk, count)

    @staticmethod
    def now():
        """Cycles since the beginning."""
        return round(get_sim_time("ns")) // PERIOD_NS

    def pause(self, bus=None, source=None, sink=None):
        """Chances of a pause in a cycle; without them, some at random, another on each channel."""
        self._pauses.set(**dict.fromkeys(self.bus.channels, bus), source=source, sink=sink)

    async def start(self, mode, **command):
        """Write what has changed of a command's registers, or all of them, and start."""
        await self.prepare(mode, **command)
        await self.bus.write("CONTROL", bits("CONTROL", "START"))

    async def prepare(self, mode, *, inputs=0, outputs=0, temperature=0, seed=1):
        """Write a command's registers."""
        values = {
            "MODE": int(mode),
            "INPUTS": inputs,
            "OUTPUTS": outputs,
            "TEMPERATURE": temperature,
            "SEED_LOW": seed & 0xFFFF_FFFF,
            "SEED_HIGH": seed >> 32,
        }
        everything = self.chance.random() < 0.1
        names = [n for n, v in values.items() if everything or self._written.get(n) != v]
        self.chance.shuffle(names)
        for name in names:
            await self.bus.write(name, values[name])
        self._written = values

    async def abort(self):
        await self.bus.write("CONTROL", bits("CONTROL", "ABORT"))

    async def busy(self):
        return bool((await self.bus.read_fields("STATUS"))["busy"])

    async def loaded(self):
        return bool((await self.bus.read_fields("STATUS"))["loaded"])

    async def ended(self, limit=LIMIT):
        """Wait until the command has ended, by interrupt or by polling; return its errors."""
        end = self.now() + limit
        if self.chance.random() < 0.7:
            if not int(self.dut.interrupt.value):
                await with_timeout(RisingEdge(self.dut.interrupt), limit * PERIOD_NS, "ns")
        else:
            while await self.busy():
                assert self.now() < end, f"busy for more than {limit} cycles"
                await self.cycles(self.chance.randrange(1, POLL_CYCLES))
        status, error = await self.bus.read_fields("STATUS"), await self.bus.read("ERROR")
        assert not status["busy"] and status["done"]
        assert status["failed"] == bool(error)
        assert int(self.dut.interrupt.value), "an end is an interrupt"
        return Error(error)

    def send(self, data, *, ends=True):
        """Queue a packet's bytes, its end too unless it ``ends`` not."""
        self.send_words(words_of(data, ends=ends))

    def send_words(self, words):
        for word in words:
            self.source.send_nowait(word)

    async def receive(self, limit=LIMIT):
        """The next packet: its bytes, after a check that TKEEP marks them without a gap."""
        frame = await with_timeout(self.sink.recv(compact=False), limit * PERIOD_NS, "ns")
        keep = "".join(map(str, frame.tkeep))
        kept = keep.rstrip("0")
        assert len(keep) % STREAM_BYTES == 0
        assert kept == "1" * len(kept), keep
        assert len(keep) - len(kept) < STREAM_BYTES, "the last word is empty"
        return bytes(frame.tdata[: len(kept)])

    async def nothing_more(self, cycles=IDLE_CYCLES):
        """Some hundred cycles in which nothing happens, though nothing pauses."""
        self.pause(0, 0, 0)
        await self.cycles(cycles)
        assert self.source.empty(), "a packet is waiting"
        assert self.source.idle(), "a packet is not swallowed"
        assert self.sink.empty(), "a packet too many came out"
        assert self.sink.idle(), "a packet without an end came out"
        assert not int(self.dut.m_axis_tvalid.value)
        assert not await self.busy()
        await self.acknowledge()
        self.check_rules()

    async def acknowledge(self):
        """Clear DONE: no interrupt is left."""
        await self.bus.write("IRQ_PENDING", bits("IRQ_PENDING", "DONE"))
        assert not (await self.bus.read_fields("STATUS"))["done"]
        assert not int(self.dut.interrupt.value)

    def _breaches(self):
        """Breaches of each rule of AXI since the simulation began."""
        return {rule: int(getattr(self.dut.watch, rule).value) for rule in RULES}

    def check_rules(self):
        """No rule of AXI was broken, but by soft resets."""
        broken = {rule: n - self._before[rule] for rule, n in self._breaches().items()}
        assert broken["words_changed"] <= self.withdrawn, broken
        broken["words_changed"] = 0
        assert not any(broken.values()), broken


def bits(name, *fields):
    """A register's value with these fields of one bit set."""
    return reduce(or_, (register(name).field(field).place(1) for field in fields), 0)
