"""Files of others, read with bounds: no more bytes than any model that fits the chip can have."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import instead_of_file

MAXIMUM_BYTES = 64 << 20
"""The largest model that fits has 2.5 MB; a training checkpoint holds more than the model."""

MAXIMUM_VALUES = MAXIMUM_BYTES // 4
"""Numbers of all tensors together."""

_MAXIMUM_MEMBERS = 10_000


def read_bytes(path: Path) -> bytes:
    """A file's content.

    Raises
    ------
    UserError
        When it cannot be read or is too large.
    """
    try:
        if not path.is_file():
            raise UserError(f"Model {path} must be a file; {instead_of_file(path)}")
        size = path.stat().st_size
        if size > MAXIMUM_BYTES:
            raise UserError(
                f"Model {path} must have at most {MAXIMUM_BYTES >> 20} MB, not {size >> 20} MB; it "
                "is larger than any model that fits the chip"
            )
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise UserError(f"Model {path} must be a readable file: {error.strerror}") from None


class Archive:
    """The members of a zip file.

    Parameters
    ----------
    data : bytes
        The file's content.
    name : str
        What the model is called in errors.

    Raises
    ------
    UserError
        When it is damaged, or would grow beyond `MAXIMUM_BYTES`.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._name = name
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            self._members = self._zip.infolist()
        except (zipfile.BadZipFile, ValueError, EOFError, OverflowError, NotImplementedError):
            raise UserError(f"{name} must be a sound zip archive; it is damaged") from None
        total = sum(member.file_size for member in self._members)
        if total > MAXIMUM_BYTES or len(self._members) > _MAXIMUM_MEMBERS:
            raise UserError(
                f"{name} must unpack to at most {MAXIMUM_BYTES >> 20} MB; it says that it has "
                f"{total >> 20} MB in {len(self._members)} members"
            )

    @property
    def names(self) -> list[str]:
        """Names of the members."""
        return [member.filename for member in self._members]

    @property
    def compressed(self) -> bool:
        """Whether a member is not simply stored."""
        return any(
            member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size
            for member in self._members
        )

    def read(self, member: str) -> bytes:
        """Content of a member.

        Raises
        ------
        UserError
            When it is missing or damaged.
        """
        try:
            return self._zip.read(member)
        except KeyError:
            raise UserError(f"{self._name} must hold {member}; it is missing") from None
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            RuntimeError,
            ValueError,
            NotImplementedError,
        ):
            raise UserError(f"{self._name} is damaged: {member} cannot be unpacked") from None
