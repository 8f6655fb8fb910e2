"""The golden model as an accelerator: no hardware, no clock, the same integers."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.state import State


class GoldenTransport:
    """A `zynq_lstm.host.transport.Transport` over the golden model.

    It takes images of any size, and is of that size then. Where symbols are wanted promptly, it
    gives out each as it is drawn.
    """

    def __init__(self) -> None:
        self._model: GoldenModel | None = None
        self._characters = 0
        self._checks = True

    @property
    def config(self) -> Config:
        """Sizes of the loaded image's accelerator."""
        return self._loaded.image.config

    def load(self, image: Image) -> None:
        """Load a model and reset the state."""
        self._model = GoldenModel(image)

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
        if not promptly:
            self._characters += len(prompt) + length - 1
            yield self._loaded.generate(prompt, length, temperature, seed)
            return
        self._characters += len(prompt) - 1
        for symbol in self._loaded.stream(prompt, length, temperature, seed):
            self._characters += 1
            yield symbol.reshape(1)

    def score(self, symbols: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """Feed all symbols but the last; the surprisal of each but the first, shape (n - 1,)."""
        self._characters += len(symbols) - 1
        return self._loaded.score(symbols)

    def logits(self, symbols: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Feed symbols, shape (n,), and return the logits after each, shape (n, V), Q5.10."""
        self._characters += len(symbols)
        return self._loaded.logits(symbols)

    def read_state(self) -> State:
        """Return a copy of the state."""
        return self._loaded.state

    def write_state(self, state: State) -> None:
        """Replace the state."""
        self._loaded.state = state

    def reset_state(self) -> None:
        """Set the state to zero."""
        self._loaded.reset()

    def counters(self) -> dict[str, int]:
        """Return the characters; cycles are not modelled."""
        return {"characters": self._characters}

    def check_memories(self, enabled: bool) -> bool:
        """Nothing can be wrong; return what was said before."""
        before, self._checks = self._checks, enabled
        return before

    def faulty_memories(self) -> tuple[int, ...]:
        """None: the memories are a model's."""
        return ()

    def examine(self, image: Image) -> dict[str, str | None]:
        """Nothing but the load: there are no registers."""
        self.load(image)
        return {}

    def close(self) -> None:
        """Drop the model."""
        self._model = None

    @property
    def _loaded(self) -> GoldenModel:
        if self._model is None:
            raise RuntimeError("GoldenTransport must be loaded with an image before it is used")
        return self._model
