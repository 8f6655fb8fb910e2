"""Float weights to integers: errors, limits, padding and what is refused."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.float_model import FloatModel
from zynq_lstm.quant.formats import LOGIT, PREACTIVATION
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.quantizer import (
    by_unit,
    default_config,
    prove_no_overflow,
    quantize,
    quantize_parameters,
    quantize_rows,
    quantize_values,
    scale_unit,
)

UNITS = {PREACTIVATION: 2.0**-18, LOGIT: 2.0**-17}
LIMITS = {form: 65535 * 127 * unit for form, unit in UNITS.items()}
BOTH = pytest.mark.parametrize("form", [PREACTIVATION, LOGIT], ids=["preactivation", "logit"])


def refused(sentence: str):
    return pytest.raises(UserError, match=f"^{re.escape(sentence)}$")


def rows_of(weights: np.ndarray, form) -> tuple[np.ndarray, np.ndarray]:
    return quantize_rows(np.asarray(weights, np.float32), form, "a test")


def check_rows(weights: np.ndarray, form) -> None:
    """Each weight within half a step of its row, and no smaller scale would do."""
    quantized, scales = rows_of(weights, form)
    assert (quantized.dtype, scales.dtype) == (np.int8, np.uint16)
    assert np.abs(quantized.astype(int)).max(initial=0) <= 127
    assert scales.min(initial=1) >= 1
    step = scales.astype(np.float64)[..., None] * UNITS[form]
    exact = np.asarray(weights, np.float32).astype(np.float64)
    assert (np.abs(quantized * step - exact) <= step / 2).all()
    smaller = (scales - 1.0) * 127 * UNITS[form]
    assert ((scales == 1) | (np.abs(exact).max(-1) > smaller)).all()


# Rows


@BOTH
def test_scale_unit(form):
    """Sum of w * h in Q.7, times the scale, less 14 bits, is in the format's fraction."""
    assert scale_unit(form) == UNITS[form]
    for w, h, scale in ((127, -128, 3), (-5, 64, 65535)):
        total = w * h * scale / 2**14  # an integer of the format
        assert total / 2**form.fraction == (w * scale * UNITS[form]) * (h / 2**7)


@BOTH
@given(data=st.data())
def test_rows(form, data):
    floats = st.floats(-31, 31, width=32) | st.floats(-(2**-10), 2**-10, width=32)
    shape = data.draw(npst.array_shapes(min_dims=2, max_dims=3, max_side=6))
    check_rows(data.draw(npst.arrays(np.float32, shape, elements=floats)), form)


@BOTH
def test_rows_of_all_sizes(form):
    random = np.random.default_rng(1)
    gains = 2.0 ** np.arange(-30, 5)
    check_rows(random.uniform(-1, 1, (len(gains), 128)) * gains[:, None], form)


@BOTH
def test_zero_rows(form):
    quantized, scales = rows_of(np.zeros((3, 5)), form)
    assert not quantized.any() and (scales == 1).all()


@BOTH
def test_denormals_become_zero(form):
    tiny = np.array([[1e-45, -1e-40, 1e-38]])
    quantized, scales = rows_of(tiny, form)
    assert quantized.tolist() == [[0, 0, 0]] and scales.tolist() == [1]
    quantized, _ = rows_of(np.append(tiny, [[1.0]], axis=1), form)
    assert quantized.tolist() == [[0, 0, 0, 127]]


@BOTH
def test_multiples_of_a_step_are_exact(form):
    steps = np.arange(-127, 128)
    for scale in (1, 2, 1000, 65535):
        quantized, scales = rows_of(steps[None] * scale * UNITS[form], form)
        assert quantized.tolist() == [steps.tolist()] and scales.tolist() == [scale]


@BOTH
def test_largest_weights(form):
    limit = np.float32(LIMITS[form])
    assert limit == LIMITS[form]  # a float32 itself
    quantized, scales = rows_of(np.array([[limit, -limit, limit / 2]]), form)
    assert quantized.tolist() == [[127, -127, 64]] and scales.tolist() == [65535]


