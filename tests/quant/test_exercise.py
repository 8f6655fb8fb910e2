"""Models for self-tests: complete, within their formats, and with each bit both ways."""

import numpy as np
import pytest

from zynq_lstm.quant.check_bits import word_check_bits
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.exercise import STYLES, exercise_image, with_other_parity
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.layout import weight_words
from zynq_lstm.quant.parameters import matrix_rows

CONFIGS = [
    Config(hidden=16, symbols=4, multipliers=64),
    Config(hidden=32, symbols=32, multipliers=128, layers=1),
    Config(symbols=256),
]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("config", CONFIGS, ids=Config.describe)
def test_is_a_sound_image_at_full_capacity(config, style) -> None:
    image = exercise_image(config, style, 1)
    assert image.symbols == config.symbols
    again = Image.from_bytes(image.to_bytes())
    assert np.array_equal(again.payload, image.payload)
    assert np.array_equal(exercise_image(config, style, 1).payload, image.payload)
    assert not np.array_equal(exercise_image(config, style, 2).payload, image.payload)


@pytest.mark.parametrize("config", CONFIGS, ids=Config.describe)
def test_every_bit_comes_both_ways(config) -> None:
    one, other = (exercise_image(config, style, 1).parameters for style in STYLES[:2])
    assert np.all(weight_words(one) ^ weight_words(other) == np.uint64(2**64 - 1))
    assert np.array_equal(one.table, ~other.table)
    rows = matrix_rows(config, config.symbols)
    for name in {"hh2", "out"} & set(rows):
        assert np.array_equal(one.biases[rows[name]], ~other.biases[rows[name]])


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "config", [*CONFIGS, Config(hidden=48, symbols=4, multipliers=64)], ids=Config.describe
)
def test_every_check_bit_comes_both_ways(config, style) -> None:
    """With one bit of each word that differs."""
    image = exercise_image(config, style, 1)
    other = with_other_parity(image)
    words, others = (weight_words(each.parameters) for each in (image, other))
    changed = words ^ others
    assert np.all(changed) and not np.any(changed & (changed - np.uint64(1)))
    assert np.all(word_check_bits(words) != word_check_bits(others))
    assert np.array_equal(Image.from_bytes(other.to_bytes()).payload, other.payload)


def test_gates_are_neither_shut_nor_open_all_the_time() -> None:
    image = exercise_image(Config(), "ordinary", 1)
    model = GoldenModel(image, 64)
    for symbol in range(8):
        model.step(np.full(64, symbol))
    assert 0.02 < np.mean(np.abs(model.state.h) < 8) < 0.5
    assert np.mean(np.abs(model.state.c) == 2**15 - 1) < 0.05


@pytest.mark.parametrize("style", STYLES)
def test_weights_that_no_hardware_has_are_refused(style) -> None:
    config = Config(hidden=16, symbols=16, multipliers=128, weight_bits=4)
    with pytest.raises(UserError, match=r"weights of 8 bits, as the hardware has them, not 4$"):
        exercise_image(config, style, 1)
