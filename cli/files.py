"""Files that a person names: texts that are read, and outputs that are checked before long work."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import MAXIMUM_TEXT_BYTES, check_writable, read_limited
from zynq_lstm.quant.vocabulary import Vocabulary

PICTURES = (".png", ".svg")
"""Endings of pictures that can be drawn."""


MODELS = (".safetensors", ".zlstm", ".pt", ".pth", ".onnx", ".keras", ".h5")
"""Endings of models, each of which says what is in the file."""


def read_text(path: Path, vocabulary: Vocabulary | None = None) -> str:
    """Read a text file, its line ends unchanged.

    Parameters
    ----------
    path : Path
    vocabulary : Vocabulary, optional
        The model's that it is read for.

    Raises
    ------
    UserError
        When it cannot be read, is too large or, unless the model's symbols are bytes, not UTF-8.
    """
    try:
        data = read_limited(path, MAXIMUM_TEXT_BYTES + 1)
        if len(data) > MAXIMUM_TEXT_BYTES:
            raise UserError(
                f"Text {path} must have at most {MAXIMUM_TEXT_BYTES >> 20} MB; it has more"
            )
        return data.decode("utf-8") if vocabulary is None else vocabulary.text_of(data)
    except OSError as error:
        raise UserError(f"Text {path} must be a readable file: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"Text {path} must be UTF-8; it has an invalid byte at offset {error.start}"
        ) from None


def check_model_file(path: Path, *, source: Path, ending: str) -> None:
    """See that a model could be written, and under no name that means another kind of file.

    Parameters
    ----------
    path : Path
        The output.
    source : Path
        What it is made of.
    ending : str
        That of its kind; a name with none, or with one that says nothing, is as good.

    Raises
    ------
    UserError
        When it could not.
    """
    check_output_file(path, source=source)
    if path.suffix.lower() in set(MODELS) - {ending}:
        raise UserError(
            f"Output {path} must not have the ending of another kind of file; "
            f"name it {path.with_suffix(ending).name}"
        )


def check_output_file(path: Path, *, source: Path | None = None) -> None:
    """See that a file could be written, without leaving a trace.

    Parameters
    ----------
    path : Path
        The output.
    source : Path, optional
        An input, which must be another file.

    Raises
    ------
    UserError
        When it could not, or would replace its own source.
    """
    if path.is_dir():
        raise UserError(f"Output {path} must be a file, but it is a folder; choose another path")
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise UserError(f"Output must not be the input {source} itself; choose another path")
    if path.exists() and not path.is_file():
        return  # A device or a pipe, which is written to and not replaced.
    check_writable(Path(os.path.realpath(path)).parent, path)


def check_picture(path: Path) -> None:
    """See that a picture could be drawn to a file, before the work that it shows.

    Raises
    ------
    UserError
        When its ending is no picture's, or it could not be written.
    """
    if path.suffix not in PICTURES:
        raise UserError(f"Picture must have the ending .svg or .png; {path} does not")
    if not path.parent.is_dir():
        raise UserError(f"Folder of the picture, {path.parent}, must exist; it does not")
    check_output_file(path)
    if importlib.util.find_spec("matplotlib") is None:
        raise ModuleNotFoundError(name="matplotlib")


def check_output_folder(path: Path) -> None:
    """See that files could be written into a folder, which may have to be made first.

    Raises
    ------
    UserError
        When they could not.
    """
    folder = Path(os.path.realpath(path))
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    check_writable(folder, path)