@BOTH
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("above", ["next", 100.0, 3e38])
def test_larger_weights_are_refused(form, sign, above):
    value = np.nextafter(np.float32(LIMITS[form]), np.float32(99)) if above == "next" else above
    weights = np.zeros((4, 3))
    weights[2, 1] = sign * value
    found = float(np.float32(value))
    with refused(
        f"Weights of a test must be within +-{LIMITS[form]:.2f}, not {found:.2f}; "
        "train with weight decay or gradient clipping"
    ):
        rows_of(weights, form)


# Values


@BOTH
@given(data=st.data())
def test_values(form, data):
    bound = float(np.float32(form.maximum * form.lsb))
    values = data.draw(npst.arrays(np.float32, 9, elements=st.floats(-bound, bound, width=32)))
    found = quantize_values(values, form, "A test")
    assert found.dtype == np.int16
    assert (np.abs(found * form.lsb - values.astype(np.float64)) <= form.lsb / 2).all()


@BOTH
def test_values_at_their_ends(form):
    ends = np.array([form.minimum, form.maximum]) * form.lsb
    assert quantize_values(ends, form, "A test").tolist() == [-32768, 32767]
    within = ends + np.array([-0.5, 0.49]) * form.lsb  # rounded to the ends
    assert quantize_values(within, form, "A test").tolist() == [-32768, 32767]
    assert quantize_values(np.zeros((0, 4)), form, "A test").shape == (0, 4)


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        (PREACTIVATION, 16.0, "from -16 to 15.9995, found 16.00"),
        (PREACTIVATION, 32767.5 / 2048, "from -16 to 15.9995, found 16.00"),
        (PREACTIVATION, -16.01, "from -16 to 15.9995, found 16.01"),
        (LOGIT, 32.0, "from -32 to 31.999, found 32.00"),
        (LOGIT, -1000.0, "from -32 to 31.999, found 1000.00"),
        (LOGIT, float("inf"), "from -32 to 31.999, found inf"),
    ],
)
def test_values_out_of_range(form, value, text):
    with refused(
        f"A test must be {text} in magnitude; train with weight decay or gradient clipping"
    ):
        quantize_values(np.array([0, value], np.float32), form, "A test")


# Models


def with_layer(model: FloatModel, k: int, **fields) -> FloatModel:
    layers = list(model.layers)
    layers[k] = dataclasses.replace(layers[k], **fields)
    return dataclasses.replace(model, layers=tuple(layers))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("hidden", [16, 11])
def test_every_number_is_where_it_belongs(make_model, layers, hidden):
    """Scale times weight gives back each matrix to half a step; all else is padding."""
    model = make_model(13, hidden, layers)
    config = Config(hidden=16, layers=layers, symbols=16, multipliers=64)
    p = quantize_parameters(model, config)
    parts = {"hh1": model.layers[0].weight_hh}
    if layers == 2:
        parts |= {"ih2": model.layers[1].weight_ih, "hh2": model.layers[1].weight_hh}
    used = np.zeros(p.weights.shape, bool)
    for name, matrix in parts.items():
        start = p.matrix(name).start
        for gate in range(4):
            for unit in range(hidden):
                row = matrix[gate * hidden + unit].astype(np.float64)
                step = float(p.scales[start + unit, gate]) * 2**-18
                found = p.weights[start + unit, gate, :hidden] * step
                assert np.abs(found - row).max() <= step / 2
                used[start + unit, gate, :hidden] = True
                if name == "hh2":
                    bias = model.layers[1].bias[gate * hidden + unit]
                    assert abs(p.biases[start + unit, gate] / 2**11 - bias) <= 2**-12
    start = p.matrix("out").start
    for symbol in range(13):
        at = start + symbol // 4, symbol % 4
        step = float(p.scales[at]) * 2**-17
        row = model.head_weight[symbol].astype(np.float64)
        assert np.abs(p.weights[at][:hidden] * step - row).max() <= step / 2
        assert abs(p.biases[at] / 2**10 - model.head_bias[symbol]) <= 2**-11
        used[at][:hidden] = True
        for gate in range(4):
            for unit in range(hidden):
                at_row = gate * hidden + unit
                value = model.layers[0].weight_ih[at_row, symbol] + model.layers[0].bias[at_row]
                assert abs(p.table[symbol, unit, gate] / 2**11 - value) <= 2**-12
    assert not p.weights[~used].any()
    assert (p.scales[~used.any(-1)] == 1).all()
    assert not p.table[:, hidden:].any()
    zero = np.ones(len(p.biases), bool)
    zero[p.matrix("out")] = False
    if layers == 2:
        start = p.matrix("hh2").start
        zero[start : start + hidden] = False
    assert not p.biases[zero].any()


