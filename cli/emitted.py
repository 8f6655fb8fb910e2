"""Folders of Verilog, written aside first: `zynq-lstm rtl` and `zynq-lstm bitstream`.

Tools take a folder's ``*.v`` as they find it. So the files appear when all are made, those that
only an earlier run had go away, and what else is there is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from zynq_lstm.cli.console import counted, say
from zynq_lstm.cli.folder import check_own, write_recorded
from zynq_lstm.quant.files import temporary_folder

_SHOWN = 3
"""Names of a list that are written out."""


@contextmanager
def written_aside(output: Path, command: str, known: Mapping[str, bytes | None]) -> Iterator[Path]:
    """Give a folder to write into, whose files go into the output when all have been written.

    Parameters
    ----------
    output : Path
        Made at need.
    command : str
        Whose files they are; ``zynq_lstm.COMMAND.sha256`` records them.
    known : dict of str to bytes or None
        Some of the files, as `check_own` takes them: a person's in their places is seen at once.

    Raises
    ------
    UserError
        When the output cannot be written, or a person's file would be replaced.
    """
    check_own(output, known, command)
    with temporary_folder() as aside:
        yield aside
        files = contents(aside)
    write_and_tell(output, files, command)
    if others := _other_verilog(output, files):
        say(f"Note: {output} also has Verilog that is not of this run: {_listed(others)}")


def contents(folder: Path) -> dict[str, bytes]:
    """Return a folder's files by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write_and_tell(output: Path, files: Mapping[str, bytes], command: str) -> None:
    """Write files as `write_recorded` does, and tell the person what was removed."""
    if removed := write_recorded(output, files, command):
        say(f"Removed {counted(len(removed), 'file')} of an earlier run: {_listed(removed)}")


def _other_verilog(output: Path, files: Mapping[str, bytes]) -> list[str]:
    """Verilog that lies where some was written."""
    folders = {output / Path(name).parent for name in files if name.endswith(".v")}
    found = (path.relative_to(output).as_posix() for f in folders for path in f.glob("*.v"))
    return sorted(name for name in found if name not in files)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
