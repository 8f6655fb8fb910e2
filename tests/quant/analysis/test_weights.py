"""Errors of weights against the formats' own definition, number by number."""

from dataclasses import replace

import numpy as np
import pytest

from zynq_lstm.quant.analysis.weights import MatrixError, weight_errors
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.quantizer import quantize


def found(model, image) -> dict:
    return {tensor.name: tensor for tensor in weight_errors(model, image)}


@pytest.mark.parametrize("layers", [1, 2])
def test_every_number_has_its_error(make_model, layers) -> None:
    """In an image that pads the model's 10 units and 13 symbols."""
    model = make_model(13, 10, layers)
    config = Config(hidden=32, layers=layers, symbols=16, multipliers=64)
    image = quantize(model, config)
    p, tensors = image.parameters, found(model, image)
    expected = {"table", "hh1", "out", "bias_out"} | (
        {"ih2", "hh2", "bias2"} if layers == 2 else set()
    )
    assert set(tensors) == expected
    matrices = {"hh1": model.layers[0].weight_hh}
    if layers == 2:
        matrices |= {"ih2": model.layers[1].weight_ih, "hh2": model.layers[1].weight_hh}
    for name, weights in matrices.items():
        tensor, start = tensors[name], p.matrix(name).start
        for row, (unit, gate) in enumerate((u, g) for u in range(10) for g in range(4)):
            assert tensor.rows[row] == f"unit {unit}, {'ifgo'[gate]}"
            step = int(p.scales[start + unit, gate]) * 2.0**-18
            assert tensor.step[row] == step
            for column in range(10):
                code = int(p.weights[start + unit, gate, column])
                error = code * step - float(weights[10 * gate + unit, column])
                assert tensor.error[row, column] == error
    head, start = tensors["out"], p.matrix("out").start
    for symbol in range(13):
        step = int(p.scales[start + symbol // 4, symbol % 4]) * 2.0**-17
        code = int(p.weights[start + symbol // 4, symbol % 4, 9])
        assert head.error[symbol, 9] == code * step - float(model.head_weight[symbol, 9])
        bias = int(p.biases[start + symbol // 4, symbol % 4]) / 1024
        assert tensors["bias_out"].error[symbol, 0] == bias - float(model.head_bias[symbol])
    first = model.layers[0]
    entry = float(first.weight_ih[2 * 10 + 3, 5] + first.bias[2 * 10 + 3])
    assert tensors["table"].error[5, 4 * 3 + 2] == int(p.table[5, 3, 2]) / 2048 - entry


def test_rounding_is_within_half_a_step(model, image) -> None:
    for tensor in weight_errors(model, image):
        steps = np.abs(tensor.error) / tensor.step[:, None]
        assert 0 < steps.max() <= 0.5 + 1e-9
        values = tensor.to_dict()
        assert values["largest_error_in_steps"] == steps.max()
        assert values["rms_error"] == pytest.approx(np.sqrt((tensor.error**2).mean()))
        assert len(values["rows"]) == len(tensor.rows) == values["shape"][0]
        if isinstance(tensor, MatrixError):
            assert 35 < tensor.decibels < 55


def test_a_wrong_weight_shows_in_its_row(model, image) -> None:
    p = image.parameters
    weights = p.weights.copy()
    row = p.matrix("hh2").start + 7
    weights[row, 3, 2] = 127 if weights[row, 3, 2] < 0 else -127
    wrong = Image.from_parameters(replace(p, weights=weights), image.vocabulary, {})
    worst = {t.name: t.rows[int(t.row_largest.argmax())] for t in weight_errors(model, wrong)}
    assert worst["hh2"] == "unit 7, o"
    assert found(model, wrong)["hh2"].to_dict()["largest_error_in_steps"] > 60
    assert found(model, wrong)["hh1"].to_dict()["largest_error_in_steps"] <= 0.5 + 1e-9


def test_codes_are_counted(model, image) -> None:
    tensor = found(model, image)["hh1"]
    counts = tensor.code_counts
    assert counts.sum() == tensor.codes.size
    assert counts[0] == (tensor.codes == -127).sum()
    assert counts[127 + 5] == (tensor.codes == 5).sum()
    assert 4 < tensor.entropy < 8
    assert tensor.to_dict()["greatest_code"] == [127, 127]
    near, edges = tensor.zoomed
    inside = np.abs(tensor.weights / tensor.step[:, None]) < edges[-1]
    assert near.sum() == pytest.approx(inside.sum(), abs=1)


def test_rows_of_zeros_have_no_noise(make_model, small) -> None:
    model = make_model(13, 16)
    weights = model.head_weight.copy()
    weights[4] = 0
    model = replace(model, head_weight=weights)
    tensor = found(model, quantize(model, small))["out"]
    assert tensor.row_rms[4] == 0 and np.isnan(tensor.row_decibels[4])
    assert np.isfinite(np.delete(tensor.row_decibels, 4)).all()
    zero = replace(model, head_bias=np.zeros(13, np.float32))
    assert found(zero, quantize(zero, small))["bias_out"].to_dict()["signal_to_noise_db"] is None


def test_weights_of_four_bits(make_model, small) -> None:
    config = Config(hidden=16, symbols=16, multipliers=128, weight_bits=4)
    model = make_model(13, 16)
    eight, four = quantize(model, small), quantize(model, config)
    coarse, fine = found(model, four), found(model, eight)
    for name, limit in (("hh1", 7), ("ih2", 7), ("hh2", 7), ("out", config.output_limit)):
        tensor = coarse[name]
        assert tensor.limit == np.abs(tensor.codes).max() == limit
        assert len(tensor.code_counts) == 2 * limit + 1
        assert tensor.code_counts.sum() == tensor.codes.size
        assert 0.4 < tensor.to_dict()["largest_error_in_steps"] <= 0.5 + 1e-9
        assert tensor.decibels < fine[name].decibels
    assert np.array_equal(coarse["table"].error, fine["table"].error)
