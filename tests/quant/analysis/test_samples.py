"""Texts with the same random numbers."""

import numpy as np
import pytest

from zynq_lstm.quant.analysis.samples import draw_sample
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.sampling import encode_temperature, seed_state


def test_golden_text_is_the_accelerators(model, image) -> None:
    sample = draw_sample(model, image, "!#", 40, 0.8, 5)
    symbols = model.vocabulary.encode("!#")
    expected = GoldenModel(image).generate(symbols, 40, encode_temperature(0.8), seed_state(5))
    assert sample.golden_text == model.vocabulary.decode(expected)
    assert len(sample.float_text) == 40


def test_most_likely_text_needs_no_random_numbers(model, image) -> None:
    first, second = (draw_sample(model, image, "!", 20, 0.0, seed) for seed in (1, 2))
    assert first.float_text == second.float_text
    symbols = list(model.vocabulary.encode("!"))
    for character in first.float_text:
        # Rounded to the sampler's format, equals go to the lower symbol.
        last = np.rint(model.logits(np.array(symbols))[-1] * 1024)
        assert character == model.vocabulary.characters[int(last.argmax())]
        symbols.append(int(last.argmax()))


def test_texts_begin_alike_and_repeat_themselves(model, image) -> None:
    samples = [draw_sample(model, image, "!", 60, 1.0, seed) for seed in range(6)]
    assert samples[0] == draw_sample(model, image, "!", 60, 1.0, 0)
    assert len({sample.golden_text for sample in samples}) == 6
    assert np.mean([sample.common for sample in samples]) > 15


def test_common_beginning_is_counted(model, image) -> None:
    for seed in range(6):
        sample = draw_sample(model, image, "!", 60, 1.0, seed)
        assert sample.float_text[: sample.common] == sample.golden_text[: sample.common]
        after = slice(sample.common, sample.common + 1)
        assert sample.common == 60 or sample.float_text[after] != sample.golden_text[after]
        assert sample.to_dict()["common"] == sample.common


def test_refuses_a_foreign_prompt(model, image) -> None:
    with pytest.raises(UserError, match="found 'ä'"):
        draw_sample(model, image, "ä", 5, 1.0, 1)
