"""The accelerator behind a link: symbols, integers and states as commands to it.

Long texts are cut into runs whose packets a link can hold; a run goes on from the state that the
one before it has left. When text is drawn, the next run is fed the symbol drawn last and its
generator is put where the last one's stopped, so that the text is that of one long run.

After whatever goes wrong, a command that failed or Ctrl-C, the accelerator is reset and the model
loaded again, so that it can be used on; the state is zero then.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.host import packets
from zynq_lstm.host.command import Command, CommandError, CommandPort
from zynq_lstm.host.examination import scratch_difference, unnoticed_words
from zynq_lstm.host.link import Bytes, Link, LinkError
from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.errors import AcceleratorError, UserError
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.protocol import STREAM_BYTES, SURPRISAL_BYTES, Mode
from zynq_lstm.quant.registers import register
from zynq_lstm.quant.sampling import advanced
from zynq_lstm.quant.state import State

MOST_CHARACTERS = 1 << 14
"""Of one run: some 50 ms, so that Ctrl-C is heard and a limit of time is not long."""

LATENCY_CYCLES = 512
"""What a character may take beyond its steps, in a small configuration; what starts a run."""

CYCLES_PER_WORD = 4
"""Of an image's payload, at most; two while they flow."""

CYCLES_PER_UNIT = 20
"""Of a state that is read, written or reset."""


