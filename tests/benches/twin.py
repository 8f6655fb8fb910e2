"""A board and the golden model side by side: each command on both, and what comes out compared."""

import os

import cocotb
import numpy as np
from benches.board import Board
from benches.packets import state_bytes, words_to_bytes
from cocotb_runner import IMAGE, ROUNDS

from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import read_image
from zynq_lstm.quant.layout import payload_crc
from zynq_lstm.quant.protocol import Error, Mode
from zynq_lstm.quant.state import State

DEFAULT_ROUNDS = "20"


def rounds(share=1.0):
    """How often to try something random."""
    return max(1, round(share * int(os.environ.get(ROUNDS, DEFAULT_ROUNDS))))


class Twin(Board):
    """A board with a model."""

    def __init__(self, dut, seed):
        super().__init__(dut, seed)
        self.rng = np.random.default_rng(seed)
        self.image = read_image(os.environ[IMAGE])
        self.golden = GoldenModel(self.image)

    @classmethod
    async def make(cls, dut, *, loaded=True, seed=None):
        twin = cls(dut, cocotb.RANDOM_SEED if seed is None else seed)
        await twin.reset()
        await twin.begin()
        if loaded:
            await twin.load()
            await twin.reset_state()  # a reset leaves the state as it was
        return twin

    async def load(self, payload=None):
        """Load an image, the good one unless another payload is given; return the error."""
        self.pause()
        self.send(words_to_bytes(self.image.payload if payload is None else payload))
        await self.start(Mode.LOAD)
        error = await self.ended()
        await self.nothing_more()
        if payload is None:
            assert error == Error(0)
            assert await self.loaded()
            assert await self.bus.read("SYMBOLS") == self.image.symbols
            assert await self.bus.read("IMAGE_CRC") == payload_crc(self.image.payload)
        return error

    def symbols(self, count):
        """Random symbols of the model."""
        return self.rng.integers(0, self.image.symbols, count).astype(np.uint8)

    def seed(self):
        """A random state of the generator."""
        return self.chance.getrandbits(64) | 1

    async def start_and_send(self, data, mode, **command):
        """The packet is there before the start, or a while after it."""
        early = self.chance.random() < 0.5
        if early:
            self.send(data)
            await self.cycles(self.chance.randrange(40))
        await self.start(mode, **command)
        if not early:
            await self.cycles(self.chance.randrange(200))
            self.send(data)

    async def generate(self, inputs, outputs, temperature, seed):
        prompt = self.symbols(inputs)
        await self.start_and_send(
            prompt,
            Mode.GENERATE,
            inputs=inputs,
            outputs=outputs,
            temperature=temperature,
            seed=seed,
        )
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

    async def logits(self, inputs):
        """Feed a text, compare all logits."""
        text = self.symbols(inputs)
        await self.start_and_send(text, Mode.LOGITS, inputs=inputs)
        self.check_logits(text, await self.receive())
        assert await self.ended() == Error(0)

    async def score(self, inputs):
        """Feed a text, compare the surprisals."""
        text = self.symbols(inputs + 1)
        await self.start_and_send(text, Mode.SCORE, inputs=inputs)
        expected = self.golden.score(text)
        found = np.frombuffer(await self.receive(), "<u2")
        assert found.tolist() == expected.tolist(), f"{inputs} symbols fed: {text.tolist()}"
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
        await self.start_and_send(state_bytes(state), Mode.WRITE_STATE)
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
        if not await self.loaded():
            await self.load()
        await self.reset_state()
        await self.generate(2, 3, 4096, self.seed())
        await self.score(1)
        await self.check_state()
        await self.nothing_more()
