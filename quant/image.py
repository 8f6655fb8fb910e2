"""The image file (.zlstm): all that an accelerator and its user need of a model.

Little-endian. Header of 28 bytes, then the metadata (JSON, UTF-8, padded with spaces so that what
follows stands at a multiple of 8), then the payload (`layout`), which goes to the hardware as it is
and ends with its own CRC.

    0   8 bytes   magic, b"ZLSTM\\r\\n\\x1a": text-mode transfers break it visibly
    8   u32       format version, 2
    12  u32       bytes of metadata
    16  u32       64-bit words of payload
    20  u32       layout hash of the configuration
    24  u32       CRC-32 of bytes 0 to 23 and the metadata
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import is_safetensors, read_limited, write_whole
from zynq_lstm.quant.layout import Words, is_sealed, pack, payload_crc, payload_words, unpack
from zynq_lstm.quant.parameters import Parameters
from zynq_lstm.quant.vocabulary import Vocabulary

MAGIC = b"ZLSTM\r\n\x1a"
VERSION = 2
_HEADER = struct.Struct("<8s4I")
_CRC = struct.Struct("<I")
HEADER_BYTES = _HEADER.size + _CRC.size
_REMEDY = "make it again with zynq-lstm quantize"
AN_IMAGE = "it is an image (.zlstm); give the checkpoint (.safetensors) that it was made of"
"""What whoever reads models in float says of an image."""


@dataclass(frozen=True)
class Image:
    """A quantized model with its vocabulary.

    Parameters
    ----------
    config : Config
        The hardware that it is made for.
    vocabulary : Vocabulary
    payload : ndarray of uint64
        The words that the hardware loads, see `layout`.
    metadata : dict
        What is known of the model's origin; plain JSON values.
    """

    config: Config
    vocabulary: Vocabulary
    payload: Words
    metadata: dict[str, Any]

    @classmethod
    def from_parameters(
        cls, parameters: Parameters, vocabulary: Vocabulary, metadata: dict[str, Any]
    ) -> Image:
        """Pack a quantized model.

        Parameters
        ----------
        parameters : Parameters
        vocabulary : Vocabulary
            As many symbols as the parameters have.
        metadata : dict
            Values that JSON has.
        """
        if len(vocabulary) != parameters.symbols:
            raise ValueError("Vocabulary and parameters must have the same number of symbols")
        return cls(parameters.config, vocabulary, pack(parameters), metadata)

    @cached_property
    def parameters(self) -> Parameters:
        """The integers as matrices."""
        return unpack(self.config, self.symbols, self.payload)

    @property
    def symbols(self) -> int:
        """Symbols of the model."""
        return len(self.vocabulary)

    @property
    def payload_crc(self) -> int:
        """The CRC-32 with which the payload ends."""
        return payload_crc(self.payload)

    def to_bytes(self) -> bytes:
        """The file's content.

        Raises
        ------
        UserError
            When the metadata is not plain JSON.
        """
        fields = {
            "config": self.config.to_dict(),
            "vocabulary": self.vocabulary.to_json(),
            "metadata": self.metadata,
        }
        try:
            text = json.dumps(fields, ensure_ascii=False, allow_nan=False, sort_keys=True).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise UserError(f"Image metadata must be plain JSON values: {error}") from None
        text += b" " * (-(HEADER_BYTES + len(text)) % 8)
        head = _HEADER.pack(MAGIC, VERSION, len(text), len(self.payload), self.config.layout_hash)
        return (
            head + _CRC.pack(zlib.crc32(head + text)) + text + self.payload.astype("<u8").tobytes()
        )

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "image") -> Image:
        """Inverse of `to_bytes`; every length and checksum is checked before use.

        Raises
        ------
        UserError
            When the content is foreign, truncated, altered or of another version.
        """
        if len(data) < HEADER_BYTES or not data.startswith(MAGIC):
            what = "it is a safetensors file" if is_safetensors(data) else "it is none"
            raise UserError(
                f"{name} must be a zynq-lstm image (.zlstm), but {what}; make an image of a "
                "model with zynq-lstm quantize"
            )
        head = data[: _HEADER.size]
        _, version, text_bytes, words, layout_hash = _HEADER.unpack(head)
        if version != VERSION:
            raise UserError(f"{name} must be of image version {VERSION}, not {version}; {_REMEDY}")
        expected = HEADER_BYTES + text_bytes + 8 * words
        if len(data) != expected:
            raise UserError(f"{name} must have {expected} bytes, not {len(data)}; {_REMEDY}")
        text = data[HEADER_BYTES : HEADER_BYTES + text_bytes]
        (crc,) = _CRC.unpack(data[_HEADER.size : HEADER_BYTES])
        if crc != zlib.crc32(head + text):
            raise UserError(f"{name} is damaged: the CRC of its header does not fit; {_REMEDY}")
        try:
            fields = json.loads(text)
            config = Config.from_dict(fields["config"])
            vocabulary = Vocabulary.from_json(fields["vocabulary"])
            metadata = dict(fields["metadata"])
            json.dumps(metadata, ensure_ascii=False, allow_nan=False).encode()  # As `to_bytes`
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise UserError(f"{name} holds metadata that cannot be read: {error}") from None
        if layout_hash != config.layout_hash:
            raise UserError(
                f"{name} must have the layout hash {config.layout_hash:08x} of its configuration "
                f"({config.describe()}), not {layout_hash:08x}; {_REMEDY}"
            )
        if len(vocabulary) > config.symbols or words != payload_words(config, len(vocabulary)):
            raise UserError(f"{name} holds a payload that does not fit its sizes; {_REMEDY}")
        payload = np.frombuffer(data[HEADER_BYTES + text_bytes :], "<u8").astype(np.uint64)
        if not is_sealed(payload):
            raise UserError(f"{name} is damaged: the CRC of its payload does not fit; {_REMEDY}")
        image = cls(config, vocabulary, payload, metadata)
        _ = image.parameters  # refuses integers that no quantizer makes
        return image


def read_image(path: str | Path) -> Image:
    """Read an image file.

    Raises
    ------
    UserError
        When it is missing or not a sound image.
    """
    path = Path(path)
    try:
        data = read_limited(path, MAXIMUM_BYTES + 1)
    except OSError as error:
        raise UserError(f"Image {path} must be a readable file: {error.strerror}") from None
    if len(data) > MAXIMUM_BYTES:
        raise UserError(f"Image {path} must have at most {MAXIMUM_BYTES} bytes; it has more")
    return Image.from_bytes(data, f"Image {path}")


def write_image(image: Image, path: str | Path) -> None:
    """Write an image file, whole or not at all.

    Raises
    ------
    UserError
        When the path cannot be written.
    """
    write_whole(path, image.to_bytes())


MAXIMUM_BYTES = 8 << 20
"""The largest image (256 symbols, 2 x 128) has 0.5 MB."""
