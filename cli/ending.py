"""How a run of the command line ends, also where Ctrl-C ends it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

_AGAIN_SECONDS = 0.05


def end(status: int) -> NoReturn:
    """Exit; what standard output did not take is not tried again, which would change the status."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


def end_interrupted(interrupt: KeyboardInterrupt) -> NoReturn:
    """Exit as after Ctrl-C, with one word, and with what is kept where the interrupt says it."""
    if sys.stderr.isatty():
        sys.stderr.write("\n")  # The terminal has just shown ^C.
    sys.stderr.write(" ".join(["Interrupted.", *map(str, interrupt.args)]) + "\n")
    end(130)


@contextmanager
def interrupts_heard() -> Iterator[None]:
    """Send Ctrl-C again where Python has dropped it.

    An interrupt that falls into an object's ``__del__`` is shown and forgotten by Python, and
    Amaranth's objects, of which the Verilog takes very many, all have one.
    """
    before = sys.unraisablehook

    def hook(dropped: Any) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            before(dropped)
            return
        again = threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        again.start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
