"""Weights of 4 bits in the words of the weight memories: 16 of them where 8 bits have 8.

An engine step has eight lanes instead of four: two rows side by side, so two units' gates or eight
logits. Weight c of lane k of a word, the memory's column c = 0 or 1, is its nibble 8 c + k, in
two's complement.

The output layer may keep 8 bits. Then a step has one of its rows: lanes 4 to 7 hold the weights'
sixteens and lanes 0 to 3 their ones, both from -8 to 7, and a logit's sum is 16 times the one lane
plus the other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import BANK_COLUMNS, GATES, Config
from zynq_lstm.quant.parameters import matrix_rows

NIBBLE_BITS = 4
Words = NDArray[np.uint64]


def nibble_words(config: Config, symbols: int, weights: NDArray[np.int8]) -> Words:
    """Contents of the weight memories, shape (steps, banks).

    Parameters
    ----------
    config : Config
        With weights of 4 bits.
    symbols : int
    weights : ndarray of int8, shape (rows, 4, hidden)
        Within the configuration's limits.
    """
    output = matrix_rows(config, symbols)["out"]
    recurrent, last = weights[: output.start], weights[output]
    lanes = np.concatenate([_side_by_side(recurrent), _output_lanes(config, last)])
    lanes = lanes.reshape(-1, config.lanes, config.banks, BANK_COLUMNS, config.groups)
    nibbles = lanes.transpose(0, 4, 2, 3, 1) & 0xF  # step, group, bank, column, lane
    octets = nibbles[..., 0::2] | nibbles[..., 1::2] << NIBBLE_BITS
    octets = np.ascontiguousarray(octets.astype(np.uint8))
    words = octets.reshape(config.steps(symbols), config.banks, -1).view("<u8")[..., 0]
    return words.astype(np.uint64)


def nibble_weights(config: Config, symbols: int, words: Words) -> NDArray[np.int16]:
    """Inverse of `nibble_words`: words (steps, banks) to weights (rows, 4, hidden).

    They are int16, for foreign words may hold other weights.
    """
    octets = np.ascontiguousarray(words).astype("<u8").view(np.uint8)
    nibbles = np.stack([octets & 0xF, octets >> NIBBLE_BITS], -1)
    nibbles = nibbles.reshape(-1, config.groups, config.banks, BANK_COLUMNS, config.lanes)
    lanes = nibbles.transpose(0, 4, 2, 3, 1).reshape(-1, config.lanes, config.hidden)
    signed = ((lanes.astype(np.int16) + 8) & 0xF) - 8
    start = matrix_rows(config, symbols)["out"].start // config.rows_per_step
    recurrent, last = signed[:start], signed[start:]
    if config.output_rows_per_step == 1:
        last = 16 * last[:, GATES:] + last[:, :GATES]
    parts = [part.reshape(-1, GATES, config.hidden) for part in (recurrent, last)]
    return np.concatenate(parts)


def _side_by_side(rows: NDArray[np.int8]) -> NDArray[np.int8]:
    return rows.reshape(-1, 2 * GATES, rows.shape[-1])


def _output_lanes(config: Config, rows: NDArray[np.int8]) -> NDArray[np.int8]:
    if config.output_rows_per_step > 1:
        return _side_by_side(rows)
    ones = ((rows + np.int8(8)) & np.int8(0xF)) - np.int8(8)
    sixteens = (rows - ones) >> NIBBLE_BITS
    return np.concatenate([ones, sixteens], axis=1)
