"""The command that installs an extra's packages: theirs, and with the Python that runs."""

import shlex
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from zynq_lstm.quant import packages
from zynq_lstm.quant.packages import install_command

ROOT = Path(__file__).parents[2]


def test_names_the_packages_of_the_extras() -> None:
    tomllib = pytest.importorskip("tomllib")  # From Python 3.11 on.
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for names in (["train"], ["hw", "sim"], ["bench", "import"]):
        words = shlex.split(install_command(*names))
        wanted = [p for name in names for p in extras["optional-dependencies"][name]]
        assert words == [sys.executable, "-m", "pip", "install", *dict.fromkeys(wanted)]


@pytest.mark.parametrize("end", ['; extra == "x"', "; extra == 'x'", ' ; extra=="x"'])
def test_reads_metadata_of_any_writer(monkeypatch, end) -> None:
    lines = ["numpy>=1.21", f"one<2,>=1{end}", 'two; extra == "y"']
    monkeypatch.setattr(packages, "requires", lambda name: lines)
    monkeypatch.setattr(packages.sys, "executable", "/a b/python")
    assert install_command("x") == "'/a b/python' -m pip install 'one<2,>=1'"


@pytest.mark.parametrize("known", [[], ['one; extra == "hw"'], None])
def test_an_extra_that_was_not_there_when_it_was_installed(monkeypatch, known) -> None:
    monkeypatch.setattr(packages, "requires", lambda name: known)
    assert install_command("hw", "sim").endswith(" -m pip install '.[hw,sim]'")


def test_a_source_tree_that_is_not_installed_installs_itself(monkeypatch) -> None:
    def absent(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(packages, "requires", absent)
    assert install_command("hw", "sim").endswith(" -m pip install '.[hw,sim]'")
