"""What every accelerator can do, whether it is a model, a simulation or a board.

A transport speaks symbols, integers and states; text, arguments of people and their checks are
the session's (`zynq_lstm.host.session`). Whoever adds a way to an accelerator writes one class
with these methods and names it in `zynq_lstm.host.backends`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.state import State


@dataclass(frozen=True)
class Counters:
    """What an accelerator has counted; all but the characters are None where there is no clock.

    Parameters
    ----------
    characters : int
        Symbols that went through the network.
    cycles : int
        Clock cycles from the first character of a run to its last.
    steps : int
        Those cycles of them in which all multipliers worked.
    stalls : int
        Those cycles of them in which a stream kept the next character from starting.
    startup : int
        Clock cycles from the start of a run to its first character, and from its last to its end.
    saturations : int
        Cell states that were clipped to their format's range.
    """

    characters: int
    cycles: int | None = None
    steps: int | None = None
    stalls: int | None = None
    startup: int | None = None
    saturations: int | None = None

    @property
    def cycles_per_character(self) -> float | None:
        """Mean over all characters, with the starts and ends of runs.

        The hardware counts a part of a run's first and last character as its start and end, so
        that a mean without them would promise too much where runs are short.
        """
        if self.cycles is None or not self.characters:
            return None
        return (self.cycles + (self.startup or 0)) / self.characters

    @property
    def multiplier_utilization(self) -> float | None:
        """Share of `cycles`, 0 to 1, in which all multipliers worked."""
        if self.steps is None or not self.cycles:
            return None
        return self.steps / self.cycles


class Transport(Protocol):
    """A way to an accelerator.

    The state starts at zero and is carried from call to call. A symbol that `generate` has drawn
    last has not been fed: the state is that after the symbol before it. When a method raises
    `AcceleratorError`, the model is still loaded and the state is zero.
    """

    @property
    def config(self) -> Config:
        """Sizes of the accelerator."""
        ...

    def load(self, image: Image) -> None:
        """Load a model and reset the state.

        Raises
        ------
        UserError
            When the accelerator's sizes do not fit the image; nothing has changed then.
        AcceleratorError
            When the image did not arrive; the one before it is loaded then.
        """

    def generate(
        self,
        prompt: NDArray[np.uint8],
        length: int,
        temperature: int,
        seed: int,
        *,
        promptly: bool = False,
    ) -> Generator[NDArray[np.uint8], None, None]:
        """Feed a prompt, then draw symbols and feed each to draw the next.

        Parameters
        ----------
        prompt : ndarray of uint8, shape (n,)
            At least one symbol.
        length : int
            Symbols to draw, at least one.
        temperature : int
            Q4.12, from `zynq_lstm.quant.sampling.encode_temperature`; 0 draws the most likely.
        seed : int
            State of the 64-bit generator, from `zynq_lstm.quant.sampling.seed_state`.
        promptly : bool
            In pieces that come soon, rather than in as few as can be.

        Yields
        ------
        ndarray of uint8, shape (m,), m at least 1
            The symbols. When one of them is given out, and when the generator is closed then, the
            state is as if the length had been that of the symbols given out so far.
        """
        ...

    def score(self, symbols: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """Feed all symbols but the last, and tell how surprising each but the first was.

        Parameters
        ----------
        symbols : ndarray of uint8, shape (n,)
            At least two.

        Returns
        -------
        ndarray of uint16, shape (n - 1,)
            -log2 p in bits, Q7.9 (`zynq_lstm.quant.surprisal`).
        """
        ...

    def logits(self, symbols: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Feed symbols, shape (n,), and return the logits after each, shape (n, V), Q5.10."""
        ...

    def read_state(self) -> State:
        """Return a copy of the state."""
        ...

    def write_state(self, state: State) -> None:
        """Replace the state."""

    def reset_state(self) -> None:
        """Set the state to zero."""

    def counters(self) -> Mapping[str, int]:
        """Return counters by their names in `Counters`, those that there are.

        They run on from the making of the transport and never wrap.
        """
        ...

    def check_memories(self, enabled: bool) -> bool:
        """Say whether a run fails that reads a word of weights other than the one loaded.

        At first it does. What is said stands until something else is, whatever fails meanwhile.

        Returns
        -------
        bool
            Whether it did before.
        """
        ...

    def faulty_memories(self) -> tuple[int, ...]:
        """Return the weight memories, by bank, that have read a wrong word since the load.

        After a run that failed the model has been loaded again, so that there are none.
        """
        ...

    def examine(self, image: Image) -> Mapping[str, str | None]:
        """Examine what lies before the model, registers for instance.

        Parameters
        ----------
        image : Image
            Is loaded for that, and afterwards.

        Returns
        -------
        mapping of str to str or None
            What was examined, and the first difference where there is one.
        """
        ...

    def close(self) -> None:
        """Free what the transport holds; it is not used afterwards."""
