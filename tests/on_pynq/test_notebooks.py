"""The first notebook through pynq, and how pynq hands the notebooks out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from notebook_runner import FIRST_TEXT, FOLDER, execute

from zynq_lstm.host.backends import CHOICE


def test_prints_what_the_golden_model_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for backend in ("golden", "virtual"):
        monkeypatch.setenv(CHOICE, backend)
        found[backend] = execute(FIRST_TEXT, tmp_path)
    assert found["virtual"][:-1] == found["golden"][:-1]


def test_pynq_delivers_them(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("pynq")), "get-notebooks", "zynq-lstm"]
    done = subprocess.run(
        [*command, "--ignore-overlays", "--path", str(tmp_path)],
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    delivered = {path.name for path in tmp_path.rglob("*.ipynb")}
    assert delivered == {path.name for path in FOLDER.glob("*.ipynb")}, done.stdout
