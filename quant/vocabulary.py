"""The symbols of a model, as characters: text to symbol numbers and back."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.errors import UserError

MAXIMUM_SYMBOLS = 256


class Vocabulary:
    """An ordered set of characters; a symbol is an index into it.

    Parameters
    ----------
    characters : iterable of str
        2 to 256 different strings of one character.

    Raises
    ------
    UserError
        When they are not that.
    """

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = tuple(characters)
        if not 2 <= len(self.characters) <= MAXIMUM_SYMBOLS:
            raise UserError(
                f"Vocabulary size must be from 2 to {MAXIMUM_SYMBOLS}, not {len(self.characters)}"
            )
        for character in self.characters:
            if not isinstance(character, str) or len(character) != 1:
                raise UserError(f"Vocabulary must hold single characters, not {character!r}")
            if "\ud800" <= character <= "\udfff":
                raise UserError(f"Vocabulary must not hold half a character, {character!r}")
        if len(set(self.characters)) != len(self.characters):
            raise UserError("Vocabulary must not hold a character twice")
        self._index = {c: i for i, c in enumerate(self.characters)}

    def __len__(self) -> int:
        return len(self.characters)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def encode(self, text: str) -> NDArray[np.uint8]:
        """Symbols of a text, shape (len(text),).

        Raises
        ------
        UserError
            When a character is not in the vocabulary; the sentence says which, and where.
        """
        try:
            return np.fromiter((self._index[c] for c in text), np.uint8, len(text))
        except KeyError:
            position, character = next((i, c) for i, c in enumerate(text) if c not in self._index)
            raise UserError(
                f"Text must use the model's {len(self)} characters only; found {character!r} "
                f"(U+{ord(character):04X}) at position {position}"
            ) from None

    def decode(self, symbols: Iterable[int]) -> str:
        """Text of symbols."""
        return "".join(self.characters[int(s)] for s in symbols)
