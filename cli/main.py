"""Where the command line begins: from here on Ctrl-C is a word and exit status 130.

While the rest is imported nothing has been begun, and an interrupt ends the process at once: as an
exception in the middle of an import it could be lost, or become another one. This module itself
imports what Python has loaded already, so ``_signal``: what `signal` adds to it takes a while.
"""

from __future__ import annotations

import os
from _signal import SIGINT, default_int_handler, getsignal, signal

INTERRUPTED, WORD = 130, "Interrupted."


def main() -> None:
    """Run the command line of this process and exit."""
    # Where interrupts are ignored, as with nohup, they stay so.
    if getsignal(SIGINT) is default_int_handler:
        signal(SIGINT, end_at_once)
    from zynq_lstm.cli.program import run

    run()


def end_at_once(number: int, frame: object) -> None:
    """End the process with the word, as a handler of a signal."""
    begin = "\n" if os.isatty(2) else ""  # The terminal has just shown ^C.
    try:
        os.write(2, f"{begin}{WORD}\n".encode())
    finally:
        os._exit(INTERRUPTED)
