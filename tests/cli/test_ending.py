"""Ends of the command line that need no command."""

import sys
import time

import pytest

from zynq_lstm.cli.ending import interrupts_heard


class Interrupting:
    """Ctrl-C comes while it goes away, where Python drops it."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __del__(self) -> None:
        raise self.error


def test_an_interrupt_that_python_drops_comes_again(capsys) -> None:
    with interrupts_heard():
        Interrupting(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            time.sleep(10)
    assert capsys.readouterr().err == ""


def test_other_errors_that_python_drops_stay_as_they_are(monkeypatch) -> None:
    dropped: list[type] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: dropped.append(found.exc_type))
    before = sys.unraisablehook
    with interrupts_heard():
        Interrupting(ValueError())
    assert dropped == [ValueError]
    assert sys.unraisablehook is before
