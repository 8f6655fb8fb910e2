"""The texts of the project's models, made again from where they come from.

The project ships models, not their texts. Shakespeare's is a file that many places offer; the
other two are made here, from files that are the same wherever they are fetched:

    python -m zynq_lstm.train.corpora python python.txt
    pip download --no-deps Django==5.2.4 wagtail==7.0.1
    python -m zynq_lstm.train.corpora catalogs catalogs.txt django-*.whl wagtail-*.whl

``python`` takes the standard library's top-level modules from the interpreter that runs it, so
only CPython 3.11.7 gives the text that the model has seen. ``catalogs`` takes the translations in
the message catalogs of Django and Wagtail (both under the BSD licence), in languages of many
scripts: UTF-8 text of which two bytes in five are above 127. The length and SHA-256 that are
printed stand in ``models/README.md``.

A text is split by position. So that each part of it has files of all sorts, files follow each
other in the order of their names' SHA-256.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import write_whole

PLAIN = bytes([10, *range(32, 127)])
"""Line feed and the printable characters of ASCII."""

LANGUAGES = (
    *("ar", "bg", "cs", "da", "de", "el", "es", "fi", "fr", "he", "hi", "hu"),
    *("id", "it", "ja", "ko", "nl", "pl", "pt_BR", "ro", "ru", "sv", "th", "tr"),
    *("uk", "vi", "zh_Hans"),
)
"""One of each group of languages that differ little."""

_MO_MAGIC = 0x950412DE


def python_modules(library: Path) -> bytes:
    """The top-level modules of a standard library, those of ASCII text without tabs.

    What the interpreter's build has written (``_sysconfigdata…``) is left out: it differs from
    machine to machine.

    Parameters
    ----------
    library : Path
        The folder with ``abc.py``.
    """
    paths = [path for path in library.glob("*.py") if not path.name.startswith("_sysconfigdata")]
    modules = {path.name: path.read_bytes() for path in paths}
    texts = [modules[name] for name in _mixed(modules)]
    return b"\n\n".join(text for text in texts if not text.translate(None, PLAIN))


def catalogs(wheels: list[Path]) -> bytes:
    """The translations in the message catalogs of wheels, a message or plural form a line.

    Parameters
    ----------
    wheels : list of Path
        Zip files with catalogs in folders ``locale/LANGUAGE/LC_MESSAGES``; those in `LANGUAGES`
        are taken.

    Raises
    ------
    UserError
        When a file is not such a wheel.
    """
    found: dict[str, bytes] = {}
    for wheel in wheels:
        try:
            with zipfile.ZipFile(wheel) as archive:
                names = [name for name in archive.namelist() if _language(name) in LANGUAGES]
                texts = {name: b"\n".join(translations(archive.read(name))) for name in names}
        except (OSError, zipfile.BadZipFile, struct.error) as error:
            raise UserError(
                f"Catalogs must come from a wheel, but {wheel} cannot be read ({error}); "
                "fetch it with pip download --no-deps"
            ) from None
        if not texts:
            raise UserError(
                f"Catalogs must come from a wheel that holds some, but {wheel} has none"
            )
        found |= texts
    return b"\n\n".join(found[name] for name in _mixed(found) if found[name])


def translations(catalog: bytes) -> Iterator[bytes]:
    """Messages of a compiled catalog (.mo, GNU gettext's format), the header left out."""
    magic, _, count, _, table = struct.unpack_from("<5I", catalog)
    if magic != _MO_MAGIC:
        raise struct.error("a catalog has another magic number")
    for entry in range(count):
        length, offset = struct.unpack_from("<2I", catalog, table + 8 * entry)
        text = catalog[offset : offset + length]
        if not text.startswith(b"Project-Id-Version:"):
            yield from text.split(b"\0")


def _language(name: str) -> str | None:
    parts = name.split("/")
    return parts[-3] if name.endswith(".mo") and parts[-4:-3] == ["locale"] else None


def _mixed(names: dict[str, bytes]) -> list[str]:
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())


def main(arguments: list[str] | None = None) -> None:
    """Make one text, and say what came out."""
    parser = argparse.ArgumentParser(prog="python -m zynq_lstm.train.corpora", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("corpus", choices=("python", "catalogs"))
    parser.add_argument("output", type=Path)
    parser.add_argument("wheels", type=Path, nargs="*", help="where catalogs come from")
    options = parser.parse_args(arguments)
    try:
        if options.corpus == "python":
            text = python_modules(Path(sysconfig.get_path("stdlib")))
        elif not options.wheels:
            raise UserError("Catalogs need the wheels that they come from; name them, too")
        else:
            text = catalogs(options.wheels)
        write_whole(options.output, text)
    except UserError as error:
        parser.exit(1, f"{error}\n")
    print(f"{options.output}: {len(text):,} bytes, SHA-256 {hashlib.sha256(text).hexdigest()}")


if __name__ == "__main__":
    main()
