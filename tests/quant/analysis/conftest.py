"""A float model that goes with any image: it has the image's sizes and vocabulary."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from zynq_lstm.quant.float_model import FloatModel, Layer
from zynq_lstm.quant.image import Image

Companion = Callable[[Image], FloatModel]


@pytest.fixture(scope="session")
def companion() -> Companion:
    """Make a model of zeros, for tests that look at the golden side only."""

    def make(image: Image) -> FloatModel:
        hidden, symbols = image.config.hidden, image.symbols

        def zeros(*shape: int) -> np.ndarray:
            return np.zeros(shape, np.float32)

        layers = tuple(
            Layer(
                zeros(4 * hidden, symbols if k == 0 else hidden),
                zeros(4 * hidden, hidden),
                zeros(4 * hidden),
            )
            for k in range(image.config.layers)
        )
        return FloatModel(image.vocabulary, layers, zeros(symbols, hidden), zeros(symbols))

    return make
