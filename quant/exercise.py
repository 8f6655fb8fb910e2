"""Models that are made to show a fault: random integers that put every part to use.

They fill an accelerator to its capacity, so that each multiplier, each address of the weight
memories and each entry of the input table has its part in what comes out:

ordinary
    Weights over their whole range. Each row's scale is such that its gate is often in the steep
    part of its activation, where one wrong bit of a weight goes on to the state and, over some tens
    of characters, to all that follows.
inverted
    The same, with every bit of the memories of weights, biases and table the other way round, so
    that a bit that is stuck is wrong in one of the two.
extreme
    Every integer is at an end of its format, next to zero or zero, so that every bit of scales,
    biases, table and sums is at work, and what can be clipped is.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import BANK_COLUMNS, GATES, Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.formats import (
    HIDDEN,
    LOGIT,
    PREACTIVATION,
    SCALE,
    SCALED,
    WEIGHT,
    WEIGHT_LIMIT,
    Format,
)
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.parameters import Parameters, matrix_rows, row_count
from zynq_lstm.quant.vocabulary import Vocabulary

Numbers = NDArray[Any]

STYLES = ("ordinary", "inverted", "extreme")

LEAST_SPREAD, GREATEST_SPREAD = 1.0, 3.0
"""Standard deviation of the sums of an ordinary row, as values of `SCALED`."""

FIRST_CHARACTER = 0x100
"""Of a vocabulary that nobody reads: as many different characters as there are symbols."""

_UNIT_SCALE = 1 << (HIDDEN.fraction + SCALE.fraction - SCALED.fraction)
"""Scale by which an accumulator's last bit becomes one of `SCALED`."""


def exercise_image(config: Config, style: str, seed: int) -> Image:
    """An image of random integers, for as many symbols as the accelerator can hold.

    Parameters
    ----------
    config : Config
    style : str
        One of `STYLES`.
    seed : int

    Raises
    ------
    UserError
        When the configuration has no hardware that could be tested.
    """
    check_testable(config)
    rng = np.random.default_rng(seed)
    parameters = _extreme(config, rng) if style == "extreme" else _ordinary(config, rng)
    if style == "inverted":
        parameters = _inverted(parameters)
    characters = (chr(FIRST_CHARACTER + k) for k in range(config.symbols))
    return Image.from_parameters(parameters, Vocabulary(characters), {"exercise": style})


def check_testable(config: Config) -> None:
    """See that there is hardware of this configuration.

    Raises
    ------
    UserError
        When there is not.
    """
    if config.weight_bits != WEIGHT.bits:
        raise UserError(
            f"A self-test needs a model with weights of {WEIGHT.bits} bits, as the hardware has "
            f"them, not {config.weight_bits}"
        )


def inverted_weights(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """Weights of which every stored bit is the other way round, shape (..., 4, columns).

    The odd lane of a pair is stored less the sign of the even one (`layout.pack_pairs`), so that
    the inverse of what is stored is the negative. In even lanes 127 has no inverse.
    """
    inverted = weights.copy()
    inverted[..., 0::2, :] = ~weights[..., 0::2, :]
    inverted[..., 1::2, :] = -weights[..., 1::2, :]
    return inverted


def with_other_parity(image: Image) -> Image:
    """The image with one bit of each word of weights the other way round: so is its check bit."""
    p, groups = image.parameters, image.config.groups
    weights = p.weights.copy()
    # A word's first weight: lane 0 of the first of its bank's two columns.
    columns = np.arange(image.config.hidden) % (BANK_COLUMNS * groups) < groups
    first = weights[:, 0, columns]
    weights[:, 0, columns] = first ^ np.where(first == -WEIGHT_LIMIT, 2, 1)
    return Image.from_parameters(replace(p, weights=weights), image.vocabulary, image.metadata)


def _ordinary(config: Config, rng: np.random.Generator) -> Parameters:
    rows = row_count(config, config.symbols)
    weights = rng.integers(-WEIGHT_LIMIT, WEIGHT_LIMIT, (rows, GATES, config.hidden))
    # Weights and hidden states as if each was spread evenly over its range.
    spread = math.sqrt(config.hidden) * WEIGHT_LIMIT * HIDDEN.maximum / 3
    wanted = np.exp(rng.uniform(math.log(LEAST_SPREAD), math.log(GREATEST_SPREAD), (rows, GATES)))
    scales = wanted * 2**SCALED.fraction * _UNIT_SCALE / spread
    biases = np.zeros((rows, GATES))
    for where, form in _bias_rows(config):
        biases[where] = rng.normal(0, 0.5 / form.lsb, biases[where].shape)
    table = rng.normal(0, 1 / PREACTIVATION.lsb, (config.symbols, config.hidden, GATES))
    return _parameters(config, weights, scales, biases, table)


def _inverted(parameters: Parameters) -> Parameters:
    """Every bit of the memories is inverted, but for scales and biases that must be 0."""
    config, biases = parameters.config, parameters.biases.copy()
    weights = inverted_weights(parameters.weights)
    for where, _ in _bias_rows(config):
        biases[where] = ~biases[where]
    return replace(parameters, weights=weights, biases=biases, table=~parameters.table)


def _extreme(config: Config, rng: np.random.Generator) -> Parameters:
    rows = row_count(config, config.symbols)

    def ends(form_low: int, form_high: int, *shape: int) -> NDArray[np.int64]:
        return rng.choice([form_low, form_high, 0, 1, -1 if form_low < 0 else 2], shape)

    biases = np.zeros((rows, GATES))
    for where, form in _bias_rows(config):
        biases[where] = ends(form.minimum, form.maximum, *biases[where].shape)
    return _parameters(
        config,
        ends(-WEIGHT_LIMIT, WEIGHT_LIMIT, rows, GATES, config.hidden),
        ends(SCALE.minimum, SCALE.maximum, rows, GATES),
        biases,
        ends(PREACTIVATION.minimum, PREACTIVATION.maximum, config.symbols, config.hidden, GATES),
    )


def _bias_rows(config: Config) -> list[tuple[slice, Format]]:
    """Rows that have biases, and the biases' format."""
    rows = matrix_rows(config, config.symbols)
    formats = {"hh2": PREACTIVATION, "out": LOGIT}
    return [(rows[name], form) for name, form in formats.items() if name in rows]


def _parameters(
    config: Config,
    weights: NDArray[np.int64],
    scales: Numbers,
    biases: Numbers,
    table: Numbers,
) -> Parameters:
    def rounded(values: Numbers, form: Format) -> NDArray[np.int64]:
        return np.clip(np.rint(values), form.minimum, form.maximum).astype(np.int64)

    return Parameters(
        config,
        config.symbols,
        weights.astype(np.int8),
        rounded(scales, SCALE).astype(np.uint16),
        rounded(biases, PREACTIVATION).astype(np.int16),
        rounded(table, PREACTIVATION).astype(np.int16),
    )
