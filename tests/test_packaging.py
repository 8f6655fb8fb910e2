"""What is installed is what is in the folders."""

import os
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("boards", "cli", "host", "hw", "importers", "models", "quant", "sim", "train")
DATA = {"hw": {".v"}, "models": {".zlstm"}, "sim": {".cpp", ".sv", ".v"}}
"""Kinds of files beside Python's own that the packages hold; in boards, any."""
LEFT_OUT = {"models": {".md", ".safetensors"}}
"""Kinds of files in their folders that stay out of the packages."""

if sys.version_info >= (3, 11):
    import tomllib
else:
    pytest.skip("Python 3.10 cannot read pyproject.toml", allow_module_level=True)


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def folders_with_modules() -> set[str]:
    found = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            found.add(path.parent.relative_to(ROOT).as_posix())
    return found


def test_packages_are_the_folders_on_disk(project) -> None:
    packages = project["tool"]["setuptools"]["packages"]
    listed = {name.removeprefix("zynq_lstm.").replace(".", "/") for name in packages}
    assert listed == folders_with_modules()
    assert packages == sorted(packages)


def test_packages_are_mapped_to_their_folders(project) -> None:
    mapping = project["tool"]["setuptools"]["package-dir"]
    assert mapping == {f"zynq_lstm.{folder}": folder for folder in FOLDERS}


def test_each_folder_says_what_it_is() -> None:
    for folder in folders_with_modules():
        assert (ROOT / folder / "__init__.py").read_text().startswith('"""')


def test_other_files_are_package_data(project) -> None:
    data = project["tool"]["setuptools"]["package-data"]
    for folder in set(FOLDERS) - {"boards"}:
        kinds = {path.suffix for path in (ROOT / folder).rglob("*.*") if path.is_file()}
        kinds -= {".py", ".pyc"} | LEFT_OUT.get(folder, set())
        assert kinds == DATA.get(folder, set())
        assert set(data.get(f"zynq_lstm.{folder}", [])) == {f"*{k}" for k in DATA.get(folder, ())}
    assert data["zynq_lstm.boards"] == ["**"]


def test_the_core_needs_numpy_only(project) -> None:
    (dependency,) = project["project"]["dependencies"]
    assert re.fullmatch(r"numpy>=[\d.]+", dependency)


def test_type_links_lead_to_the_folders() -> None:
    links = {path.name: os.readlink(path) for path in (ROOT / ".types/zynq_lstm").iterdir()}
    assert links == {name: f"../../{name}" for name in FOLDERS if name != "boards"}


def test_ci_runs_the_tests() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    for target in ("lint", "test", "docs", "test-pynq"):
        assert f"make {target}\n" in script.read_text()
