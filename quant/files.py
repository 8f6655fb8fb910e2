"""Output files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from zynq_lstm.quant.errors import UserError


def write_whole(path: str | Path, content: bytes | str) -> None:
    """Write a file through a temporary one beside it, so that no half-written file remains.

    Raises
    ------
    UserError
        When the folder is missing or cannot be written.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise UserError(
            f"Output {path} must be writable: {error.strerror or error}; choose another path"
        ) from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
