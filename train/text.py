"""A file as a text with a vocabulary, before anything is made of it; needs no PyTorch.

Importing that takes seconds, after which nobody wants to hear that the file is empty.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import MAXIMUM_TEXT_BYTES, read_limited
from zynq_lstm.quant.vocabulary import BYTES, MAXIMUM_SYMBOLS, Vocabulary


def read_file(path: Path) -> tuple[bytes, str]:
    """Read a file.

    Returns
    -------
    tuple
        Its bytes and their SHA-256 digest in hexadecimal.

    Raises
    ------
    UserError
        If it cannot be read, or is too large.
    """
    try:
        data = read_limited(path, MAXIMUM_TEXT_BYTES + 1)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            f"Training text must be a readable file, but {path} could not be read ({reason}); "
            "give the path of a text file"
        ) from error
    if len(data) > MAXIMUM_TEXT_BYTES:
        raise UserError(
            f"Training text must have at most {MAXIMUM_TEXT_BYTES >> 20} MB, but {path} has more; "
            "train on a part of it"
        )
    return data, hashlib.sha256(data).hexdigest()


def text_of(data: bytes, vocabulary: Vocabulary | None, path: Path) -> str:
    """Return the text of a file's bytes for a vocabulary, line ends unchanged.

    Parameters
    ----------
    data : bytes
    vocabulary : Vocabulary or None
        None for characters that are not known yet.
    path : Path
        The file, for errors.

    Raises
    ------
    UserError
        If it is empty, or not UTF-8 and the vocabulary is not `BYTES`.
    """
    if not data:
        raise UserError(f"Training text must not be empty, but {path} is; give a longer text")
    try:
        return data.decode("utf-8") if vocabulary is None else vocabulary.text_of(data)
    except UnicodeDecodeError as error:
        raise UserError(
            f"Training text must be UTF-8, but {path} has an invalid byte at offset "
            f"{error.start}; convert it to UTF-8 or train a new model on bytes (--symbols bytes)"
        ) from error


def characters_of(text: str, path: Path) -> Vocabulary:
    """Return a text's different characters, in sorted order.

    Raises
    ------
    UserError
        If there are fewer than 2 or more than 256.
    """
    characters = sorted(set(text))
    if len(characters) < 2:
        raise UserError(
            f"Training text must have at least 2 different characters, but {path} has "
            f"{characters[0]!r} only; give a text in which there is something to learn"
        )
    if len(characters) > MAXIMUM_SYMBOLS:
        raise UserError(
            f"Training text must have at most {MAXIMUM_SYMBOLS} different characters, but "
            f"{path} has {len(characters)}; replace or remove rare characters, or train on bytes "
            "(--symbols bytes)"
        )
    return Vocabulary(characters)


def extended(old: Vocabulary, text: Path) -> Vocabulary:
    """A vocabulary and, behind it in sorted order, the characters of a file that it lacks.

    Raises
    ------
    UserError
        If the text cannot be used, or there are too many for the hardware.
    """
    if old is BYTES:
        return old
    data, _ = read_file(text)
    new = sorted(set(text_of(data, None, text)) - set(old.characters))
    if len(old) + len(new) > MAXIMUM_SYMBOLS:
        raise UserError(
            f"Training text must leave at most {MAXIMUM_SYMBOLS} symbols, but {text} adds "
            f"{len(new)} characters to the checkpoint's {len(old)}; replace or remove rare ones"
        )
    return Vocabulary([*old.characters, *new])


def check_text(path: Path, vocabulary: Vocabulary | None) -> None:
    """See that a model can be trained on a file, as far as its bytes and characters tell.

    Parameters
    ----------
    path : Path
        A pipe, which can be read once, is left alone.
    vocabulary : Vocabulary or None
        That of the model to go on from, or `BYTES`.

    Raises
    ------
    UserError
        When it cannot.
    """
    if path.is_fifo():
        return
    if vocabulary is None:
        characters_of(text_of(read_file(path)[0], None, path), path)
    elif vocabulary is BYTES:
        text_of(read_file(path)[0], BYTES, path)
    else:
        extended(vocabulary, path)
