"""The simulated chip as a transport of `zynq_lstm.host`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.protocol import (
    STATE_C1_SHIFT,
    STATE_C2_SHIFT,
    STATE_H2_SHIFT,
    SYMBOLS_PER_WORD,
    Mode,
)
from zynq_lstm.quant.state import State
from zynq_lstm.sim.simulator import Chip

LOGITS_PER_RUN = 4096
"""Symbols of one teacher-forced run; longer texts take several, without a change in results."""
_CYCLES_PER_CHARACTER = 8192
_CYCLES_PER_RUN = 100_000


def pack_symbols(symbols: NDArray[np.integer]) -> tuple[NDArray[np.uint64], int]:
    """Symbols as words of a packet, and the bytes of the last word."""
    data = np.asarray(symbols, np.uint8)
    padded = np.zeros(-(-len(data) // SYMBOLS_PER_WORD) * SYMBOLS_PER_WORD, np.uint8)
    padded[: len(data)] = data
    return padded.view("<u8").astype(np.uint64), (len(data) - 1) % SYMBOLS_PER_WORD + 1


def unpack_symbols(words: NDArray[np.uint64], flags: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Symbols of a packet's words: the bytes that TKEEP marks."""
    data = words.astype("<u8").view(np.uint8).reshape(-1, SYMBOLS_PER_WORD)
    kept = (flags[:, None] >> np.arange(SYMBOLS_PER_WORD)) & 1
    return np.asarray(data[kept.astype(bool)], np.uint8)


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
        self.chip: Chip | None = Chip(config, report=progress) if config else None
        self._image: Image | None = None

    def load(self, image: Image) -> None:
        """Load an image and reset the state."""
        if self.chip is None:
            self.chip = Chip(image.config, report=self._progress)
        self.chip.load(image.payload)
        self._image = image
        self.reset_state()

    def _loaded(self) -> tuple[Chip, Image]:
        if self.chip is None or self._image is None:
            raise RuntimeError("An image must be loaded first")
        return self.chip, self._image

    def generate(
        self, prompt: NDArray[np.uint8], length: int, temperature: int, seed: int
    ) -> Iterator[NDArray[np.uint8]]:
        """Feed a prompt and yield sampled symbols, eight at a time; all on the chip."""
        chip, _ = self._loaded()
        packet, last_bytes = pack_symbols(prompt)
        for words, flags in chip.stream(
            Mode.GENERATE,
            packet,
            last_bytes,
            inputs=len(prompt),
            outputs=length,
            temperature=temperature,
            seed=seed,
            most_cycles=_CYCLES_PER_RUN + (len(prompt) + length) * _CYCLES_PER_CHARACTER,
            words_a_call=1 if length <= 4096 else 64,
        ):
            yield unpack_symbols(words, flags)

    def logits(self, symbols: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Feed symbols; logits after each, (n, V)."""
        chip, image = self._loaded()
        lanes = image.config.output_rows(image.symbols) * GATES
        out = np.empty((len(symbols), image.symbols), np.int16)
        for start in range(0, len(symbols), LOGITS_PER_RUN):
            piece = symbols[start : start + LOGITS_PER_RUN]
            packet, last_bytes = pack_symbols(piece)
            words, _ = chip.run(
                Mode.LOGITS,
                packet,
                last_bytes,
                inputs=len(piece),
                most_cycles=_CYCLES_PER_RUN + len(piece) * _CYCLES_PER_CHARACTER,
            )
            rows = words.astype("<u8").view("<i2").reshape(len(piece), lanes)
            out[start : start + len(piece)] = rows[:, : image.symbols]
        return out

    def read_state(self) -> State:
        """h and c of all layers."""
        chip, image = self._loaded()
        words, _ = chip.run(Mode.READ_STATE)
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
        chip, _ = self._loaded()
        words = np.zeros(state.h.shape[-1], np.uint64)
        for layer, (h_shift, c_shift) in enumerate(
            [(0, STATE_C1_SHIFT), (STATE_H2_SHIFT, STATE_C2_SHIFT)][: len(state.h)]
        ):
            words |= state.h[layer].view(np.uint8).astype(np.uint64) << np.uint64(h_shift)
            words |= state.c[layer].view(np.uint16).astype(np.uint64) << np.uint64(c_shift)
        chip.run(Mode.WRITE_STATE, words)

    def reset_state(self) -> None:
        """h and c to zero."""
        self._loaded()[0].run(Mode.RESET_STATE)

    def counters(self) -> dict[str, int]:
        """The chip's counters."""
        return self._loaded()[0].counters()

    def close(self) -> None:
        """Free the simulator."""
        if self.chip is not None:
            self.chip.close()
            self.chip = None
