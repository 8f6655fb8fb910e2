"""The characters of a foreign model's symbols.

They come from a JSON file of the person, or from what the model's file says, or they are the 256
bytes: then symbol k is the character U+00k, as in Latin-1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.vocabulary import MAXIMUM_SYMBOLS, Vocabulary

MAXIMUM_BYTES = 1 << 16
"""The longest list of 256 characters, escaped and indented, has 5 KB."""

FORM = "a JSON list of characters, or an object of characters and their numbers"


def bytes_vocabulary() -> Vocabulary:
    """The 256 bytes, as the characters U+0000 to U+00FF."""
    return Vocabulary(chr(byte) for byte in range(256))


def read_vocabulary(path: str | Path) -> Vocabulary:
    """Read a vocabulary from a JSON file.

    Raises
    ------
    UserError
        When it is missing, too large, or no vocabulary.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise UserError(f"Vocabulary {path} must be a readable file: {error.strerror}") from None
    if len(data) > MAXIMUM_BYTES:
        raise UserError(f"Vocabulary {path} must have at most {MAXIMUM_BYTES >> 10} KB; it is more")
    try:
        value = json.loads(data.decode("utf-8-sig"))  # Windows' editors begin with a mark.
    except (ValueError, RecursionError):
        raise UserError(f"Vocabulary {path} must be {FORM}, in UTF-8; it is not") from None
    return vocabulary_of(value, f"Vocabulary {path}")


def vocabulary_of(value: object, name: str) -> Vocabulary:
    """A vocabulary from plain values.

    Parameters
    ----------
    value : object
        A list of characters, or a dict from characters to the numbers 0, 1, 2 and so on, or from
        these, which JSON writes as text, to characters.
    name : str
        What it is called in errors.

    Raises
    ------
    UserError
        When it is neither.
    """
    if isinstance(value, dict):
        if len(value) > MAXIMUM_SYMBOLS:
            raise UserError(f"{name} must have at most {MAXIMUM_SYMBOLS} symbols, not {len(value)}")
        value = _turned(value)
        numbers = list(value.values())
        plain = all(type(number) is int for number in numbers)
        if not plain or sorted(numbers) != list(range(len(numbers))):
            raise UserError(
                f"{name} must give its characters the numbers from 0 to {len(value) - 1}, each once"
            )
        value = sorted(value, key=value.__getitem__)
    if not isinstance(value, list):
        raise UserError(f"{name} must be {FORM}; it is neither")
    try:
        return Vocabulary(value)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None


def _turned(value: dict[Any, Any]) -> dict[Any, Any]:
    """A dict from characters, whichever way round it was."""
    numbers = {str(number): number for number in range(len(value))}
    turned = {character: key for key, character in value.items() if type(character) is str}
    if {str(key) for key in turned.values()} != set(numbers):
        return value
    return {character: numbers[str(key)] for character, key in turned.items()}


def vocabulary_in(text: object, name: str) -> object:
    """The value of a file's own entry, which may be JSON text.

    Raises
    ------
    UserError
        When it is text but no JSON.
    """
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UserError(f"{name} must carry its vocabulary as {FORM}; it does not") from None
