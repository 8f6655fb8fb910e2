"""PyTorch's names: every usual module is found, what the accelerator cannot do is refused."""

import json
import re
from collections.abc import Callable

import numpy as np
import pytest
from foreign_models import foreign, state_dict
from safetensors.numpy import save

from zynq_lstm.importers.parts import check_sizes, float_model
from zynq_lstm.importers.reader import read_model
from zynq_lstm.importers.state_dict import parts_of
from zynq_lstm.quant.errors import UserError


def read(tensors, vocabulary):
    parts = parts_of(tensors, "Model x")
    check_sizes(parts, "Model x")
    return float_model(parts, vocabulary, "Model x")


def renamed(tensors, *changes: tuple[str, str]):
    for old, new in changes:
        tensors = {re.sub(old, new, name): tensor for name, tensor in tensors.items()}
    return tensors


SIZES = [(7, 8, 1, 5), (7, 8, 2, 5), (7, 8, 2, 8), (8, 8, 1, 8), (7, 8, 1, None), (2, 128, 2, 3)]


@pytest.mark.parametrize("sizes", [*SIZES, (256, 16, 2, None), (8, 8, 2, None)])
def test_finds_the_parts(same, sizes) -> None:
    symbols, hidden, layers, width = sizes
    model = foreign(symbols, hidden, layers, width=width)
    same(read(state_dict(model), model.vocabulary), model)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.net.", "model.0.", "a" * 200 + "."])
def test_any_module_may_be_around(same, prefix) -> None:
    model = foreign()
    same(read(state_dict(model, prefix), model.vocabulary), model)


@pytest.mark.parametrize(
    "change",
    [
        (r"lstm\.(\w+)_l(\d)", r"cells.\2.\1"),
        (r"lstm\.(\w+)_l(\d)", r"net.cell\2.\1"),
        (r"lstm\.(\w+)_l(\d)", r"lstm\2.\1_l0"),
        (r"lstm\.(\w+)_l1", r"lstm2.\1_l0"),
        (r"lstm\.(\w+)_l(\d)", r"\2.\1"),
    ],
)
def test_layers_may_be_cells_and_modules_of_their_own(same, change) -> None:
    model = foreign()
    tensors = renamed(state_dict(model), change)
    same(read(tensors, model.vocabulary), model)
    same(read(dict(reversed(tensors.items())), model.vocabulary), model)


def test_the_tenth_comes_after_the_second(same) -> None:
    model = foreign(width=8)
    tensors = renamed(
        state_dict(model), (r"lstm\.(\w+)_l1", r"block10.\1"), (r"lstm\.(\w+)_l0", r"block9.\1")
    )
    same(read(tensors, model.vocabulary), model)


def test_shapes_tell_the_order_of_layers_without_numbers(same) -> None:
    model = foreign()
    names = ((r"lstm\.(\w+)_l0", r"upper.\1"), (r"lstm\.(\w+)_l1", r"lower.\1"))
    same(read(renamed(state_dict(model), *names), model.vocabulary), model)
    with pytest.raises(UserError, match=r"order of its LSTM layers by numbers.*lower, upper"):
        read(renamed(state_dict(foreign(width=8)), *names), model.vocabulary)


@pytest.mark.parametrize("names", [("embedding", "fc"), ("encoder", "decoder"), ("wte", "x.head")])
@pytest.mark.parametrize("width", [5, 8])
def test_embedding_and_output_layer_are_told_apart(same, names, width) -> None:
    model = foreign(width=width)
    tensors = renamed(state_dict(model), ("embedding", names[0]), ("fc", names[1]))
    same(read(tensors, model.vocabulary), model)
    del tensors[f"{names[1]}.bias"]
    found = read(tensors, model.vocabulary)
    assert not found.head_bias.any()
    assert np.array_equal(found.head_weight, model.head)


def test_what_cannot_be_told_apart_is_refused() -> None:
    model = foreign(width=8)
    tensors = renamed(state_dict(model), ("embedding", "a"), ("fc", "b"))
    del tensors["b.bias"]
    with pytest.raises(UserError, match=r"rename one to embedding.weight"):
        read(tensors, model.vocabulary)


@pytest.mark.parametrize("symbols", [7, 8])
@pytest.mark.parametrize("bias", ["own", "other", "none"])
def test_tied_weights(symbols, bias) -> None:
    model = foreign(symbols, width=8)
    tensors = state_dict(model)
    tensors["fc.weight"] = model.embedding
    if bias == "own":
        tensors["embedding.bias"] = tensors["fc.bias"]
        if symbols == 8:  # A square matrix with a bias is an output layer after a one-hot input.
            tensors["x.bias"] = tensors.pop("embedding.bias")
    if bias != "other":
        del tensors["fc.bias"]
    for tied in (tensors, {k: t for k, t in tensors.items() if k != "fc.weight"}):
        if bias == "own" and tied is tensors:
            continue
        found = read(tied, model.vocabulary)
        table = model.layers[0][0].astype(np.float64) @ model.embedding.astype(np.float64).T
        assert np.array_equal(found.head_weight, model.embedding)
        assert np.array_equal(found.layers[0].weight_ih, table.astype(np.float32))
        assert found.head_bias.any() == (bias != "none")


