"""The emitted accelerator between AXI4-Streams that pause at random, beside the golden model."""

import logging
import os
import random

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, with_timeout
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import read_image
from zynq_lstm.quant.protocol import (
    STATE_C1_SHIFT,
    STATE_C2_SHIFT,
    STATE_H2_SHIFT,
    SYMBOLS_PER_WORD,
    Error,
    Mode,
)
from zynq_lstm.quant.state import State

IMAGE = "ZYNQ_LSTM_BENCH_IMAGE"
"""Environment variable: the image file that `Board` loads."""
PERIOD_NS = 7
IDLE_CYCLES = 300
LIMIT = 60_000
"""Cycles within which every command must end."""
PAUSES = (0, 0, 0.2, 0.6, 0.93)
H_SHIFTS, C_SHIFTS = (0, STATE_H2_SHIFT), (STATE_C1_SHIFT, STATE_C2_SHIFT)


def words_to_bytes(words):
    return np.asarray(words, "<u8").tobytes()


def state_bytes(state):
    """A state as the packet of its words."""
    words = np.zeros(state.h.shape[-1], np.uint64)
    for h, c, h_shift, c_shift in zip(state.h, state.c, H_SHIFTS, C_SHIFTS, strict=False):
        words |= h.view(np.uint8).astype(np.uint64) << np.uint64(h_shift)
        words |= c.view(np.uint16).astype(np.uint64) << np.uint64(c_shift)
    return words_to_bytes(words)


