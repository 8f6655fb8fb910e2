"""The symbols of a model: text to symbol numbers and back.

A symbol is a character of the model's own list (`Vocabulary`), or one of the 256 bytes of UTF-8
(`ByteVocabulary`, of which there is one, `BYTES`). Files name the one by its list and the other by
the word ``"bytes"``, see `Vocabulary.to_json`.

Bytes are given out as `str`, like all text. What is not UTF-8 (a model draws byte by byte, and may
be cut off within a character) becomes surrogates U+DC80 to U+DCFF, as Python's own file names do
(PEP 383, ``surrogateescape``). So text to symbols to text is exact in both directions, and any
file can be read, split at any byte and written again.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.errors import UserError

MAXIMUM_SYMBOLS = 256
_ESCAPE = "surrogateescape"

HINTS = {
    "\r": "; its lines end as on Windows: convert them first",
    "\ufeff": "; it is a byte order mark: save without it",
}
"""What to do about characters that nobody sees."""


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

    unit: ClassVar[str] = "character"
    """What a symbol is called."""

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
        if not isinstance(other, Vocabulary):
            return False
        return self.unit == other.unit and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def encode(self, text: str, name: str = "Text") -> NDArray[np.uint8]:
        """Symbols of a text, shape (len(text),).

        Parameters
        ----------
        text : str
        name : str
            What it is called where it is wrong.

        Raises
        ------
        UserError
            When it is no text, or a character is not in the vocabulary; the sentence says which,
            and where.
        """
        _refuse_other_than_text(text, name)
        try:
            return np.fromiter((self._index[c] for c in text), np.uint8, len(text))
        except KeyError:
            position, character = next((i, c) for i, c in enumerate(text) if c not in self._index)
            raise UserError(
                f"{name} must use the model's {len(self)} characters only; found {character!r} "
                f"(U+{ord(character):04X}) at position {position}{HINTS.get(character, '')}"
            ) from None

    def decode(self, symbols: Iterable[int]) -> str:
        """Text of symbols."""
        return "".join(self.characters[int(s)] for s in symbols)

    def decoder(self) -> Decoder:
        """A decoder for symbols that come in pieces."""
        return Decoder(self)

    def text_of(self, data: bytes) -> str:
        """Text of a file's content.

        Raises
        ------
        UnicodeDecodeError
            When it is not UTF-8.
        """
        return data.decode("utf-8")

    def to_json(self) -> list[str] | str:
        """What a file says of it; the inverse is `from_json`."""
        return list(self.characters)

    @staticmethod
    def from_json(value: object) -> Vocabulary:
        """The vocabulary of a list of characters, or `BYTES` of the word ``"bytes"``.

        Raises
        ------
        UserError
            When it is neither, or not such a list as a vocabulary has.
        """
        if value == BYTES.to_json():
            return BYTES
        if not isinstance(value, list):
            raise UserError(
                f'Vocabulary must be a list of characters or the word "{BYTES.to_json()}", '
                f"not {value!r:.40}"
            )
        return Vocabulary(value)


def _refuse_other_than_text(text: object, name: str) -> None:
    if not isinstance(text, str):
        raise UserError(f"{name} must be a string, not {type(text).__name__}")


class ByteVocabulary(Vocabulary):
    """The 256 bytes; a symbol is a byte, and text is UTF-8.

    Its ``characters`` are U+0000 to U+00FF, by which single bytes can be shown.
    """

    unit = "byte"

    def __init__(self) -> None:
        super().__init__(chr(byte) for byte in range(256))

    def encode(self, text: str, name: str = "Text") -> NDArray[np.uint8]:
        """Bytes of a text, UTF-8, shape (number of bytes,).

        Parameters
        ----------
        text : str
        name : str
            What it is called where it is wrong.

        Raises
        ------
        UserError
            When it is no text, or has half a character that stands for no byte.
        """
        _refuse_other_than_text(text, name)
        try:
            return np.frombuffer(text.encode("utf-8", _ESCAPE), np.uint8)
        except UnicodeEncodeError as error:
            raise UserError(
                f"{name} must consist of whole characters; found {text[error.start]!r} "
                f"at position {error.start}"
            ) from None

    def decode(self, symbols: Iterable[int]) -> str:
        """Text of bytes; those that are not UTF-8 as surrogates, see the module."""
        return bytes(int(s) for s in symbols).decode("utf-8", _ESCAPE)

    def decoder(self) -> Decoder:
        """A decoder for bytes that come in pieces."""
        return _ByteDecoder(self)

    def text_of(self, data: bytes) -> str:
        """Text of a file's content, whatever it is."""
        return data.decode("utf-8", _ESCAPE)

    def to_json(self) -> str:
        """The word for it."""
        return "bytes"


class Decoder:
    """Text of symbols that come in pieces; the pieces' texts joined are the text of all symbols.

    Parameters
    ----------
    vocabulary : Vocabulary
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def decode(self, symbols: Iterable[int], *, last: bool = False) -> str:
        """Text of a piece, as far as its characters are whole.

        Parameters
        ----------
        symbols : iterable of int
        last : bool
            Whether no more pieces come: what is held back is given out, too.
        """
        return self._vocabulary.decode(symbols)

    @property
    def held(self) -> int:
        """Symbols of a character that is not whole yet, for which no text was given out."""
        return 0


class _ByteDecoder(Decoder):
    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__(vocabulary)
        self._utf8 = codecs.getincrementaldecoder("utf-8")(_ESCAPE)

    def decode(self, symbols: Iterable[int], *, last: bool = False) -> str:
        return self._utf8.decode(bytes(int(s) for s in symbols), last)

    @property
    def held(self) -> int:
        return len(self._utf8.getstate()[0])


BYTES = ByteVocabulary()
"""The vocabulary of byte-level models."""
