"""Models of all sizes for the tests of `quant`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import settings

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.float_model import FloatModel, Layer
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.parameters import (
    MATRICES_WITHOUT_BIAS,
    Parameters,
    matrix_rows,
    row_count,
)
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.quant.vocabulary import Vocabulary

# The same examples in each run, and no time limit that a busy machine would break.
settings.register_profile("quant", derandomize=True, database=None, deadline=None)
settings.load_profile("quant")

MakeModel = Callable[..., FloatModel]
MakeParameters = Callable[..., Parameters]


def alphabet(symbols: int) -> Vocabulary:
    """So many characters, ASCII and beyond."""
    return Vocabulary(chr(0x21 + k) for k in range(symbols))


@pytest.fixture(scope="session")
def make_model() -> MakeModel:
    """Make a float model of uniform random weights, ``gain`` times a usual initialisation."""

    def make(
        symbols: int = 13, hidden: int = 16, layers: int = 2, *, gain: float = 2.0, seed: int = 1
    ) -> FloatModel:
        random = np.random.default_rng([seed, symbols, hidden, layers])
        bound = gain / np.sqrt(hidden)

        def uniform(*shape: int) -> np.ndarray:
            return random.uniform(-bound, bound, shape).astype(np.float32)

        stack = tuple(
            Layer(
                uniform(4 * hidden, symbols if k == 0 else hidden),
                uniform(4 * hidden, hidden),
                uniform(4 * hidden),
            )
            for k in range(layers)
        )
        return FloatModel(alphabet(symbols), stack, 2 * uniform(symbols, hidden), uniform(symbols))

    return make


@pytest.fixture(scope="session")
def make_parameters() -> MakeParameters:
    """Make random integers of every format, full range; biases where there may be some."""

    def make(config: Config, symbols: int, seed: int = 1) -> Parameters:
        random = np.random.default_rng(seed)
        rows = row_count(config, symbols)

        def integers(low: int, high: int, dtype: type, *shape: int) -> np.ndarray:
            return random.integers(low, high, shape, endpoint=True).astype(dtype)

        parameters = Parameters(
            config,
            symbols,
            integers(-config.weight_limit, config.weight_limit, np.int8, rows, 4, config.hidden),
            integers(0, 65535, np.uint16, rows, 4),
            integers(-32768, 32767, np.int16, rows, 4),
            integers(-32768, 32767, np.int16, symbols, config.hidden, 4),
        )
        output = parameters.weights[matrix_rows(config, symbols)["out"]]
        output[:] = integers(-config.output_limit, config.output_limit, np.int8, *output.shape)
        for name, where in matrix_rows(config, symbols).items():
            if name in MATRICES_WITHOUT_BIAS:
                parameters.biases[where] = 0
        return parameters

    return make


@pytest.fixture(scope="session")
def small() -> Config:
    """The smallest hardware."""
    return Config(hidden=16, symbols=16, multipliers=64)


@pytest.fixture(scope="session")
def model(make_model: MakeModel) -> FloatModel:
    """13 symbols, two layers of 16 units."""
    return make_model()


@pytest.fixture(scope="session")
def image(model: FloatModel, small: Config) -> Image:
    """The same, quantized for the smallest hardware."""
    return quantize(model, small)
