"""Ends of the command line, above all by Ctrl-C: as the process itself has it, from the outside."""

import subprocess
import sys
import time

import pytest

from zynq_lstm.cli.ending import interrupts_heard

BEGIN = """
import importlib.abc, os, signal, sys

def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)

"""
"""What the programs of these tests begin with; each then sees to an interrupt, and is begun."""


def ended(where: str, *arguments: object) -> subprocess.CompletedProcess:
    main = "\nfrom zynq_lstm.cli.main import main; main()"
    command = [sys.executable, "-c", BEGIN + where + main, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("module", ["zynq_lstm.cli.program", "numpy", "typer", "zynq_lstm.cli.app"])
def test_an_interrupt_while_modules_are_imported_is_a_word(image_path, module) -> None:
    where = f"""
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        if name == {module!r}:
            try:
                interrupt()
            except KeyboardInterrupt:  # As a module may, which tries what else it could import.
                raise ImportError
sys.meta_path.insert(0, Finder())
"""
    result = ended(where, "info", image_path)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "Interrupted.\n")


def test_an_interrupt_of_a_command_is_raised_and_leaves_nothing(tmp_path) -> None:
    where = """
import tempfile, zynq_lstm.hw.verilog
tempfile.tempdir = sys.argv.pop()
zynq_lstm.hw.verilog.convert = interrupt
"""
    places = tmp_path / "temporary", tmp_path / "rtl"
    places[0].mkdir()
    result = ended(where, "rtl", "-o", places[1], places[0])
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "Interrupted.\n")
    assert list(tmp_path.rglob("*")) == [places[0]]


def test_an_interrupt_of_a_commands_own_imports_is_not_lost(tmp_path) -> None:
    where = """
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        if name == "zynq_lstm.hw.core_file":
            try:
                interrupt()
            except KeyboardInterrupt:
                os._exit(1)
sys.meta_path.insert(0, Finder())
import zynq_lstm.hw.verilog
zynq_lstm.hw.verilog.convert = lambda *_, **__: signal.pause()
"""
    result = ended(where, "rtl", "-o", tmp_path / "rtl")
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "Interrupted.\n")


@pytest.mark.parametrize("command", ["rtl", "bitstream"])
def test_an_interrupt_among_components_shows_no_hint_of_amaranth(tmp_path, command) -> None:
    where = """
import zynq_lstm.hw.controller
zynq_lstm.hw.controller.Controller.elaborate = interrupt
"""
    board = ["--board", "pynq-z2"] if command == "bitstream" else []
    result = ended(where, command, "-o", tmp_path / "out", *board)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "Interrupted.\n")


def test_an_interrupt_on_the_way_out_changes_nothing(image_path) -> None:
    result = ended("import atexit; atexit.register(interrupt)", "info", image_path)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_second_interrupt_is_none(image_path) -> None:
    where = """
import zynq_lstm.cli.ending
def end(status):
    interrupt()
    sys.exit(status)
zynq_lstm.cli.ending.end = end
import zynq_lstm.cli.info
zynq_lstm.cli.info.read_image = interrupt
"""
    result = ended(where, "info", image_path)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "Interrupted.\n")


def test_ignored_interrupts_stay_ignored(image_path) -> None:
    where = """
import atexit
signal.signal(signal.SIGINT, signal.SIG_IGN)
interrupt()
atexit.register(lambda: print(signal.getsignal(signal.SIGINT).name))
"""
    result = ended(where, "info", image_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == "SIG_IGN"


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
