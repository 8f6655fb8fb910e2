"""Dequantized models: within half a step of the float model, and quantized again the same."""

from pathlib import Path

import numpy as np
import pytest
from tiny_models import tiny_tensors, write_tiny_checkpoint

from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.dequantizer import dequantize
from zynq_lstm.quant.formats import LOGIT, PREACTIVATION
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.quantizer import quantize

MODELS = Path(__file__).parents[2] / "models"


@pytest.mark.parametrize("layers", [1, 2])
def test_weights_are_within_half_a_step(tmp_path, layers) -> None:
    path = write_tiny_checkpoint(tmp_path / "m.safetensors", tiny_tensors(layers=layers))
    model = load_checkpoint(path)
    found = dequantize(quantize(model, Config(16, layers, 16, 64)))
    assert found.vocabulary == model.vocabulary
    pairs = [(found.head_weight, model.head_weight)]
    for ours, theirs in zip(found.layers, model.layers, strict=True):
        pairs.append((ours.weight_hh, theirs.weight_hh))
    pairs += [(layer.weight_ih, model.layers[1].weight_ih) for layer in found.layers[1:]]
    for ours, theirs in pairs:
        step = np.abs(theirs).max(axis=1, keepdims=True) / 127
        assert np.all(np.abs(ours - theirs) <= 0.52 * step)  # a scale is rounded up
    first, original = found.layers[0], model.layers[0]
    whole = original.weight_ih + original.bias[:, None]
    assert np.abs(first.weight_ih - whole).max() <= PREACTIVATION.lsb / 2
    assert not first.bias.any()
    for ours, theirs in zip(found.layers[1:], model.layers[1:], strict=True):
        assert np.abs(ours.bias - theirs.bias).max() <= PREACTIVATION.lsb / 2
    assert np.abs(found.head_bias - model.head_bias).max() <= LOGIT.lsb / 2


def test_predicts_what_the_golden_model_does() -> None:
    image = quantize(load_checkpoint(MODELS / "shakespeare.safetensors"))
    text = image.vocabulary.encode("ROMEO:\nBut soft, what light through yonder window breaks?")
    logits = dequantize(image).logits(text)
    golden = GoldenModel(image).logits(text) * LOGIT.lsb
    assert np.sqrt(np.mean(np.square(logits - golden))) < 0.1
    assert np.mean(logits.argmax(1) == golden.argmax(1)) > 0.9


def test_padding_has_no_part_in_it(tmp_path) -> None:
    model = load_checkpoint(write_tiny_checkpoint(tmp_path / "m.safetensors"))
    small, large = (dequantize(quantize(model, Config(hidden, 2, 16, 64))) for hidden in (16, 32))
    text = model.vocabulary.encode("abcdefghij" * 3)
    assert np.allclose(small.logits(text), large.logits(text), rtol=0, atol=1e-5)
