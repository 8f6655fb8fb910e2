"""The live view: what it shows, on a terminal of its own size, and how it ends."""

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from rich.console import Console

import zynq_lstm.host as host
from zynq_lstm.cli.live import LiveView
from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import read_image

SECONDS = 60


def shown(session, console, *pieces, prompt="ab", length=40, where="sim") -> str:
    view = LiveView(session, prompt, length, where, console)
    for piece in pieces:
        view.add(piece)
    console.print(view.render())
    return console.file.getvalue()


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=100, height=20)


def test_shows_what_the_counters_say(image_path, console, modelled_simulation) -> None:
    image = read_image(image_path)
    transport = AcceleratorTransport(modelled_simulation(image.config, lambda text: None))
    transport.load(image)
    with host.Session(image, transport) as session:
        text = session.generate("ab", 20)
        out = shown(session, console, text)
    assert "20 of 40" in out
    assert "400.0 a character" in out
    assert "357,143 characters/s at 142.86 MHz" in out
    assert "with the starts and ends of runs" in out
    assert "95.0% busy" in out
    assert "characters/s" in out


def test_counts_the_starts_of_runs(image_path, console, monkeypatch) -> None:
    with host.open(image_path) as session:
        counters = host.Counters(characters=10, cycles=3800, steps=3000, stalls=0, startup=200)
        monkeypatch.setattr(session, "counters", lambda: counters)
        out = shown(session, console, "a")
    assert "400.0 a character" in out
    assert "75.0% busy" in out


def test_calls_bytes_bytes(bytes_image_path, console, monkeypatch) -> None:
    with host.open(bytes_image_path) as session:
        counters = host.Counters(characters=10, cycles=3800, steps=3000, stalls=0, startup=200)
        monkeypatch.setattr(session, "counters", lambda: counters)
        out = shown(session, console, "€")
    assert "bytes" in out and "3 of 40" in out
    assert "400.0 a byte" in out
    assert "character" not in out


def test_shows_that_the_golden_model_has_no_clock(image_path, console) -> None:
    with host.open(image_path) as session:
        assert "golden has no clock" in shown(session, console, "a", where="golden")


def test_shows_the_end_of_a_long_text(image_path, console) -> None:
    with host.open(image_path) as session:
        out = shown(session, console, *["abcdefgh\n"] * 500, "bad cab!", length=5000)
    assert "bad cab!" in out
    assert out.count("\n") <= 20


def test_stops_at_an_interrupt(image_path, console) -> None:
    def pieces():
        yield "abc"
        raise KeyboardInterrupt

    with host.open(image_path) as session:
        view = LiveView(session, "a", 40, "golden", console)
        assert view.show(pieces()) == ("abc", False)


def test_its_title_is_whole_on_eighty_columns(image_path) -> None:
    console, largest = Console(file=io.StringIO(), width=80, height=20), Config(symbols=256)
    with host.open(image_path) as session:
        session.image = replace(session.image, config=largest)
        out = shown(session, console)
    assert f" {largest.describe()} " in out.splitlines()[0]


def test_needs_a_terminal(run, image_path) -> None:
    plain = run("generate", image_path, "-p", "abc", "-n", 20)
    result = run("generate", image_path, "-p", "abc", "-n", 20, "--live")
    assert result.status == 0
    assert result.out == plain.out
    assert result.err.startswith("A live view needs a terminal")


def on_a_terminal(*arguments: object, until: str = "", then: int | None = None):
    """Run the command on a pseudo-terminal; send a signal once it has shown something."""
    master, slave = pty.openpty()
    begin = "from zynq_lstm.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", begin, *map(str, arguments)],
        stdin=slave, stdout=slave, stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
    )  # fmt: skip
    os.close(slave)
    seen, limit = b"", time.monotonic() + SECONDS
    while time.monotonic() < limit:
        if select.select([master], [], [], 0.1)[0]:
            try:
                seen += os.read(master, 1 << 16)
            except OSError:  # the other end is closed
                break
        if then is not None and until.encode() in seen:
            process.send_signal(then)
            then = None
    _, errors = process.communicate(timeout=SECONDS)
    os.close(master)
    return process.returncode, seen.decode(), errors.decode()


def test_leaves_the_text_on_the_terminal(image_path) -> None:
    with host.open(image_path) as session:
        text = session.generate("abc", 30, seed=2)
    status, seen, errors = on_a_terminal(
        "generate", image_path, "-p", "abc", "-n", 30, "-s", 2, "--live"
    )
    assert status == 0
    assert "30 characters on golden" in errors
    assert "Ctrl-C ends it" in seen
    assert seen.replace("\r\n", "\n").rstrip("\n").endswith(text.rstrip("\n"))


def test_ends_cleanly_with_an_interrupt(image_path) -> None:
    status, seen, errors = on_a_terminal(
        "generate", image_path, "-p", "abc", "-n", 10**6, "--live",
        until="characters/s", then=signal.SIGINT,
    )  # fmt: skip
    assert status == 130
    assert "Traceback" not in errors
    assert re.search(r"[\d,]+ characters on golden", errors)
    assert "\x1b[?25h" in seen  # the cursor is back
