"""Text in, text out: one class for applications and tests, over any transport.

State between calls
    Each call goes on from where the last one ended; `Session.reset` forgets all. The symbol that
    `Session.generate` drew last is *pending*: it is part of the text but has not been fed to the
    network, whose state is that after the symbol before it. The next call feeds it first. So
    ``generate("A", 3)`` followed by ``generate("", 2)`` is one text of six characters, and
    ``generate("A", 3)`` followed by ``generate("B", 2)`` reads the prompt's B after them.

Ends before the length
    A stream that is closed early, or that met the stop text, leaves the session as if the length
    had been that of the text given out, though the accelerator was ahead: the state of before is
    written back and what was given out is fed again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.host.backends import open_transport
from zynq_lstm.host.transport import Counters, Transport
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.formats import LOGIT
from zynq_lstm.quant.image import Image, read_image
from zynq_lstm.quant.sampling import encode_temperature, seed_state
from zynq_lstm.quant.state import State

MAXIMUM_LENGTH = 2**32 - 1
"""Characters of one call: the accelerator counts them in 32 bits."""

SCORE_CHUNK = 256
"""Characters fed between two reports of a score; it does not change the result."""


@dataclass(frozen=True)
class Score:
    """How well a model predicted a text.

    Parameters
    ----------
    characters : int
        Characters of the text.
    bits : float
        Sum of the surprisals -log2 p of all characters but the first, which is given.
    """

    characters: int
    bits: float

    @property
    def predictions(self) -> int:
        """Characters that were predicted: all but the first."""
        return self.characters - 1

    @property
    def bits_per_character(self) -> float:
        """Mean surprisal of the predicted characters, in bits."""
        return self.bits / self.predictions


def surprisals(logits: NDArray[np.int16], symbols: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Surprisal of symbols under the softmax of integer logits, computed in float64.

    Parameters
    ----------
    logits : ndarray of int16, shape (n, V)
        `LOGIT` format.
    symbols : ndarray of uint8, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n,)
        -log2 p, in bits.
    """
    values = logits.astype(np.float64) * LOGIT.lsb
    values -= values.max(axis=1, keepdims=True)
    normalizer = np.log(np.exp(values).sum(axis=1))
    chosen = np.take_along_axis(values, symbols[:, None].astype(np.intp), axis=1)[:, 0]
    return np.asarray((normalizer - chosen) / np.log(2))