def test_a_model_without_biases() -> None:
    model = foreign()
    tensors = {k: t for k, t in state_dict(model).items() if "lstm.bias" not in k}
    found = read(tensors, model.vocabulary)
    assert not any(layer.bias.any() for layer in found.layers)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_precisions(dtype) -> None:
    model = foreign()
    tensors = {k: t.astype(dtype) for k, t in state_dict(model).items()}
    found = read(tensors, model.vocabulary)
    assert np.array_equal(found.head_weight, model.head.astype(dtype).astype(np.float32))


def with_(name: str, tensor: np.ndarray) -> Callable[[dict], dict]:
    return lambda tensors: tensors | {name: tensor}


def without(name: str) -> Callable[[dict], dict]:
    return lambda tensors: {k: t for k, t in tensors.items() if k != name}


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


CASES = {
    "bidirectional": (with_("lstm.weight_ih_l0_reverse", zeros(32, 5)), "bidirectional"),
    "projection": (with_("lstm.weight_hr_l0", zeros(4, 8)), "projection"),
    "GRU": (with_("lstm.weight_hh_l0", zeros(24, 8)), "a GRU"),
    "RNN": (with_("lstm.weight_hh_l0", zeros(8, 8)), "a plain RNN"),
    "shape": (with_("lstm.weight_hh_l0", zeros(31, 8)), r"shape \(31, 8\)"),
    "vector": (with_("lstm.weight_hh_l0", zeros(32)), "must hold a matrix"),
    "layer norm": (with_("norm.weight", zeros(8)), "found also norm.weight"),
    "another layer": (with_("fc2.weight", zeros(7, 7)), "the matrices of embedding, fc, fc2"),
    "batch norm": (with_("bn.running_mean", zeros(8)), "found also bn.running_mean"),
    "another bias": (with_("x.bias", zeros(7)), "one output layer only; found x"),
    "no output layer": (lambda t: {k: v for k, v in t.items() if "lstm" in k}, "there is none"),
    "no LSTM": (lambda t: {k: v for k, v in t.items() if "lstm" not in k}, "an nn.LSTM or"),
    "nothing": (lambda t: {}, "found nothing"),
    "no weights": (without("lstm.weight_ih_l1"), "weight_ih of the recurrent layer lstm"),
    "no embedding": (without("embedding.weight"), "as many symbols as inputs"),
    "input weights": (with_("lstm.weight_ih_l1", zeros(32, 9)), "input weights of LSTM layer 2"),
    "bias": (with_("lstm.bias_hh_l1", zeros(31)), "biases of LSTM layer 2"),
    "head": (with_("fc.weight", zeros(6, 8)), "an embedding of the shape"),
    "head bias": (with_("fc.bias", zeros(6)), "biases of the output layer"),
    "integers": (with_("fc.weight", np.zeros((7, 8), np.int8)), "not int8"),
    "NaN": (with_("fc.bias", zeros(7) * np.nan), "biases of the output layer have NaN"),
    "infinity": (with_("fc.bias", zeros(7) + np.inf), "have NaN, infinity"),
    "too large": (with_("fc.bias", np.full(7, 1e39)), "have NaN, infinity"),
    "large bias": (with_("lstm.bias_ih_l0", zeros(32) + 3e38), "sums of the biases|finite"),
}


@pytest.mark.parametrize("case", CASES)
def test_refuses(case) -> None:
    change, reason = CASES[case]
    model = foreign()
    tensors = change(state_dict(model))
    if case == "large bias":
        tensors["lstm.bias_hh_l0"] = zeros(32) + 3e38
    with pytest.raises(UserError, match=reason) as caught:
        read(tensors, model.vocabulary)
    assert str(caught.value).startswith("Model x ")


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ((7, 7, 1), "from 8 to 128 hidden units per layer.*found 7"),
        ((7, 129, 1), "found 129"),
        ((7, 8, 3), "1 or 2 LSTM layers.*found 3"),
        ((257, 8, 1), "from 2 to 256 symbols.*found 257"),
        ((1, 8, 1), "from 2 to 256 symbols.*found 1"),
    ],
)
def test_refuses_sizes(sizes, reason) -> None:
    model = foreign(*sizes)
    with pytest.raises(UserError, match=reason):
        read(state_dict(model), None)


def test_an_embedding_too_large_for_a_float_is_refused() -> None:
    model = foreign()
    tensors = state_dict(model) | {
        "embedding.weight": np.full((7, 5), 1e30, np.float32),
        "lstm.weight_ih_l0": np.full((32, 5), 1e30, np.float32),
    }
    with pytest.raises(UserError, match="input weights times the embedding"):
        read(tensors, model.vocabulary)


def test_denormals_and_zero_rows_are_numbers(same) -> None:
    model = foreign()
    model.head[0] = 0
    model.layers[0][1][3] = 1e-42
    model.layers[1][0][:] = 0
    same(read(state_dict(model), model.vocabulary), model)


@pytest.mark.parametrize("form", ["list", "numbers"])
def test_safetensors_may_carry_the_vocabulary(same, write, form) -> None:
    model = foreign()
    characters = list(model.vocabulary.characters)
    value = characters if form == "list" else {c: k for k, c in enumerate(characters)}
    metadata = {"format": "pt", "vocabulary": json.dumps(value)}
    same(read_model(write(save(state_dict(model), metadata), "m.safetensors")), model)


@pytest.mark.parametrize("text", ["nothing", "[" * 10_000, '{"a": 1}'])
def test_safetensors_with_a_wrong_vocabulary(refused, write, text) -> None:
    data = save(state_dict(foreign()), {"vocabulary": text})
    refused(write(data, "m.safetensors"), "ocabulary")
