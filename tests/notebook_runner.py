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


def execute(path: Path, folder: Path) -> list[str]:
    """Run all cells in a folder.

    Returns
    -------
    list of str
        What each code cell printed.

    Raises
    ------
    CellExecutionError
        When a cell raises.
    """
    book = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(book, timeout=CELL_SECONDS, kernel_name="python3", resources=resources)
    client.execute()
    return [
        "".join(output["text"] for output in cell.outputs if output.get("name") == "stdout")
        for cell in book.cells
        if cell.cell_type == "code"
    ]
