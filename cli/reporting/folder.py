"""A folder of files that is written whole, and that spares what else is in it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import write_together


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, which is made at need.

    A new folder appears with all its files at once. Into one that is there, the files are moved
    when all of them have been written; they replace files of their names, and others stay.

    Parameters
    ----------
    folder : Path
    files : dict of str to bytes
        Contents by name.

    Raises
    ------
    UserError
        When the folder cannot be written, or a folder lies where a file belongs.
    """
    check_places(folder, files)
    try:
        folder = Path(os.path.realpath(folder))
        if folder.exists():
            write_together({folder / name: content for name, content in files.items()})
        else:
            folder.parent.mkdir(parents=True, exist_ok=True)
            _make(folder, files)
    except OSError as error:
        raise UserError(
            f"Output {folder} must be writable: {error.strerror or error}; choose another path"
        ) from None


def check_places(folder: Path, names: Mapping[str, object] | list[str]) -> None:
    """See that no folder lies where a file is to be written.

    Raises
    ------
    UserError
        When one does.
    """
    for name in names:
        if (folder / name).is_dir():
            raise UserError(
                f"Output {folder / name} must be a file, but it is a folder; choose another path"
            )


def _make(folder: Path, files: Mapping[str, bytes]) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _write(temporary, files)
        temporary.chmod(0o777 & ~_umask())
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
