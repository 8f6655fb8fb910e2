"""A folder of files that is written whole, and that spares what else is in it.

Where the next run may have other files, a record tells which were written: a file with the SHA-256
of each, as ``sha256sum -c`` reads it. What it names, and what is still as it was written, is the
command's own and may be replaced and removed; anything else is a person's.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import umask, unwritable, write_together

_RECORDED = re.compile(r"^([0-9a-f]{64})  (\w[\w./-]*)$", re.MULTILINE)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, which is made at need.

    A new folder appears with all its files at once. Into one that is there, the files are moved
    when all of them have been written; they replace files of their names, and others stay.

    Parameters
    ----------
    folder : Path
    files : dict of str to bytes
        Contents by name; a name may have folders in it.

    Raises
    ------
    UserError
        When the folder cannot be written, or a folder lies where a file belongs.
    """
    check_places(folder, files)
    try:
        folder = Path(os.path.realpath(folder))
        if folder.exists():
            _make_parents(folder, files)
            write_together({folder / name: content for name, content in files.items()})
        else:
            folder.parent.mkdir(parents=True, exist_ok=True)
            _make(folder, files)
    except OSError as error:
        raise unwritable(folder, error) from None


def record_of(command: str) -> str:
    """Return the name of a command's record."""
    return f"zynq_lstm.{command}.sha256"


def write_recorded(folder: Path, files: Mapping[str, bytes], command: str) -> list[str]:
    """Write files as `write_folder` does, with a record, and remove those of the one before.

    Parameters
    ----------
    folder : Path
    files : dict of str to bytes
    command : str
        Whose files they are. Until all are in place, its record names the old ones, too: after an
        interruption they are the command's own, whichever are there.

    Returns
    -------
    list of str
        Names of the files that were removed.

    Raises
    ------
    UserError
        As `write_folder`, and when a file that is not the command's own would get another content.
    """
    record = record_of(command)
    check_places(folder, [record])
    written = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    if not folder.exists():
        write_folder(folder, {**files, record: _lines(written)})
        return []
    check_own(folder, files, command)
    before = _unchanged(folder, record)
    write_folder(folder, {record: _lines(before) + _lines(written), **files})
    try:
        stale = _stale(folder, files, before)
        for name in stale:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"Output {error.filename} of an earlier run must be removable: {error.strerror}; "
            "choose another path"
        ) from None
    write_folder(folder, {record: _lines(written)})
    return stale


def check_own(folder: Path, files: Mapping[str, bytes | None], command: str) -> None:
    """See that no file is replaced which a person wrote or changed.

    Parameters
    ----------
    folder : Path
    files : dict of str to bytes or None
        Contents by name; None where one is not known yet.
    command : str

    Raises
    ------
    UserError
        When one would be.
    """
    check_places(folder, files)
    own = _unchanged(folder, record_of(command))
    for name, content in files.items():
        path = folder / name
        if name in own or not path.is_file():
            continue
        try:
            same = content is not None and path.read_bytes() == content
        except OSError as error:
            raise unwritable(path, error) from None
        if not same:
            raise UserError(
                f"Output {path} must be as zynq-lstm {command} has written it, but it is another "
                "file or has been changed; move it away or choose another folder"
            )


def _lines(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in digests.items()).encode()


def _stale(folder: Path, files: Mapping[str, bytes], before: Mapping[str, str]) -> list[str]:
    """Names of the files before that are not among these.

    Nor is one of these that has another name: where small letters and capitals are alike.
    """
    written = {_identity(folder / name) for name in files}
    return [name for name in before if _identity(folder / name) not in written]


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _unchanged(folder: Path, record: str) -> dict[str, str]:
    """A record's files that are below the folder, no links, and as they were written: digests."""
    try:
        text = (folder / record).read_text("utf-8", "replace")
    except OSError:
        return {}
    within = os.path.realpath(folder)
    found = {}
    for digest, name in dict.fromkeys(_RECORDED.findall(text)):
        path = folder / name
        inside = os.path.realpath(path) == os.path.join(within, name)
        if inside and path.is_file():
            with suppress(OSError):
                if hashlib.sha256(path.read_bytes()).hexdigest() == digest:
                    found[name] = digest
    return found


def check_places(folder: Path, names: Iterable[str]) -> None:
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
        temporary.chmod(0o777 & ~umask())
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _make_parents(folder: Path, files: Mapping[str, bytes]) -> None:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    _make_parents(folder, files)
    for name, content in files.items():
        (folder / name).write_bytes(content)
