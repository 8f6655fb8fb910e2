"""Drawing text: its arguments, checked, and its end, by length or by a stop text.

A transport gives out a piece only when its state is that of the text up to there, so that a stream
can be left after any piece. Only a stop text inside a piece, and a piece that ends within a
character of several bytes, find the accelerator ahead of the text: then the state from before the
prompt is written back and what was given out is fed again, which on a chip takes less time than to
read the state before every piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.host.transport import Transport
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.sampling import encode_temperature, seed_state
from zynq_lstm.quant.state import State
from zynq_lstm.quant.vocabulary import BYTES, Vocabulary

MAXIMUM_LENGTH = 2**32 - 1
"""Characters of one call."""


@dataclass(frozen=True)
class Drawing:
    """A text to be drawn.

    Parameters
    ----------
    vocabulary : Vocabulary
    symbols : ndarray of uint8, shape (n,)
        The prompt, at least one symbol.
    length : int
        Symbols to draw.
    temperature : int
        `TEMPERATURE` format.
    generator : int
        State of the random generator.
    stop : str, optional
    """

    vocabulary: Vocabulary
    symbols: NDArray[np.uint8]
    length: int
    temperature: int
    generator: int
    stop: str | None

    @classmethod
    def checked(
        cls,
        vocabulary: Vocabulary,
        pending: int | None,
        prompt: str,
        length: int,
        temperature: float,
        seed: int,
        stop: str | None,
    ) -> Drawing:
        """Make one of people's arguments; `Session.stream` tells of them.

        Raises
        ------
        UserError
            When one of them is out of range.
        """
        integer = isinstance(length, (int, np.integer)) and not isinstance(length, bool)
        if not integer or length < 1:
            raise UserError(f"Length must be an integer of at least 1, not {length!r}")
        if length > MAXIMUM_LENGTH:
            raise UserError(f"Length must be at most {MAXIMUM_LENGTH}, not {length}")
        code, generator = encode_temperature(temperature), seed_state(seed)
        if stop is not None:
            if not stop:
                raise UserError("Stop text must not be empty; leave it out to draw the full length")
            vocabulary.encode(stop, "Stop text")
        first = np.array([] if pending is None else [pending], np.uint8)
        symbols = np.concatenate([first, vocabulary.encode(prompt, "Prompt")])
        if not len(symbols):
            raise UserError(
                "Prompt must not be empty: the model needs at least one character to go on from"
            )
        return cls(vocabulary, symbols, int(length), code, generator, stop)

    def run(self, transport: Transport, promptly: bool) -> Iterator[tuple[str, int]]:
        """Draw; when this is left at a piece, the transport's state is that of the text until then.

        Yields
        ------
        text : str
            The next piece.
        last : int
            Its last symbol, which has not been fed when this is left now.
        """
        decoder = self.vocabulary.decoder()
        stop = b"" if self.stop is None else self.vocabulary.encode(self.stop).tobytes()
        may_rewind = bool(stop) or (promptly and self.vocabulary == BYTES)
        before = transport.read_state() if may_rewind else None
        drawn = bytearray()
        pieces = transport.generate(
            self.symbols, self.length, self.temperature, self.generator, promptly=promptly
        )
        for piece in pieces:
            searched = max(0, len(drawn) - len(stop) + 1)
            drawn += piece.tobytes()
            found = drawn.find(stop, searched) if stop else -1
            ahead = 0 if found < 0 else len(drawn) - found - len(stop)
            ends = found >= 0 or len(drawn) == self.length
            text = decoder.decode(piece[: len(piece) - ahead], last=ends)
            del drawn[len(drawn) - ahead :]
            if ahead:
                pieces.close()
                self._rewind(transport, before, drawn)
            given = drawn[: len(drawn) - decoder.held]
            if text:
                try:
                    yield text, given[-1]
                except GeneratorExit:
                    if decoder.held:
                        self._rewind(transport, before, given)
                    raise
            if found >= 0:
                return

    def _rewind(self, transport: Transport, before: State | None, given: bytearray) -> None:
        """Put the state to where the text ends."""
        if before is None:
            raise RuntimeError("State must have been kept to go back to it")
        transport.write_state(before)
        text = np.concatenate([self.symbols, np.frombuffer(bytes(given), np.uint8)])
        transport.score(text)  # It feeds all but the last.