def test_by_unit():
    rows = np.arange(12, dtype=np.float32)  # gate-major: i0 i1 i2 f0 f1 f2 …
    assert by_unit(rows).tolist() == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]
    assert by_unit(np.stack([rows, -rows], 1)).shape == (3, 4, 2)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(
    "larger",
    [
        {"hidden": 48, "symbols": 64, "multipliers": 64},
        {"hidden": 32, "symbols": 16, "multipliers": 128},
        {"hidden": 128, "symbols": 256, "multipliers": 512},
    ],
)
def test_padding_changes_no_logit(make_model, layers, larger):
    model = make_model(13, 16, layers)
    symbols = np.random.default_rng(4).integers(0, 13, 60)
    small = Config(hidden=16, layers=layers, symbols=16, multipliers=64)
    expected = GoldenModel(quantize(model, small)).logits(symbols)
    padded = GoldenModel(quantize(model, Config(layers=layers, **larger)))
    assert (padded.logits(symbols) == expected).all()
    assert not padded.state.h[:, 16:].any()


@pytest.mark.parametrize(("symbols", "hidden"), [(2, 1), (3, 5), (256, 16), (256, 128)])
def test_odd_sizes(make_model, symbols, hidden):
    model = make_model(symbols, hidden)
    image = quantize(model)
    golden = GoldenModel(image)
    text = np.random.default_rng(1).integers(0, symbols, 30)
    found = golden.logits(text)
    assert found.shape == (30, symbols)
    error = np.abs(found / 2**10 - model.logits(text))
    assert error.mean() < 0.05
    assert GoldenModel(image).generate(text, 10, 4096, 1).shape == (10,)


@pytest.mark.parametrize(
    ("symbols", "layers", "expected"),
    [
        (65, 2, Config()),
        (128, 1, Config(layers=1)),
        (129, 2, Config(symbols=256)),
        (256, 1, Config(layers=1, symbols=256)),
    ],
)
def test_default_config(make_model, symbols, layers, expected):
    model = make_model(symbols, 16, layers)
    assert default_config(model) == expected
    assert quantize(model).config == expected


def test_image_carries_what_is_known(model, small):
    noted = dataclasses.replace(model, metadata={"settings": {"seed": 3}, "results": {}})
    image = quantize(noted, small)
    assert image.vocabulary == model.vocabulary
    assert image.metadata == {
        "model": {"hidden": 16, "layers": 2},
        "settings": {"seed": 3},
        "results": {},
    }


def test_refuses_other_layers(make_model, small):
    with refused("The model must have 2 layers, not 1; choose a configuration with as many"):
        quantize(make_model(layers=1), small)


@pytest.mark.parametrize(("symbols", "hidden"), [(17, 16), (13, 17), (200, 100)])
def test_refuses_larger_models(make_model, small, symbols, hidden):
    with refused(
        f"The model must have at most 16 units and 16 symbols, not {hidden} and {symbols}"
    ):
        quantize(make_model(symbols, hidden), small)


def test_refuses_models_larger_than_any_hardware(make_model):
    with refused("The model must have at most 128 units and 128 symbols, not 129 and 13"):
        quantize(make_model(13, 129))


DECAY = "train with weight decay or gradient clipping"


@pytest.mark.parametrize(
    ("layer", "field", "what", "limit"),
    [
        (0, "weight_hh", "layer 1, recurrent", 31.75),
        (1, "weight_ih", "layer 2, input", 31.75),
        (1, "weight_hh", "layer 2, recurrent", 31.75),
    ],
)
def test_refuses_large_weights(model, small, layer, field, what, limit):
    matrix = getattr(model.layers[layer], field).copy()
    matrix[63, 15] = -40
    with refused(f"Weights of {what} must be within +-{limit}, not 40.00; {DECAY}"):
        quantize(with_layer(model, layer, **{field: matrix}), small)


