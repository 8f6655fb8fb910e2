"""Quantized models of random integers: ordinary ones, and ones at the ends of every format."""

import string

import numpy as np

from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.formats import LOGIT, PREACTIVATION, SCALE, WEIGHT_LIMIT
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.parameters import Parameters, matrix_rows, row_count
from zynq_lstm.quant.vocabulary import Vocabulary

STYLES = ("ordinary", "extreme", "saturated", "quiet")


def vocabulary(symbols: int) -> Vocabulary:
    """As many characters."""
    first = (string.ascii_letters + string.digits)[:symbols]
    return Vocabulary(first + "".join(chr(0x100 + k) for k in range(symbols - len(first))))


def random_image(config: Config, symbols: int, style: str, seed: int) -> Image:
    """An image of random integers.

    Styles: "ordinary", as a trained model; "extreme", every integer at an end of its format or
    zero; "saturated", such that cells and sums clip all the time; "quiet", nearly all zero.
    """
    rng = np.random.default_rng(seed)
    rows = row_count(config, symbols)
    out = matrix_rows(config, symbols)["out"]

    def integers(low: int, high: int, *shape: int) -> np.ndarray:
        if style == "extreme":
            return rng.choice([low, high, 0, 1, -1 if low < 0 else 2], shape)
        return rng.integers(low, high + 1, shape)

    weights = integers(-WEIGHT_LIMIT, WEIGHT_LIMIT, rows, GATES, config.hidden)
    scales = integers(0, SCALE.maximum, rows, GATES)
    biases = np.zeros((rows, GATES), np.int64)
    biases[out] = integers(LOGIT.minimum, LOGIT.maximum, out.stop - out.start, GATES)
    if config.layers == 2:
        hh2 = matrix_rows(config, symbols)["hh2"]
        biases[hh2] = integers(PREACTIVATION.minimum, PREACTIVATION.maximum, config.hidden, GATES)
    table = integers(PREACTIVATION.minimum, PREACTIVATION.maximum, symbols, config.hidden, GATES)
    if style == "ordinary":
        scales = rng.integers(100, 2000, (rows, GATES))
        biases //= 16
        table //= 8
    elif style == "saturated":
        # Forget gate open, input gate open, candidate at its end: cells grow until they clip.
        table[..., :2] = PREACTIVATION.maximum
        table[..., 2] = rng.choice([-1, 1], table.shape[:-1]) * PREACTIVATION.maximum
        scales[: config.hidden] = SCALE.maximum
    elif style == "quiet":
        keep = rng.random(weights.shape) < 0.02
        weights = weights * keep
        table //= 1024
    parameters = Parameters(
        config,
        symbols,
        weights.astype(np.int8),
        scales.astype(np.uint16),
        biases.astype(np.int16),
        table.astype(np.int16),
    )
    return Image.from_parameters(parameters, vocabulary(symbols), {})
