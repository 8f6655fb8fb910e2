"""Where each integer of a model stands in the 64-bit words that the hardware loads.

Payload, in this order (docs/image.md draws it):

    word 0     symbols (bits 0-15), 0x5A4C (16-31), layout hash (32-63)
    weights    for each engine step, for each bank: 8 weights = 4 packed pairs, or 16 weights of
               4 bits (`nibbles`)
    scales     for each row: 4 x `SCALE`, lane 0 lowest
    biases     for each row: 4 x 16 bits
    table      for each symbol, for each unit: 4 x `PREACTIVATION`
    last word  CRC-32 of all words before it, as zlib's of their bytes (bits 0-31), 0 (32-63)

A row takes ``groups`` steps; in group g, column c multiplies the hidden state of unit
``c * groups + g``, so that neighbours in the shift chain of h are neighbours on the chip.

A packed pair holds two weights that share a column's h: w0 in the low byte, w1 - (w0 < 0) in the
high byte. Sign-extended each, w0 to 16 bits and the high byte above it to 9, they are
w1 * 2^16 + w0, the multiplicand of one DSP48E1.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import BANK_COLUMNS, GATES, Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.nibbles import NIBBLE_BITS, nibble_weights, nibble_words
from zynq_lstm.quant.parameters import (
    MATRICES_WITHOUT_BIAS,
    Parameters,
    matrix_rows,
    row_count,
)

PAYLOAD_MAGIC = 0x5A4C
HEADER_WORDS = 1
CRC_WORDS = 1
Words = NDArray[np.uint64]


def pack_pairs(weights: NDArray[np.int8]) -> NDArray[np.uint16]:
    """Pack neighbouring weights (..., 2n), each within +-127, into (..., n) pairs."""
    w0 = weights[..., 0::2].astype(np.int32)
    w1 = weights[..., 1::2].astype(np.int32)
    return ((((w1 - (w0 < 0)) & 0xFF) << 8) | (w0 & 0xFF)).astype(np.uint16)


def unpack_pairs(pairs: NDArray[np.uint16]) -> NDArray[np.int16]:
    """Inverse of `pack_pairs`: pairs (..., n) to weights (..., 2n).

    They are int16, for a foreign pair may hold 128 in its high half.
    """
    w0 = (pairs & 0xFF).astype(np.uint8).view(np.int8).astype(np.int16)
    high = (pairs >> 8).astype(np.uint8).view(np.int8).astype(np.int16)
    out = np.empty((*pairs.shape[:-1], 2 * pairs.shape[-1]), np.int16)
    out[..., 0::2] = w0
    out[..., 1::2] = high + (w0 < 0)
    return out


def header_word(config: Config, symbols: int) -> int:
    """Word 0 of the payload."""
    return config.layout_hash << 32 | PAYLOAD_MAGIC << 16 | symbols


def payload_words(config: Config, symbols: int) -> int:
    """Length of the payload."""
    rows = row_count(config, symbols)
    weights, table = config.steps(symbols) * config.banks, symbols * config.hidden
    return HEADER_WORDS + weights + 2 * rows + table + CRC_WORDS


def sealed(words: Words) -> Words:
    """Words with the word of their CRC behind them."""
    crc = zlib.crc32(words.astype("<u8").tobytes())
    return np.append(words, np.uint64(crc))


def is_sealed(payload: Words) -> bool:
    """Whether the last word is the CRC of those before it."""
    return len(payload) > 0 and bool(sealed(payload[:-1])[-1] == payload[-1])


def payload_crc(payload: Words) -> int:
    """The CRC that a payload carries."""
    return int(payload[-1]) & 0xFFFF_FFFF


def weight_words(parameters: Parameters) -> Words:
    """Contents of the weight memories, shape (steps, banks)."""
    config = parameters.config
    if config.weight_bits == NIBBLE_BITS:
        return nibble_words(config, parameters.symbols, parameters.weights)
    rows = len(parameters.weights)
    w = parameters.weights.reshape(rows, GATES, config.banks, BANK_COLUMNS, config.groups)
    w = w.transpose(0, 4, 2, 3, 1)  # row, group, bank, column, lane
    pairs = np.ascontiguousarray(pack_pairs(w)).reshape(rows * config.groups, config.banks, -1)
    return pairs.astype("<u2").view("<u8")[..., 0].astype(np.uint64)


def _weights(config: Config, symbols: int, words: Words) -> NDArray[np.int16]:
    """Inverse of `weight_words`, words in one dimension."""
    if config.weight_bits == NIBBLE_BITS:
        return nibble_weights(config, symbols, words)
    pairs = word_lanes(words).reshape(-1, config.groups, config.banks, BANK_COLUMNS, GATES // 2)
    return unpack_pairs(pairs).transpose(0, 4, 2, 3, 1).reshape(-1, GATES, config.hidden)


def lane_words(lanes: NDArray[np.integer]) -> Words:
    """Four 16-bit lanes (..., 4) as one word each."""
    return np.ascontiguousarray(lanes).astype("<u2").view("<u8")[..., 0].astype(np.uint64)


def word_lanes(words: Words) -> NDArray[np.uint16]:
    """Inverse of `lane_words`: words (...) to lanes (..., 4)."""
    return np.ascontiguousarray(words).astype("<u8")[..., None].view("<u2").astype(np.uint16)


def pack(parameters: Parameters) -> Words:
    """The payload of a model."""
    header = np.array([header_word(parameters.config, parameters.symbols)], np.uint64)
    parts = [
        header,
        weight_words(parameters).ravel(),
        lane_words(parameters.scales),
        lane_words(parameters.biases),
        lane_words(parameters.table).ravel(),
    ]
    return sealed(np.concatenate(parts))


def unpack(config: Config, symbols: int, payload: Words) -> Parameters:
    """Inverse of `pack`.

    Raises
    ------
    UserError
        When the payload is not one of this configuration or does not end with its CRC, or where it
        holds a weight beyond its limit or a bias in a row that has none: golden model and hardware
        might not read such a one alike.
    """
    if len(payload) != payload_words(config, symbols) or int(payload[0]) != header_word(
        config, symbols
    ):
        raise UserError(
            "The image's payload must fit the sizes in its header; it does not. "
            "Make the image again with zynq-lstm quantize"
        )
    if not is_sealed(payload):
        raise UserError(
            f"The image's payload must end with the CRC-32 of its words, "
            f"{int(sealed(payload[:-1])[-1]):08x}, not with {int(payload[-1]):08x}. "
            "Make the image again with zynq-lstm quantize"
        )
    rows = row_count(config, symbols)
    steps = config.steps(symbols)
    ends = np.cumsum([HEADER_WORDS, steps * config.banks, rows, rows, symbols * config.hidden])
    _, weights, scales, bias_words, table, _ = np.split(payload, ends)
    w = _weights(config, symbols, weights)
    biases = word_lanes(bias_words).view(np.int16)
    for name, where in matrix_rows(config, symbols).items():
        limit = config.output_limit if name == "out" else config.weight_limit
        if np.abs(w[where]).max() > limit:
            raise UserError(
                f"The image's weights must be within +-{limit}; found a larger one in the rows of "
                f"{name}"
            )
        if name in MATRICES_WITHOUT_BIAS and biases[where].any():
            raise UserError(
                f"The image's biases must be 0 in the rows of {name}; found another one. "
                "Make the image again with zynq-lstm quantize"
            )
    return Parameters(
        config=config,
        symbols=symbols,
        weights=np.ascontiguousarray(w.astype(np.int8)),
        scales=word_lanes(scales),
        biases=biases,
        table=word_lanes(table).view(np.int16).reshape(symbols, config.hidden, GATES),
    )