class Board:
    """A chip after reset.

    Everything random comes from ``chance``; its seed is in the log.
    """

    def __init__(self, dut, seed):
        self.dut, self.chance = dut, random.Random(seed)
        dut._log.info("seed %s", seed)
        self.rng = np.random.default_rng(seed)
        self.image = read_image(os.environ[IMAGE])
        self.golden = GoldenModel(self.image)
        cocotb.start_soon(Clock(dut.aclk, PERIOD_NS, "ns").start())
        for name in ("aresetn", "start", "cancel", "mode", "inputs", "outputs"):
            getattr(dut, name).value = 0
        clocking = (dut.aclk, dut.aresetn, False)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), *clocking)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), *clocking)
        for stream in (self.source, self.sink):
            stream.log.setLevel(logging.WARNING)

    @classmethod
    async def make(cls, dut, *, loaded=True, seed=None):
        board = cls(dut, cocotb.RANDOM_SEED if seed is None else seed)
        await board.cycles(8)
        dut.aresetn.value = 1
        await board.cycles(8)
        if loaded:
            await board.load()
            await board.reset_state()  # a reset leaves the state as it was
        return board

    async def cycles(self, count):
        await ClockCycles(self.dut.aclk, count)

    def pause(self, source=None, sink=None):
        """Chances of a pause in a cycle; without them, some of `PAUSES`."""
        for stream, share in ((self.source, source), (self.sink, sink)):
            stream.set_pause_generator()
            stream.pause = False
            share = self.chance.choice(PAUSES) if share is None else share
            if share:
                stream.set_pause_generator(self._pauses(share))

    def _pauses(self, share):
        while True:
            yield self.chance.random() < share

    @property
    def error(self):
        return Error(int(self.dut.error.value))

    @property
    def loaded(self):
        return bool(int(self.dut.loaded.value))

    async def start(self, mode, *, inputs=0, outputs=0, temperature=0, seed=1):
        dut = self.dut
        for name, value in {
            "mode": int(mode),
            "inputs": inputs,
            "outputs": outputs,
            "temperature": temperature,
            "seed": seed,
        }.items():
            getattr(dut, name).value = value
        await self._pulse(dut.start)
        await RisingEdge(dut.aclk)
        assert int(dut.busy.value), "busy follows start"

    async def cancel(self):
        await self._pulse(self.dut.cancel)

    async def _pulse(self, signal):
        signal.value = 1
        await RisingEdge(self.dut.aclk)
        signal.value = 0

    async def ended(self, limit=LIMIT):
        """Wait until the command has ended; return its error."""
        if int(self.dut.busy.value):
            await with_timeout(FallingEdge(self.dut.busy), limit * PERIOD_NS, "ns")
        return self.error

    def send(self, data):
        """Queue a packet."""
        self.source.send_nowait(AxiStreamFrame(bytes(data)))

    async def receive(self, limit=LIMIT):
        """The next packet: its bytes, after a check that TKEEP marks them without a gap."""
        frame = await with_timeout(self.sink.recv(compact=False), limit * PERIOD_NS, "ns")
        keep = "".join(map(str, frame.tkeep))
        kept = keep.rstrip("0")
        assert len(keep) % SYMBOLS_PER_WORD == 0
        assert kept == "1" * len(kept), keep
        assert len(keep) - len(kept) < SYMBOLS_PER_WORD, "the last word is empty"
        return bytes(frame.tdata[: len(kept)])

    async def nothing_more(self):
        """Some hundred cycles in which nothing happens."""
        self.pause(0, 0)
        await self.cycles(IDLE_CYCLES)
        assert self.source.empty(), "a packet is waiting"
        assert self.source.idle(), "a packet is not swallowed"
        assert self.sink.empty(), "a packet too many came out"
        assert self.sink.idle(), "a packet without an end came out"
        assert not int(self.dut.m_axis_tvalid.value)
        assert not int(self.dut.busy.value)

    async def load(self, payload=None):
        """Load an image; return the error."""
        self.pause()
        await self.start(Mode.LOAD)
        self.send(words_to_bytes(self.image.payload if payload is None else payload))
        error = await self.ended()
        await self.nothing_more()
        if payload is None:
            assert error == Error(0)
            assert self.loaded
        return error

    def symbols(self, count):
        """Random symbols of the model."""
        return self.rng.integers(0, self.image.symbols, count).astype(np.uint8)

    async def generate(self, inputs, outputs, temperature, seed, *, early=None):
        """Generate, on both; the packet is there before the start, or a while after it."""
        prompt = self.symbols(inputs)
        early = self.chance.random() < 0.5 if early is None else early
        if early:
            self.send(prompt)
            await self.cycles(self.chance.randrange(40))
        await self.start(
            Mode.GENERATE, inputs=inputs, outputs=outputs, temperature=temperature, seed=seed
        )
        if not early:
            await self.cycles(self.chance.randrange(200))
            self.send(prompt)
        expected = self.golden.generate(prompt, outputs, temperature, seed)
        found = await self.receive()
        what = f"{inputs} symbols fed, {outputs} sampled at temperature {temperature}, seed {seed}"
        assert found == expected.tobytes(), f"{what}: {list(found)}, not {expected.tolist()}"
        assert await self.ended() == Error(0), what

    def check_logits(self, text, packet):
        """Compare a packet of logits with the golden model's."""
        rows = self.image.config.output_rows(self.image.symbols)
        found = np.frombuffer(packet, "<i2").reshape(-1, rows * GATES)
        assert len(found) == len(text)
        for t, (symbol, logits) in enumerate(zip(text, found, strict=True)):
            expected = self.golden.step(int(symbol))
            assert logits[: self.image.symbols].tolist() == expected.tolist(), (
                f"logits after symbol {t} of {len(text)}; state then {self.golden.state}"
            )

    async def score(self, inputs):
        """Feed a text, compare all logits."""
        text = self.symbols(inputs)
        await self.start(Mode.LOGITS, inputs=inputs)
        self.send(text)
        self.check_logits(text, await self.receive())
        assert await self.ended() == Error(0)

    async def check_state(self):
        """Read the state, compare it with the golden model's."""
        await self.start(Mode.READ_STATE)
        found = np.frombuffer(await self.receive(), "<u8")
        expected = np.frombuffer(state_bytes(self.golden.state), "<u8")
        wrong = np.flatnonzero(found != expected) if len(found) == len(expected) else [-1]
        assert len(wrong) == 0, f"{len(found)} units; unit {wrong[0]}: {found}, not {expected}"
        assert await self.ended() == Error(0)

    def random_state(self):
        shape = self.golden.state.h.shape
        return State(
            self.rng.integers(-127, 128, shape).astype(np.int8),
            self.rng.integers(-(1 << 15), 1 << 15, shape).astype(np.int16),
        )

    async def write_state(self):
        """Write a random state to both."""
        state = self.random_state()
        await self.start(Mode.WRITE_STATE)
        self.send(state_bytes(state))
        assert await self.ended() == Error(0)
        self.golden.state = state

    async def reset_state(self):
        """Reset the state of both."""
        await self.start(Mode.RESET_STATE)
        assert await self.ended() == Error(0)
        self.golden.reset()

    async def still_right(self):
        """After whatever happened: nothing more comes, and state and runs are right again."""
        await self.nothing_more()
        await self.reset_state()
        await self.generate(2, 3, 4096, self.chance.getrandbits(64) | 1)
        await self.check_state()
        await self.nothing_more()
