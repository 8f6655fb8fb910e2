"""The notebooks on the simulated chip, beside the golden model; tests/on_pynq has the board."""

from pathlib import Path

import nbformat
import pytest
from notebook_runner import FIRST_TEXT, FOLDER, INSIDE, OWN_MODEL, execute, run

from zynq_lstm.host.backends import CHOICE

NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_these_are_all() -> None:
    assert [FIRST_TEXT, OWN_MODEL, INSIDE] == NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_holds_no_outputs(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    for cell in book.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_streamed_text_is_one_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a page made of the notebook has a paragraph for each output."""
    monkeypatch.setenv(CHOICE, "golden")
    book = run(FIRST_TEXT, tmp_path)
    (cell,) = (cell for cell in book.cells if "lstm.stream(" in cell.source)
    (output,) = cell.outputs
    assert len(output.data["text/plain"].split()) > 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_prints_the_same_on_chip_and_golden_model(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cell by cell, but for the last, which may show counters that a model has not."""
    found = {}
    for backend in ("golden", "sim"):
        monkeypatch.setenv(CHOICE, backend)
        found[backend] = execute(path, tmp_path)
    assert any(found["sim"])
    assert found["sim"][:-1] == found["golden"][:-1]