class Session:
    """A model on an accelerator, and the text that it is in the middle of.

    Parameters
    ----------
    image : Image
        The model.
    transport : Transport
        Where it is loaded; the session closes it.
    """

    def __init__(self, image: Image, transport: Transport) -> None:
        self.image = image
        self._transport = transport
        self._opened_at = dict(transport.counters())
        self._pending: int | None = None
        self._stream: Generator[str, None, None] | None = None
        self._unknown = False
        self._closed = False

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def generate(
        self,
        prompt: str,
        length: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
        stop: str | None = None,
    ) -> str:
        """Return the text that follows a prompt; the arguments are those of `stream`."""
        return "".join(self.stream(prompt, length, temperature=temperature, seed=seed, stop=stop))

    def stream(
        self,
        prompt: str,
        length: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
        stop: str | None = None,
    ) -> Generator[str, None, None]:
        """Continue the text by a prompt, then by drawn characters, given out as they come.

        Parameters
        ----------
        prompt : str
            What is read first. It may be empty when there is a pending character.
        length : int
            Characters to draw, at least one.
        temperature : float
            0 draws the most likely character each time, 1 draws from the model's distribution;
            the greatest is just below 16.
        seed : int
            0 to 2^64 - 1. The same session history, arguments and seed give the same text on
            every backend.
        stop : str, optional
            The text ends early with the first occurrence of this, which is included.

        Returns
        -------
        generator of str
            Pieces of the text without the prompt. Another call to the session ends it.

        Raises
        ------
        UserError
            At once, when an argument is out of range or the prompt has a character outside the
            vocabulary.
        """
        self._settle()
        if isinstance(length, bool) or not isinstance(length, int) or length < 1:
            raise UserError(f"Length must be an integer of at least 1, not {length!r}")
        if length > MAXIMUM_LENGTH:
            raise UserError(f"Length must be at most {MAXIMUM_LENGTH}, not {length}")
        code, generator = encode_temperature(temperature), seed_state(seed)
        if stop is not None:
            if not stop:
                raise UserError("Stop text must not be empty; leave it out to draw the full length")
            self.image.vocabulary.encode(stop)
        symbols = self._with_pending(self.image.vocabulary.encode(prompt))
        if not len(symbols):
            raise UserError(
                "Prompt must not be empty: the model needs at least one character to go on from"
            )
        self._stream = self._run(symbols, length, code, generator, stop)
        return self._stream

    def logits(self, text: str) -> NDArray[np.int16]:
        """Continue the text and return the logits after each character.

        Returns
        -------
        ndarray of int16, shape (len(text), V)
            Q5.10.

        Raises
        ------
        UserError
            When the text is empty or has a character outside the vocabulary.
        """
        self._settle()
        symbols = self.image.vocabulary.encode(text)
        if not len(symbols):
            raise UserError("Text must not be empty: there is nothing to compute logits for")
        return self._feed(symbols)

    def score(self, text: str, *, progress: Callable[[int, float], None] | None = None) -> Score:
        """Continue the text and tell how well each character was predicted from those before.

        The first character has no prediction, so N characters give N - 1 of them.

        Parameters
        ----------
        text : str
            At least two characters.
        progress : callable, optional
            Called now and then with the characters fed so far and the bits so far.

        Raises
        ------
        UserError
            When the text is shorter or has a character outside the vocabulary.
        """
        self._settle()
        symbols = self.image.vocabulary.encode(text)
        if len(symbols) < 2:
            raise UserError(
                f"Text to score must have at least 2 characters, not {len(symbols)}: "
                "the first is given and only the others are predicted"
            )
        bits = 0.0
        for start in range(0, len(symbols), SCORE_CHUNK):
            chunk = symbols[start : start + SCORE_CHUNK]
            logits = self._feed(chunk)
            targets = symbols[start + 1 : start + 1 + len(chunk)]
            bits += float(surprisals(logits[: len(targets)], targets).sum())
            if progress is not None:
                progress(start + len(chunk), bits)
        return Score(len(symbols), bits)

    def reset(self) -> None:
        """Forget the text: state zero, nothing pending."""
        self._end_stream()
        self._transport.reset_state()
        self._pending, self._unknown = None, False

    @property
    def pending(self) -> str | None:
        """The character that was drawn last and is fed by the next call, if any."""
        self._settle()
        return None if self._pending is None else self.image.vocabulary.decode([self._pending])

    @property
    def state(self) -> State:
        """State of the network. Setting it also drops the pending character."""
        self._settle()
        return self._transport.read_state()

    @state.setter
    def state(self, state: State) -> None:
        self._end_stream()
        self._transport.write_state(state)
        self._pending, self._unknown = None, False

    def counters(self) -> Counters:
        """Return what the accelerator has counted since the session was opened."""
        now = self._transport.counters()
        return Counters(**{name: (now[name] - self._opened_at[name]) % 2**32 for name in now})

    def close(self) -> None:
        """End the session; it may be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._stream is not None:
            self._stream.close()
        self._transport.close()

    def _run(
        self,
        symbols: NDArray[np.uint8],
        length: int,
        temperature: int,
        seed: int,
        stop: str | None,
    ) -> Generator[str, None, None]:
        before = self._transport.read_state()
        given = symbols[:0]
        tail = ""
        with self._keeping_the_state_known():
            pieces = self._transport.generate(symbols, length, temperature, seed)
            try:
                for piece in pieces:
                    text = self.image.vocabulary.decode(piece)
                    end = _end_of_stop(stop, tail, text)
                    given = np.concatenate([given, piece[:end]])
                    yield text[:end]
                    if end is not None:
                        break
                    if stop is not None:
                        tail = (tail + text)[max(0, len(tail + text) - len(stop) + 1) :]
            except GeneratorExit:
                if not self._closed:
                    self._end_at(given, pieces, before, symbols, length)
                raise
            self._end_at(given, pieces, before, symbols, length)

    def _end_at(
        self,
        given: NDArray[np.uint8],
        pieces: Generator[NDArray[np.uint8], None, None],
        before: State,
        symbols: NDArray[np.uint8],
        length: int,
    ) -> None:
        if len(given) == length:
            for _ in pieces:  # Let the transport end in its own way.
                pass
        else:
            pieces.close()
            self._transport.write_state(before)
            self._transport.logits(np.concatenate([symbols, given[:-1]]))
        self._pending = int(given[-1])
        self._stream = None

    def _feed(self, symbols: NDArray[np.uint8]) -> NDArray[np.int16]:
        with self._keeping_the_state_known():
            logits = self._transport.logits(self._with_pending(symbols))
        self._pending = None
        return logits[len(logits) - len(symbols) :]

    def _with_pending(self, symbols: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._pending is None:
            return symbols
        return np.concatenate([np.array([self._pending], np.uint8), symbols])

    def _settle(self) -> None:
        """End a stream that is still open, and refuse to go on from a state that is not known."""
        self._end_stream()
        if self._unknown:
            raise UserError(
                "State of the session is unknown after a call that was interrupted; "
                "reset the session or set its state"
            )

    def _end_stream(self) -> None:
        if self._closed:
            raise UserError("Session must be open, but it has been closed; open another one")
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    @contextmanager
    def _keeping_the_state_known(self) -> Iterator[None]:
        """Note that the state is not known when something other than an end comes through."""
        try:
            yield
        except GeneratorExit:
            raise
        except BaseException:
            self._unknown = True
            raise


def _end_of_stop(stop: str | None, tail: str, text: str) -> int | None:
    """Return where in `text` the first stop text ends that began in it or in the `tail` before."""
    if stop is None:
        return None
    start = (tail + text).find(stop)
    return None if start < 0 else start + len(stop) - len(tail)


def open(  # Read as zynq_lstm.host.open.
    image: Image | str | os.PathLike[str], backend: str = "golden", **options: Any
) -> Session:
    """Load a model into an accelerator and open a session on it.

    Parameters
    ----------
    image : Image or path
        The model, or the file that it is in.
    backend : str
        ``"golden"`` or ``"sim"``.
    **options
        The backend's own options, see `zynq_lstm.host.backends.open_transport`.

    Raises
    ------
    UserError
        When the image or the backend cannot be used.
    """
    loaded = image if isinstance(image, Image) else read_image(Path(image))
    return Session(loaded, open_transport(backend, loaded, **options))
