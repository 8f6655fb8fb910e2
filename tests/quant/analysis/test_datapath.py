"""The values before saturation, saturated, are what the golden model computed."""

from fractions import Fraction

import numpy as np
import pytest
from random_models import STYLES, random_image
from slow_reference import half_up

from zynq_lstm.quant.analysis.datapath import PLACES, TITLES, stages
from zynq_lstm.quant.analysis.run import pieces
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.formats import LOGIT, PARTIAL
from zynq_lstm.quant.operators import saturate
from zynq_lstm.quant.quantizer import quantize

CONFIGS = [
    Config(hidden=16, symbols=16, multipliers=64),
    Config(hidden=16, layers=1, symbols=16, multipliers=64),
]


@pytest.fixture(params=CONFIGS, ids=["two layers", "one layer"])
def config(request) -> Config:
    return request.param


@pytest.fixture(params=STYLES)
def golden(request, config, companion):
    """An image and what its golden model did in two pieces of a text."""
    image = random_image(config, 13, request.param, seed=3)
    symbols = np.random.default_rng(2).integers(0, 13, 60)
    return image, [piece for _, piece in pieces(companion(image), image, symbols, 40)]


def by_name(found) -> dict:
    return {(stage.place, stage.of): stage for stage in found}


def test_saturated_stages_are_the_golden_model(golden) -> None:
    image, parts = golden
    for piece in parts:
        found = by_name(stages(image, piece))
        for layer in range(image.config.layers):
            for name, values in (("c", piece.c), ("h", piece.h)):
                stage = found[name, f"layer {layer + 1}"]
                assert np.array_equal(saturate(stage.values, stage.form), values[1:, layer])
        logit = found["logit", "out"]
        assert np.array_equal(saturate(logit.values, logit.form), piece.logits)


def test_sums_are_plain_products(golden) -> None:
    image, (piece, _) = golden
    p = image.parameters
    found = by_name(stages(image, piece))
    t, random = 17, np.random.default_rng(4)
    inputs = {"hh1": piece.h[t, 0], "out": piece.h[t + 1, -1]}
    if image.config.layers == 2:
        inputs |= {"ih2": piece.h[t + 1, 0], "hh2": piece.h[t, 1]}
    for name, h in inputs.items():
        for _ in range(5):
            lane = int(random.integers(13 if name == "out" else 64))
            row, gate = p.matrix(name).start + lane // 4, lane % 4
            total = sum(int(w) * int(x) for w, x in zip(p.weights[row, gate], h, strict=True))
            assert found["sum", name].values[t].ravel()[lane] == total
            scaled = half_up(Fraction(total * int(p.scales[row, gate]), 2**14))
            assert found["scaled", name].values[t].ravel()[lane] == scaled


def test_every_stage_has_a_title(golden) -> None:
    image, (piece, _) = golden
    for stage in stages(image, piece):
        assert stage.place in PLACES
        assert stage.of in TITLES or stage.of.startswith("layer ")
        assert len(stage.values) == len(piece.symbols)


def test_saturation_is_seen_where_it_happens(config, companion) -> None:
    image = random_image(config, 13, "saturated", seed=3)
    symbols = np.random.default_rng(2).integers(0, 13, 60)
    ((_, piece),) = pieces(companion(image), image, symbols)
    found = by_name(stages(image, piece))
    c = found["c", "layer 1"]
    assert (np.abs(c.values) > c.form.maximum).any()
    z = found["preactivation", "layer 1"]
    assert (np.abs(z.values) > z.form.maximum).any()


def test_partial_sums_fit(golden) -> None:
    image, (piece, _) = golden
    for stage in stages(image, piece):
        if stage.place in ("sum", "partial"):
            assert stage.values.min() >= stage.form.minimum
            assert stage.values.max() <= stage.form.maximum
    assert by_name(stages(image, piece))["partial", "hh1"].form is PARTIAL


def test_weights_of_four_bits(make_model) -> None:
    model = make_model(13, 16)
    image = quantize(model, Config(hidden=16, symbols=16, multipliers=128, weight_bits=4))
    symbols = np.random.default_rng(2).integers(0, 13, 60)
    ((_, piece),) = pieces(model, image, symbols)
    found = by_name(stages(image, piece))
    for name, stage in (("c", found["c", "layer 2"]), ("h", found["h", "layer 2"])):
        assert np.array_equal(saturate(stage.values, stage.form), getattr(piece, name)[1:, 1])
    assert np.array_equal(saturate(found["logit", "out"].values, LOGIT), piece.logits)
