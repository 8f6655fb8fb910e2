"""The simulated chip as a transport of `zynq_lstm.host`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.host.link import Bytes
from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.protocol import (
    STATE_C1_SHIFT,
    STATE_C2_SHIFT,
    STATE_H2_SHIFT,
    SYMBOLS_PER_WORD,
    Error,
    Mode,
)
from zynq_lstm.quant.registers import COUNTERS, register
from zynq_lstm.quant.state import State
from zynq_lstm.sim.link import SimulatedLink, from_words
from zynq_lstm.sim.simulator import Chip, HardwareError

LOGITS_PER_RUN = 4096
"""Symbols of one teacher-forced run; longer texts take several, without a change in results."""
_CYCLES_PER_CHARACTER = 8192
_CYCLES_PER_RUN = 100_000
_CYCLES_PER_WAIT = 4096


class SimulatedTransport:
    """A `Chip` that speaks symbols, logits and states.

    Parameters
    ----------
    config : Config, optional
        The chip; without it, the one that the first image is made for.
    progress : callable, optional
        Told what is being built, for that takes a minute the first time.
    """

    def __init__(
        self, config: Config | None = None, progress: Callable[[str], None] | None = None
    ) -> None:
        self._config, self._progress = config, progress
        self.chip: Chip | None = None
        self._image: Image | None = None
        if config:
            self._make(config)

    def _make(self, config: Config) -> None:
        self.chip = Chip(config, report=self._progress)
        self._link = SimulatedLink(self.chip)

    def load(self, image: Image) -> None:
        """Load an image and reset the state."""
        if self.chip is None:
            self._make(image.config)
        error = self._run(Mode.LOAD, image.payload.astype("<u8").view(np.uint8))
        if Error.IMAGE in error:
            raise UserError(
                f"The image must be made for the simulated chip ({self.chip.config.describe()}); "
                "it is not"
            )
        self._check(Mode.LOAD, error)
        self._image = image
        self.reset_state()

    def _loaded(self) -> tuple[Chip, Image]:
        if self.chip is None or self._image is None:
            raise RuntimeError("An image must be loaded first")
        return self.chip, self._image

    def _write(self, name: str, value: int) -> None:
        self._link.write(register(name).offset, value)

    def _read(self, name: str) -> int:
        return self._link.read(register(name).offset)

    def _control(self, name: str) -> None:
        self._write("CONTROL", register("CONTROL").field(name).mask)

    def _start(self, mode: Mode, packet: Bytes | None = None, room: int = 0, **registers: int):
        if room:
            self._link.accept(room)
        for name, value in {"mode": int(mode), **registers}.items():
            self._write(name.upper(), value)
        self._write("IRQ_ENABLE", 1)
        self._control("START")
        if packet is not None:
            self._link.send(packet)

    def _busy(self) -> bool:
        return bool(register("STATUS").field("BUSY").of(self._read("STATUS")))

    def _run(self, mode: Mode, packet: Bytes | None = None, **registers: int) -> Error:
        """Run a command without output."""
        self._start(mode, packet, **registers)
        self._wait(mode, lambda: not self._busy(), 0)
        return self._error()

    def _error(self) -> Error:
        return Error(self._read("ERROR"))

    def _check(self, mode: Mode, error: Error) -> None:
        if error:
            raise HardwareError(f"{mode.name} failed: {error!r}")

    def _wait(self, mode: Mode, ended: Callable[[], bool], symbols: int) -> None:
        limit = self._link.elapsed() + _CYCLES_PER_RUN + symbols * _CYCLES_PER_CHARACTER
        while not ended():
            if self._link.elapsed() > limit:
                raise HardwareError(f"{mode.name} must end in time; it does not")
            self._link.wait(_CYCLES_PER_WAIT)

    def _packet(
        self, mode: Mode, packet: Bytes | None, room: int, symbols: int = 0, **registers: int
    ) -> Bytes:
        """Run a command with output."""
        self._start(mode, packet, room, **registers)
        found: list[Bytes] = []

        def ended() -> bool:
            data = self._link.accepted()
            if data is not None:
                found.append(data)
            return data is not None

        self._wait(mode, ended, symbols)
        self._wait(mode, lambda: not self._busy(), 0)
        self._check(mode, self._error())
        return found[0]

    def generate(
        self, prompt: NDArray[np.uint8], length: int, temperature: int, seed: int
    ) -> Iterator[NDArray[np.uint8]]:
        """Feed a prompt and yield sampled symbols as they come; all on the chip."""
        chip, _ = self._loaded()
        self._start(
            Mode.GENERATE,
            prompt,
            length,
            inputs=len(prompt),
            outputs=length,
            temperature=temperature,
            seed_low=seed & 0xFFFF_FFFF,
            seed_high=seed >> 32,
        )
        came = 0
        limit = chip.cycles + _CYCLES_PER_RUN + (len(prompt) + length) * _CYCLES_PER_CHARACTER
        try:
            while came < length and chip.cycles < limit:
                self._link.wait(_CYCLES_PER_WAIT)
                symbols = from_words(*chip.collect())
                came += len(symbols)
                if len(symbols):
                    yield symbols
        finally:
            if came < length:
                self._abandon()
        if came < length:
            raise HardwareError(f"GENERATE must end within {limit} cycles; it does not")
        self._wait(Mode.GENERATE, lambda: not self._busy(), 0)
        self._check(Mode.GENERATE, self._error())

    def _abandon(self) -> None:
        """Abort a run that its caller has left, and clear its words out of the streams."""
        self._control("ABORT")
        self._link.wait(_CYCLES_PER_WAIT)
        self._link.reset()
        self._control("SOFT_RESET")
        self.load(self._loaded()[1])

    def logits(self, symbols: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Feed symbols; logits after each, (n, V)."""
        _, image = self._loaded()
        lanes = image.config.output_rows(image.symbols) * GATES
        out = np.empty((len(symbols), image.symbols), np.int16)
        for start in range(0, len(symbols), LOGITS_PER_RUN):
            piece = symbols[start : start + LOGITS_PER_RUN]
            packet = self._packet(
                Mode.LOGITS, piece, len(piece) * lanes * 2, len(piece), inputs=len(piece)
            )
            rows = packet.view("<i2").reshape(len(piece), lanes)
            out[start : start + len(piece)] = rows[:, : image.symbols]
        return out

    def read_state(self) -> State:
        """h and c of all layers."""
        _, image = self._loaded()
        packet = self._packet(Mode.READ_STATE, None, image.config.hidden * SYMBOLS_PER_WORD)
        words = packet.view("<u8")
        h = [words & np.uint64(0xFF), (words >> np.uint64(STATE_H2_SHIFT)) & np.uint64(0xFF)]
        c = [
            (words >> np.uint64(shift)) & np.uint64(0xFFFF)
            for shift in (STATE_C1_SHIFT, STATE_C2_SHIFT)
        ]
        layers = image.config.layers
        return State(
            np.stack(h[:layers]).astype(np.uint8).view(np.int8),
            np.stack(c[:layers]).astype(np.uint16).view(np.int16),
        )

    def write_state(self, state: State) -> None:
        """Set h and c of all layers."""
        self._loaded()
        words = np.zeros(state.h.shape[-1], np.uint64)
        for layer, (h_shift, c_shift) in enumerate(
            [(0, STATE_C1_SHIFT), (STATE_H2_SHIFT, STATE_C2_SHIFT)][: len(state.h)]
        ):
            words |= state.h[layer].view(np.uint8).astype(np.uint64) << np.uint64(h_shift)
            words |= state.c[layer].view(np.uint16).astype(np.uint64) << np.uint64(c_shift)
        packet = words.astype("<u8").view(np.uint8)
        self._check(Mode.WRITE_STATE, self._run(Mode.WRITE_STATE, packet))

    def reset_state(self) -> None:
        """h and c to zero."""
        self._loaded()
        self._check(Mode.RESET_STATE, self._run(Mode.RESET_STATE))

    def counters(self) -> dict[str, int]:
        """The chip's counters."""
        self._loaded()
        return {name: self._read(name.upper()) for name in COUNTERS}

    def close(self) -> None:
        """Free the simulator."""
        if self.chip is not None:
            self.chip.close()
            self.chip = None
