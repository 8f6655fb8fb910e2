"""Commands to an accelerator's link without the driver: nothing recovers, each step is the test's.

`Bare` has a link, a model and what a short text must give, so that after any fault a test can ask
whether the next result is right.
"""

import numpy as np

from zynq_lstm.host import packets
from zynq_lstm.host.command import Command
from zynq_lstm.host.link import Link
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.layout import Words
from zynq_lstm.quant.protocol import RUNS, STREAM_BYTES, SURPRISAL_BYTES, Error, Mode
from zynq_lstm.quant.registers import register

TAKES = (*RUNS, Mode.LOAD, Mode.WRITE_STATE)
"""Modes that take a packet."""
LIMIT = 50_000
"""Cycles in which every command of these must end, but one at full size."""
TEMPERATURE, SEED = 4096, 0x1234_5678_9ABC_DEF1


class Bare:
    """A link, used by hand.

    Parameters
    ----------
    link : Link
    image : Image
        The good model.
    limit : int
        Cycles in which every command must end.
    """

    def __init__(self, link: Link, image: Image, *, limit: int = LIMIT) -> None:
        self.link, self.image, self.limit = link, image, limit
        golden, text = GoldenModel(image), self.text(3)
        self._expected = golden.generate(text, 3, TEMPERATURE, SEED).tolist()
        self._state = golden.state
        self.link.reset()
        self.control("SOFT_RESET")
        self.link.reset()
        self.write("IRQ_ENABLE", 1)

    def text(self, count: int) -> np.ndarray:
        """Symbols, the same each time."""
        return (np.arange(count) * 3 % self.image.symbols).astype(np.uint8)

    def command(self, mode: Mode, count: int = 2) -> Command:
        """A sound command of a mode, with so many symbols in."""
        hidden, rows = self.image.config.hidden, self.image.config.output_rows(self.image.symbols)
        answers = {
            Mode.GENERATE: count,
            Mode.LOGITS: STREAM_BYTES * rows * count,
            Mode.SCORE: SURPRISAL_BYTES * count,
            Mode.READ_STATE: STREAM_BYTES * hidden,
        }
        sent = {
            Mode.SCORE: self.text(count + 1),
            Mode.LOAD: packets.pack_words(self.image.payload),
            Mode.WRITE_STATE: packets.pack_state(self._state),
        }
        return Command(
            mode,
            0,
            self.limit,
            packet=sent.get(mode, self.text(count)) if mode in TAKES else None,
            answer=answers.get(mode, 0),
            inputs=count if mode in RUNS else 0,
            outputs=count,
            temperature=TEMPERATURE,
            seed=SEED,
        )

    def read(self, name: str) -> int:
        """Return a register."""
        return self.link.read(register(name).offset)

    def write(self, name: str, value: int) -> None:
        """Write a register."""
        self.link.write(register(name).offset, value)

    def control(self, field: str) -> None:
        """Write a 1 to a bit of CONTROL."""
        self.write("CONTROL", register("CONTROL").field(field).mask)

    def status(self, field: str) -> bool:
        """Return a bit of STATUS."""
        return bool(register("STATUS").field(field).of(self.read("STATUS")))

    def begin(self, command: Command, *, sends: bool = True) -> None:
        """Start a command, and its transfers."""
        if command.answer:
            self.link.accept(command.answer)
        for name, value in command.registers.items():
            self.write(name, value)
        self.control("START")
        if command.packet is not None and sends:
            self.link.send(command.packet)

    def end(self) -> Error:
        """Wait for a command's end; return its errors."""
        begun = self.link.elapsed()
        while self.status("BUSY"):
            assert self.link.elapsed() - begun < self.limit, "it does not end"
            self.link.wait(self.limit // 4)
        return Error(self.read("ERROR"))

    def do(self, command: Command) -> Error:
        """Carry a command out, and drop what it gives; return its errors."""
        self.begin(command)
        error = self.end()
        if command.answer:
            self.answer()
        self.link.reset()
        return error

    def load(self, payload: Words | None = None) -> Error:
        """Load the good payload or another; return the errors."""
        words = self.image.payload if payload is None else payload
        command = Command(Mode.LOAD, 0, self.limit, packet=packets.pack_words(words))
        error = self.do(command)
        assert self.status("LOADED") or error
        return error

    def check_without_an_image(self) -> None:
        """Runs are refused, states can be read and written, and a load makes all right."""
        for mode in RUNS:
            assert self.do(self.command(mode)) == Error.NOT_LOADED
        for mode in (Mode.RESET_STATE, Mode.WRITE_STATE, Mode.READ_STATE):
            assert not self.do(self.command(mode))
        assert not self.load()
        self.still_right()

    def answer(self) -> np.ndarray:
        """The packet that comes out of a command that has ended."""
        for _ in range(4):
            if (answer := self.link.accepted()) is not None:
                return answer
            self.link.wait(256)
        raise AssertionError("no answer comes")

    def still_right(self) -> None:
        """What is drawn from the zero state, and the state behind it, are the golden model's."""
        assert not self.do(self.command(Mode.RESET_STATE))
        self.begin(self.command(Mode.GENERATE, 3))
        assert not self.end()
        assert self.answer().tolist() == self._expected
        self.begin(self.command(Mode.READ_STATE))
        assert not self.end()
        assert packets.unpack_state(self.answer(), self.image.config.layers) == self._state