class AcceleratorTransport:
    """A `zynq_lstm.host.transport.Transport` over a link.

    Parameters
    ----------
    link : Link
        Closed with the transport, also when this raises.

    Attributes
    ----------
    link : Link
        That link.

    Raises
    ------
    UserError
        When another circuit is behind the link, or one of another release.
    AcceleratorError
        When it does not answer.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self._image: Image | None = None
        self._lost = False
        try:
            self._port = CommandPort(link)
        except (CommandError, LinkError) as error:
            link.close()
            raise AcceleratorError(f"Accelerator cannot be opened: {error}") from error
        except BaseException:
            link.close()
            raise

    @property
    def config(self) -> Config:
        """Sizes of the accelerator, from its registers."""
        return self._port.config

    def load(self, image: Image) -> None:
        """Load a model and reset the state; the model before it stays where this is refused."""
        self._check(image)
        with self._recovering():
            self._load(image)
        self._image = image

    def generate(
        self,
        prompt: NDArray[np.uint8],
        length: int,
        temperature: int,
        seed: int,
        *,
        promptly: bool = False,
    ) -> Generator[NDArray[np.uint8], None, None]:
        """Feed a prompt, then draw symbols and feed each to draw the next."""
        rows = self._loaded.config.output_rows(self._loaded.symbols)
        most = self._most(1)
        while len(prompt) > most:  # What is drawn after a part of the prompt is of no use.
            self._generate(prompt[:most], 1, 0, seed)
            prompt = prompt[most:]
        piece = min(self.link.prompt_piece, most) if promptly else most
        while length:
            count = min(piece, length)
            begun = self.link.elapsed()
            symbols = self._generate(prompt, count, temperature, seed)
            if self.link.elapsed() - begun < self.link.prompt_cycles:
                piece = min(2 * piece, most)
            yield symbols
            length -= count
            prompt, seed = symbols[-1:], advanced(seed, count * rows)

    def score(self, symbols: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """Feed all symbols but the last; the surprisal of each but the first, shape (n - 1,)."""
        most = min(self._most(SURPRISAL_BYTES), self._most(1) - 1)
        pieces = [
            packets.unpack_surprisals(self._feed(Mode.SCORE, symbols[k : k + most + 1], 1))
            for k in range(0, len(symbols) - 1, most)
        ]
        return np.concatenate(pieces)

    def logits(self, symbols: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Feed symbols, shape (n,), and return the logits after each, shape (n, V), Q5.10."""
        image = self._loaded
        most = self._most(image.config.output_rows(image.symbols) * GATES * packets.LOGIT_BYTES)
        pieces = [
            packets.unpack_logits(self._feed(Mode.LOGITS, symbols[k : k + most], 0), image.symbols)
            for k in range(0, len(symbols), most)
        ]
        return np.concatenate(pieces)

    def read_state(self) -> State:
        """Return a copy of the state."""
        layers, hidden = self._loaded.config.layers, self._loaded.config.hidden
        answer = self._run(self._state_command(Mode.READ_STATE, answer=hidden * STREAM_BYTES))
        return packets.unpack_state(answer, layers)

    def write_state(self, state: State) -> None:
        """Replace the state."""
        self._run(self._state_command(Mode.WRITE_STATE, packet=packets.pack_state(state)))

    def reset_state(self) -> None:
        """Set the state to zero."""
        self._run(self._state_command(Mode.RESET_STATE))

    def counters(self) -> dict[str, int]:
        """Return what the accelerator has counted since the transport was made."""
        with self._recovering():
            return self._port.counters()

    def check_memories(self, enabled: bool) -> bool:
        """Say whether a run fails that reads a wrong word of weights; return what was so before."""
        fails = register("MEMORY_CHECK").field("FAIL")
        before, self._port.memory_check = self._port.memory_check, fails.mask if enabled else 0
        return bool(fails.of(before))

    def faulty_memories(self) -> tuple[int, ...]:
        """Return the weight memories, by bank, that have read a wrong word since the load."""
        with self._recovering():
            return self._port.faulty_memories()

    def examine(self, image: Image) -> dict[str, str | None]:
        """Examine registers, and the check of the weight memories (`host.examination`).

        Returns
        -------
        dict of str to str or None
            What was examined, and the first difference.
        """
        self.load(image)
        run = self._feeding(Mode.LOGITS, np.zeros(1, np.uint8), 0)
        with self._recovering():
            found = {
                "registers": scratch_difference(self._port),
                "check of the weight memories": unnoticed_words(
                    self._port, lambda: self._load(image), run
                ),
            }
        self.load(image)
        return found

    def close(self) -> None:
        """Free the link.

        Raises
        ------
        AcceleratorError
            When a transfer that is under way cannot be stopped.
        """
        try:
            self.link.close()
        except LinkError as error:
            raise AcceleratorError(f"Accelerator cannot be left at rest: {error}") from error

    @property
    def _loaded(self) -> Image:
        if self._image is None:
            raise RuntimeError("AcceleratorTransport must be loaded before it is used")
        return self._image

    def _most(self, bytes_each: int) -> int:
        """Characters of a run when each is so many bytes of a packet."""
        return max(1, min(MOST_CHARACTERS, self.link.largest_packet // bytes_each))

    def _check(self, image: Image) -> None:
        here, there = self.config, image.config
        if there.layout_hash != here.layout_hash:
            raise UserError(
                f"Image must be made for this accelerator, {here.describe()}, layout hash "
                f"{here.layout_hash:08x}; it is made for {there.describe()}, layout hash "
                f"{there.layout_hash:08x}: quantize the model for this accelerator, or load the "
                "image's bitstream"
            )
        if image.symbols > here.symbols:
            raise UserError(
                f"Image must have at most {here.symbols} symbols, as this accelerator can hold, "
                f"not {image.symbols}"
            )
        size = STREAM_BYTES * len(image.payload)
        if size > self.link.largest_packet:
            raise UserError(
                f"Image must have at most {self.link.largest_packet:,} bytes, the largest "
                f"packet of this link, not {size:,}"
            )

    def _generate(
        self, prompt: NDArray[np.uint8], count: int, temperature: int, seed: int
    ) -> NDArray[np.uint8]:
        characters = len(prompt) + count - 1
        return self._run(
            Command(
                Mode.GENERATE,
                *self._duration(characters),
                packet=prompt,
                answer=count,
                inputs=len(prompt),
                outputs=count,
                temperature=temperature,
                seed=seed,
            )
        )

    def _feed(self, mode: Mode, symbols: NDArray[np.uint8], unfed: int) -> Bytes:
        return self._run(self._feeding(mode, symbols, unfed))

    def _feeding(self, mode: Mode, symbols: NDArray[np.uint8], unfed: int) -> Command:
        image = self._loaded
        count = len(symbols) - unfed
        rows = image.config.output_rows(image.symbols)
        each = SURPRISAL_BYTES if unfed else rows * GATES * packets.LOGIT_BYTES
        return Command(
            mode, *self._duration(count), packet=symbols, answer=count * each, inputs=count
        )

    def _duration(self, characters: int) -> tuple[int, int]:
        """Least and greatest cycles of a run."""
        steps = self._loaded.config.steps(self._loaded.symbols)
        return characters * steps, (characters + 1) * (steps + LATENCY_CYCLES)

    def _state_command(self, mode: Mode, packet: Bytes | None = None, answer: int = 0) -> Command:
        cycles = CYCLES_PER_UNIT * self.config.hidden
        return Command(mode, cycles, cycles + LATENCY_CYCLES, packet=packet, answer=answer)

    def _load(self, image: Image) -> None:
        words = len(image.payload)
        self._port.execute(
            Command(
                Mode.LOAD,
                2 * words,
                CYCLES_PER_WORD * words,
                packet=packets.pack_words(image.payload),
            )
        )
        found = self._port.read("IMAGE_CRC")
        if found != image.payload_crc:
            raise CommandError(
                f"The loaded image's CRC must be {image.payload_crc:08x}, not {found:08x}"
            )
        self._port.execute(self._state_command(Mode.RESET_STATE))

    def _run(self, command: Command) -> Bytes:
        with self._recovering():
            answer = self._port.execute(command)
        return np.zeros(0, np.uint8) if answer is None else answer

    @contextmanager
    def _recovering(self) -> Iterator[None]:
        """Make the accelerator usable again after whatever comes through."""
        if self._lost:
            self._recover_or_raise("Accelerator was lost")
        try:
            yield
        except (CommandError, LinkError) as error:
            self._recover_or_raise(str(error))
            raise AcceleratorError(f"{error}. {self._recovered}") from error
        except BaseException:
            self._recover_or_raise("Command was interrupted")
            raise

    @property
    def _recovered(self) -> str:
        model = "the model was loaded again, " if self._image is not None else ""
        return f"The accelerator was reset, {model}the state is zero"

    def _recover_or_raise(self, reason: str) -> None:
        self._lost = True
        try:
            self._port.reset()
            if self._image is not None:
                self._load(self._image)
        except (CommandError, LinkError) as error:
            raise AcceleratorError(
                f"{reason}. The accelerator could not be reset, either: {error}; "
                "load the bitstream again, or turn the board off and on"
            ) from error
        self._lost = False
