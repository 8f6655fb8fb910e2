"""How a run of the command line ends, also where Ctrl-C ends it.

While a command is at work, Ctrl-C is an exception, so that files and processes are left in order.
Where an exception could be lost, it comes a little later.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

from zynq_lstm.cli.main import INTERRUPTED, WORD, end_at_once

_AGAIN_SECONDS = 0.01
_IMPORTING = "<frozen importlib._bootstrap>"


def end(status: int) -> NoReturn:
    """Exit; what standard output did not take is not tried again, which would change the status."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


def unwritable_output(error: OSError) -> str:
    """Return the sentence for standard output that does not take what is written."""
    return f"Standard output must be writable: {error.strerror}; choose another place for it"


def end_interrupted(interrupt: KeyboardInterrupt) -> NoReturn:
    """Exit as after Ctrl-C, with one word, and with what is kept where the interrupt says it."""
    _hear_no_more()
    if sys.stderr.isatty():
        sys.stderr.write("\n")  # The terminal has just shown ^C.
    sys.stderr.write(" ".join([WORD, *map(str, interrupt.args)]) + "\n")
    end(INTERRUPTED)


@contextmanager
def interrupts_heard() -> Iterator[None]:
    """Raise Ctrl-C while a command is at work, and let nothing interrupt Python's own way out.

    An interrupt that falls into an object's ``__del__`` is shown and forgotten by Python, and
    Amaranth's objects, of which the Verilog takes very many, all have one. It is sent again.
    """
    before = sys.unraisablehook

    def hook(dropped: Any) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            _send_again()
        else:
            before(dropped)

    sys.unraisablehook = hook
    if signal.getsignal(signal.SIGINT) is end_at_once:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        _hear_no_more()
        sys.unraisablehook = before


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise Ctrl-C, but not within an import: modules drop it where they try what is there."""
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTING:
            _send_again()
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _send_again() -> None:
    """Have Ctrl-C once more in a moment; a `threading.Timer` would take locks that may be held."""

    def send() -> None:
        time.sleep(_AGAIN_SECONDS)
        os.kill(os.getpid(), signal.SIGINT)

    _thread.start_new_thread(send, ())


def _hear_no_more() -> None:
    """Ignore interrupts from now on, unless somebody else's program sees to them."""
    if signal.getsignal(signal.SIGINT) is _interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
