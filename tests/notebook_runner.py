"""Runs a notebook of boards/notebooks as a user does, in a kernel of its own."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "boards" / "notebooks"
FIRST_TEXT, OWN_MODEL, INSIDE = (
    FOLDER / f"{name}.ipynb" for name in ("1_first_text", "2_your_own_model", "3_a_look_inside")
)
CELL_SECONDS = 600
"""A simulator may have to be compiled first."""


def run(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Run all cells in a folder.

    Returns
    -------
    NotebookNode
        With outputs.

    Raises
    ------
    CellExecutionError
        When a cell raises.
    """
    book = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(book, timeout=CELL_SECONDS, kernel_name="python3", resources=resources)
    client.execute()
    return book


def execute(path: Path, folder: Path) -> list[str]:
    """Run all cells in a folder; return the text of each code cell, printed or displayed."""
    book = run(path, folder)
    return ["".join(map(_text_of, cell.outputs)) for cell in book.cells if cell.cell_type == "code"]


def _text_of(output: nbformat.NotebookNode) -> str:
    if output.output_type == "stream":
        return output.text if output.name == "stdout" else ""
    return output.data.get("text/plain", "")
