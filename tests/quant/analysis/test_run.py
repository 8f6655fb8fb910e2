"""Both models read a text in pieces as they read it in one go."""

import re

import numpy as np
import pytest

from zynq_lstm.quant.analysis.run import check_alike, pieces
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.quantizer import quantize


@pytest.fixture
def symbols():
    return np.random.default_rng(1).integers(0, 13, 50)


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
def test_pieces_are_one_run(model, image, symbols, size) -> None:
    reference, golden = zip(*pieces(model, image, symbols, size), strict=True)
    assert [len(piece.symbols) for piece in golden[:-1]] == [size] * (len(golden) - 1)
    assert np.array_equal(np.concatenate([p.symbols for p in reference]), symbols)
    assert np.array_equal(np.concatenate([p.logits for p in reference]), model.logits(symbols))
    plain = GoldenModel(image)
    assert np.array_equal(np.concatenate([p.logits for p in golden]), plain.logits(symbols))
    assert np.array_equal(golden[-1].h[-1], plain.state.h)
    assert np.array_equal(golden[-1].c[-1], plain.state.c)


def test_states_are_those_around_each_character(model, image, symbols) -> None:
    for before, after in zip(*[list(pieces(model, image, symbols, 20))[k:] for k in (0, 1)]):  # noqa: B905
        for earlier, later in zip(before, after, strict=True):
            assert np.array_equal(earlier.h[-1], later.h[0])
            assert np.array_equal(earlier.c[-1], later.c[0])
    first_float, first_golden = next(pieces(model, image, symbols, 20))
    for piece in (first_float, first_golden):
        assert not piece.h[0].any() and not piece.c[0].any()
        assert piece.h.shape == piece.c.shape == (21, 2, 16)
    plain = GoldenModel(image)
    for t in range(20):
        plain.step(int(symbols[t]))
        assert np.array_equal(first_golden.c[t + 1], plain.state.c)


def test_padding_is_left_out(make_model, symbols) -> None:
    model = make_model(13, 10)
    image = quantize(model, Config(hidden=32, symbols=16, multipliers=64))
    _, golden = next(pieces(model, image, symbols))
    assert golden.h.shape == (51, 2, 10)
    assert np.array_equal(golden.logits, GoldenModel(image).logits(symbols))


def test_refuses_what_does_not_belong_together(make_model, image) -> None:
    def refused(model, sentence: str) -> None:
        with pytest.raises(UserError, match=f"^{re.escape(sentence)}"):
            check_alike(model, image)

    refused(make_model(12), "Model and image must have the same vocabulary, but one has 12")
    refused(make_model(13, 16, 1), "Image must hold the model's 1 layers of 16 units")
    refused(make_model(13, 17), "Image must hold the model's 2 layers of 17 units, but it has 2 of")