def test_refuses_a_large_output_layer(model, small):
    weight, bias = model.head_weight.copy(), model.head_bias.copy()
    weight[12, 0], bias[12] = 64, -33
    with refused(f"Weights of the output layer must be within +-63.50, not 64.00; {DECAY}"):
        quantize(dataclasses.replace(model, head_weight=weight), small)
    with refused(
        f"Biases of the output layer must be from -32 to 31.999, found 33.00 in magnitude; {DECAY}"
    ):
        quantize(dataclasses.replace(model, head_bias=bias), small)


def test_refuses_large_biases_of_layer_2(model, small):
    bias = model.layers[1].bias.copy()
    bias[5] = 16
    with refused(
        f"Biases of layer 2 must be from -16 to 15.9995, found 16.00 in magnitude; {DECAY}"
    ):
        quantize(with_layer(model, 1, bias=bias), small)


@pytest.mark.parametrize(("weight", "bias", "text"), [(10, 7, "17.00"), (3e38, 3e38, "inf")])
def test_refuses_large_sums_of_input_weights_and_biases(model, small, weight, bias, text):
    weights, biases = model.layers[0].weight_ih.copy(), model.layers[0].bias.copy()
    weights[5, 3], biases[5] = weight, bias
    with refused(
        "Input weights plus biases of layer 1 must be from -16 to 15.9995, "
        f"found {text} in magnitude; {DECAY}"
    ):
        quantize(with_layer(model, 0, weight_ih=weights, bias=biases), small)


# The proof


def test_full_rows_are_proved():
    prove_no_overflow(
        np.full((1, 4, 128), -127, np.int8), np.array([[-32768, 32767, 0, 1]], np.int16)
    )


def test_a_row_that_could_overflow_is_refused():
    weights = np.zeros((3, 4, 128), np.int8)
    weights[2, 1] = -128
    with refused("A row's sum must stay within 2097151, but could reach 2097152"):
        prove_no_overflow(weights, np.zeros((3, 4), np.int16))


def test_a_bias_that_could_overflow_is_refused():
    weights = np.zeros((3, 4, 128), np.int8)
    biases = np.zeros((3, 4), np.int32)
    biases[1, 2] = -65536
    prove_no_overflow(weights, biases)  # type: ignore[arg-type]
    biases[1, 2] = 65537
    with refused("A row's sum and bias must stay within 131071, but could reach 131073"):
        prove_no_overflow(weights, biases)  # type: ignore[arg-type]


@pytest.mark.parametrize("output_bits", [8, 4])
def test_weights_of_4_bits(make_model, output_bits):
    model = make_model(13, 16)
    config = Config(hidden=16, symbols=16, multipliers=128, weight_bits=4, output_bits=output_bits)
    image = Image.from_bytes(quantize(model, config).to_bytes())
    p = image.parameters
    for name, limit in (("ih2", 7), ("hh1", 7), ("hh2", 7), ("out", config.output_limit)):
        weights = p.weights[p.matrix(name)]
        assert np.abs(weights).max() == limit
    found = p.weights[p.matrix("hh1")] * (p.scales[p.matrix("hh1")][..., None] * 2.0**-18)
    expected = by_unit(model.layers[0].weight_hh)
    steps = np.abs(expected).max(-1, keepdims=True) / 7
    assert (np.abs(found - expected) <= steps * 0.501).all()
    # What stands on the grid already is kept, integer by integer.
    kept = dataclasses.replace(
        model.layers[0], weight_hh=found.swapaxes(0, 1).reshape(64, 16).astype(np.float32)
    )
    again = quantize(dataclasses.replace(model, layers=(kept, model.layers[1])), config)
    assert np.array_equal(again.parameters.weights, p.weights)
    assert np.array_equal(again.parameters.scales, p.scales)


def test_weights_too_large_for_4_bits(make_model):
    model = make_model(13, 16, gain=12.0)
    config = default_config(model, 4)
    assert (config.multipliers, config.weight_bits, config.output_bits) == (1024, 4, 8)
    with pytest.raises(UserError, match=r"within \+-1.75, not .* up to 7, with zynq-lstm train"):
        quantize(model, config)
