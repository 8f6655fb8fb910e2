"""Text in, text out: one class for applications and tests, over any transport.

State between calls
    Each call goes on from where the last one ended; `Session.reset` forgets all. The character
    that `Session.generate` drew last, or that `Session.score` was given last, is *pending*: it is
    part of the text but has not been fed to the network, whose state is that after the character
    before it. The next call feeds it first. So ``generate("A", 3)`` followed by
    ``generate("", 2)`` is one text of six characters, and ``generate("A", 3)`` followed by
    ``generate("B", 2)`` reads the prompt's B after them.

Many texts
    `Session.state` is all that a text needs, the pending character too: keep it, set that of
    another text, and go on with that one.

Errors
    After a call that failed or was interrupted, the state is not known to be that of any text, and
    is not gone on from: `Session.reset`, or setting `Session.state`, makes it so again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.host.checks import Check, Report
from zynq_lstm.host.drawing import Drawing
from zynq_lstm.host.results import Score, TextState
from zynq_lstm.host.scoring import scored
from zynq_lstm.host.self_test import examine
from zynq_lstm.host.transport import Counters, Transport
from zynq_lstm.quant.errors import AcceleratorError, UserError
from zynq_lstm.quant.image import Image, read_image
from zynq_lstm.quant.state import State
from zynq_lstm.quant.surprisal import SURPRISAL


class Session:
    """A model on an accelerator, and the text that it is in the middle of.

    Parameters
    ----------
    image : Image
        The model.
    transport : Transport
        Where it is loaded; the session closes it, also when this raises.

    Attributes
    ----------
    image : Image
        The model that is loaded.
    """

    def __init__(self, image: Image, transport: Transport) -> None:
        self.image = image
        self._transport = transport
        try:
            self._opened_at = dict(transport.counters())
        except BaseException:
            transport.close()
            raise
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
        """Return the text that follows a prompt; the arguments are those of `stream`.

        Without a stop text it is drawn in as few runs as can be.
        """
        promptly = stop is not None
        return "".join(self._begin(prompt, length, temperature, seed, stop, promptly))

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
            Pieces of the text without the prompt. Another call to the session ends it. However it
            ends, the session is as if the length had been that of the text given out.

        Raises
        ------
        UserError
            At once, when an argument is out of range or the prompt has a character outside the
            vocabulary.
        AcceleratorError
            When the accelerator fails; so does every method that needs it.
        """
        self._stream = self._begin(prompt, length, temperature, seed, stop, True)
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
        with self._keeping_the_state_known():
            logits = self._transport.logits(self._with_pending(symbols))
        self._pending = None
        return logits[len(logits) - len(symbols) :]

    def score(self, text: str, *, progress: Callable[[int, float], None] | None = None) -> Score:
        """Continue the text and tell how well each character was predicted from those before.

        The first character has no prediction, so N characters give N - 1 of them. The last is
        pending afterwards.

        Parameters
        ----------
        text : str
            At least two characters.
        progress : callable, optional
            Called now and then with the characters scored so far and their bits.

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
        whole = self._with_pending(symbols)
        with self._keeping_the_state_known():
            found = scored(self._transport, whole, progress)
        self._pending = int(symbols[-1])
        codes = found[len(whole) - len(symbols) :].astype(np.float64)
        return Score(codes * SURPRISAL.lsb)

    def load(self, image: Image | str | os.PathLike[str]) -> None:
        """Put another model in the place of this one, and forget the text.

        Parameters
        ----------
        image : Image or path

        Raises
        ------
        UserError
            When the image cannot be read or does not fit the accelerator; nothing has changed then.
        """
        self._end_stream()
        loaded = as_image(image)
        with self._keeping_the_state_known(UserError):
            self._transport.load(loaded)
        self.image = loaded
        self._pending, self._unknown = None, False

    def reset(self) -> None:
        """Forget the text: state zero, nothing pending."""
        self._end_stream()
        self._unknown = True
        self._transport.reset_state()
        self._pending, self._unknown = None, False

    @property
    def pending(self) -> str | None:
        """The character that is part of the text and is fed by the next call, if any."""
        self._settle()
        return None if self._pending is None else self.image.vocabulary.decode([self._pending])

    @property
    def state(self) -> TextState:
        """State of the text; a copy. Where a plain `State` is set, nothing is pending."""
        pending = self.pending
        with self._keeping_the_state_known():
            state = self._transport.read_state()
        return TextState(state.h, state.c, pending)

    @state.setter
    def state(self, state: State) -> None:
        self._end_stream()
        config = self.image.config
        checked = State.checked(state, config.layers, config.hidden)
        pending = state.pending if isinstance(state, TextState) else None
        symbols = self.image.vocabulary.encode("" if pending is None else pending, "Pending text")
        if len(symbols) > 1:
            raise UserError(f"State must have one pending character at most, not {pending!r}")
        self._unknown = True
        self._transport.write_state(checked)
        self._pending, self._unknown = (int(symbols[0]) if len(symbols) else None), False

    def counters(self) -> Counters:
        """Return what the accelerator has counted since the session was opened."""
        self._refuse_when_closed()
        with self._keeping_the_state_known():
            now = self._transport.counters()
        return Counters(**{name: now[name] - self._opened_at[name] for name in now})

    def faulty_memories(self) -> tuple[int, ...]:
        """Return the weight memories, by number, that have read a wrong word since the load.

        Where the session was opened with ``check_memories=False``, calls do not fail for these.
        Where a call has failed for them, its error names them, and the model has been loaded again
        since.
        """
        self._refuse_when_closed()
        with self._keeping_the_state_known():
            return self._transport.faulty_memories()

    def self_test(self) -> Report:
        """Test the accelerator with models made for that, against the golden model.

        Model and text are as before afterwards. It takes the accelerator 45 ms at full size, and
        the host, which computes the same, longer.
        """
        self._end_stream()
        with self._keeping_the_state_known(UserError):
            state = None if self._unknown else self._transport.read_state()
            try:
                report = examine(self._transport)
            except BaseException:
                self._put_back(state)
                raise
        try:
            self._put_back(state)
        except AcceleratorError as error:
            self._unknown = True
            return Report((*report.checks, Check("model and state put back", str(error))))
        return report

    def close(self) -> None:
        """End the session; it may be called twice."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._stream is not None:
                self._stream.close()
        finally:
            self._transport.close()

    def _put_back(self, state: State | None) -> None:
        """Load the model again, and its state where it was known."""
        self._transport.load(self.image)
        if state is not None:
            self._transport.write_state(state)

    def _begin(
        self,
        prompt: str,
        length: int,
        temperature: float,
        seed: int,
        stop: str | None,
        promptly: bool,
    ) -> Generator[str, None, None]:
        self._settle()
        drawing = Drawing.checked(
            self.image.vocabulary, self._pending, prompt, length, temperature, seed, stop
        )
        return self._run(drawing, promptly)

    def _run(self, drawing: Drawing, promptly: bool) -> Generator[str, None, None]:
        with self._keeping_the_state_known():
            for piece, last in drawing.run(self._transport, promptly):
                self._pending = last
                yield piece

    def _with_pending(self, symbols: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._pending is None:
            return symbols
        return np.concatenate([np.array([self._pending], np.uint8), symbols])

    def _settle(self) -> None:
        """End a stream that is still open, and refuse to go on from a state that is not known."""
        self._end_stream()
        if self._unknown:
            raise UserError(
                "State of the session is unknown after a call that failed or was interrupted; "
                "reset the session or set its state"
            )

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise UserError("Session must be open, but it has been closed; open another one")

    def _end_stream(self) -> None:
        self._refuse_when_closed()
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    @contextmanager
    def _keeping_the_state_known(self, *harmless: type[BaseException]) -> Iterator[None]:
        """Note that the state is not known when something other than an end comes through.

        Parameters
        ----------
        *harmless
            Errors after which it is as before, too.
        """
        try:
            yield
        except BaseException as error:
            self._unknown |= not isinstance(error, (GeneratorExit, *harmless))
            raise


def as_image(image: Image | str | os.PathLike[str]) -> Image:
    """The image, or the one in the file at a path.

    Raises
    ------
    UserError
        When it is neither, or the file cannot be used.
    """
    if isinstance(image, Image):
        return image
    if not isinstance(image, (str, os.PathLike)):
        raise UserError(f"Image must be an Image or a path, not {type(image).__name__}")
    return read_image(Path(image))
