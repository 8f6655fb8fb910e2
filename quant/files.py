"""Output files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from zynq_lstm.quant.errors import UserError


def write_whole(path: str | Path, content: bytes | str) -> None:
    """Write a file through a temporary one beside it, so that no half-written file remains.

    Links are followed; what is neither file nor folder (a device, a pipe) is written to, not
    replaced.

    Raises
    ------
    UserError
        When the folder is missing or cannot be written.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    temporary = ""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(data)
            return
        target = Path(os.path.realpath(path))
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
        temporary = ""
    except OSError as error:
        raise UserError(
            f"Output {path} must be writable: {error.strerror or error}; choose another path"
        ) from None
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
