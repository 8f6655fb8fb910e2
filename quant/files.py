"""Files of people: read within limits of size and time, written whole or not at all."""

from __future__ import annotations

import errno
import os
import select
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from zynq_lstm.quant.errors import UserError

MAXIMUM_TEXT_BYTES = 1 << 28
"""More than 256 MB of text is refused before it fills the memory."""

WAIT_SECONDS = 10.0
"""What is no file (a pipe, a terminal) must go on within them, or it is given up."""

_CHUNK_BYTES = 1 << 20
_LEAST_FREE_BYTES = 1 << 20
"""With less a disk counts as full: what did not fit has been removed when it is looked at."""


def read_limited(path: str | Path, most: int) -> bytes:
    """Read a file, or at most ``most`` bytes of it: one more than allowed shows that it has more.

    Raises
    ------
    OSError
        When it cannot be read, also because nothing comes: `WAIT_SECONDS`.
    """
    if "\0" in os.fspath(path):
        raise OSError(errno.EINVAL, "its name has a zero character")
    # Opened without waiting, for a pipe that nobody writes to would never open.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        parts, left = [], most
        while left:
            if not select.select([handle], [], [], WAIT_SECONDS)[0]:
                raise TimeoutError(errno.ETIMEDOUT, f"nothing came from it for {WAIT_SECONDS:g} s")
            part = os.read(handle, min(left, _CHUNK_BYTES))
            if not part:
                break
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
    finally:
        os.close(handle)


def instead_of_file(path: Path) -> str:
    """Say what is where a file must be and is not."""
    if path.is_dir():
        return "it is a folder"
    return "it is a device or a pipe" if path.exists() else "there is none"


def is_safetensors(data: bytes) -> bool:
    """Tell whether a file's content begins as that of a safetensors file does."""
    header = int.from_bytes(data[:8], "little")
    return header <= len(data) - 8 and data[8:9] == b"{"


def write_whole(path: str | Path, content: bytes | str) -> None:
    """Write a file through a temporary one beside it, so that no half-written file remains.

    Links are followed; what is neither file nor folder (a device, a pipe) is written to, not
    replaced.

    Raises
    ------
    UserError
        When the folder is missing or cannot be written.
    """
    write_together({Path(path): content})


def write_together(contents: Mapping[Path, bytes | str]) -> None:
    """Write several files as `write_whole` does, all of them or none.

    Raises
    ------
    UserError
        When one of them cannot be written.
    """
    path = Path()
    written: list[tuple[Path, str, str]] = []
    try:
        for path, content in contents.items():
            data = content.encode() if isinstance(content, str) else content
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if path.exists() and not path.is_file():
                path.write_bytes(data)
                continue
            target = os.path.realpath(path)
            handle, temporary = _temporary(target)
            written.append((path, temporary, target))
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(temporary, 0o666 & ~umask())
        for path, temporary, target in written:  # noqa: B007 - the error names it
            os.replace(temporary, target)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        for _, temporary, _ in written:
            Path(temporary).unlink(missing_ok=True)


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Give a temporary file beside a file, which takes its place when all went well.

    For what writes a file by its name. What goes wrong meanwhile is not said here.

    Raises
    ------
    UserError
        When no file can be made there, or take the place.
    """
    target = os.path.realpath(path)
    try:
        handle, temporary = _temporary(target)
    except OSError as error:
        raise unwritable(path, error) from None
    os.close(handle)
    try:
        yield Path(temporary)
        try:
            os.chmod(temporary, 0o666 & ~umask())
            os.replace(temporary, target)
        except OSError as error:
            raise unwritable(path, error) from None
    finally:
        Path(temporary).unlink(missing_ok=True)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder that is there meanwhile.

    Raises
    ------
    UserError
        When something fails meanwhile, and the disk of temporary files is found full.
    """
    with tempfile.TemporaryDirectory(prefix="zynq-lstm.") as name:
        try:
            yield Path(name)
        except (OSError, UserError):
            if shutil.disk_usage(name).free < _LEAST_FREE_BYTES:
                raise UserError(
                    f"Temporary folder {tempfile.gettempdir()} must have room, but it is full; "
                    "make room or set TMPDIR to another"
                ) from None
            raise


def check_writable(folder: str | Path, path: str | Path) -> None:
    """See that a file could be made in a folder, without leaving a trace.

    Parameters
    ----------
    folder : path
        Exists, or it is what the error says.
    path : path
        What is to be written there.

    Raises
    ------
    UserError
        When it could not.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=".zynq-lstm.", dir=folder)
    except OSError as error:
        raise unwritable(path, error) from None
    os.close(handle)
    os.unlink(name)


def _temporary(target: str) -> tuple[int, str]:
    folder, name = os.path.split(target)
    return tempfile.mkstemp(prefix=f".{name}.", dir=folder)


def unwritable(path: str | Path, error: OSError, what: str = "Output") -> UserError:
    """Return what is said of an output that could not be written."""
    advice = _ADVICE.get(error.errno or 0, "")
    return UserError(
        f"{what} {path} must be writable: {error.strerror or error}; {advice}choose another path"
    )


_ROOM = "make room or "
_ADVICE = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "raise the limit of a file's size (ulimit -f) or ",
}
"""What else can be done about an error."""


def umask() -> int:
    """Bits of a mode that this process gives no file; they are told only where they are set."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
