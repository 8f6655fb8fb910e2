"""Checkpoints: sound ones are read; any other file is refused with one sentence."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from refused_checkpoints import check_refused, load_or_refuse, refused
from safetensors.numpy import save, save_file
from tiny_models import CHARACTERS, tiny_tensors, write_tiny_checkpoint

from zynq_lstm.quant.checkpoint import load_checkpoint, save_checkpoint
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.float_model import FloatModel
from zynq_lstm.quant.image import write_image
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.quant.vocabulary import BYTES


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "model.safetensors"


def check_model(model: FloatModel, tensors, layers: int) -> None:
    assert len(model.layers) == layers
    for k, layer in enumerate(model.layers):
        assert (layer.weight_ih == tensors[f"lstm.weight_ih_l{k}"]).all()
        assert (layer.weight_hh == tensors[f"lstm.weight_hh_l{k}"]).all()
        bias = tensors[f"lstm.bias_ih_l{k}"] + tensors[f"lstm.bias_hh_l{k}"]
        assert (layer.bias == bias).all()
        for array in (layer.weight_ih, layer.weight_hh, layer.bias):
            assert array.dtype == np.float32
    assert (model.head_weight == tensors["head.weight"]).all()
    assert (model.head_bias == tensors["head.bias"]).all()


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("hidden", [1, 16, 128])
def test_reads(path, layers, hidden):
    tensors = tiny_tensors(hidden=hidden, layers=layers)
    tensors["lstm.bias_hh_l0"][:] = 0.25
    model = load_checkpoint(str(write_tiny_checkpoint(path, tensors)))
    check_model(model, tensors, layers)
    assert model.vocabulary.characters == tuple(CHARACTERS)
    assert model.hidden == hidden
    assert model.metadata == {"settings": {}, "results": {}}


def test_reads_notes(path):
    write_tiny_checkpoint(path, settings='{"seed": 3}', results='{"loss": [1.5, "é"]}', more="x")
    notes = load_checkpoint(path).metadata
    assert notes == {"settings": {"seed": 3}, "results": {"loss": [1.5, "é"]}}


def test_notes_may_be_missing(path):
    metadata = {"format": "zynq-lstm-checkpoint", "format_version": "1"}
    metadata["vocabulary"] = json.dumps(list(CHARACTERS))
    save_file(tiny_tensors(), path, metadata=metadata)
    assert load_checkpoint(path).metadata == {}


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floats_are_converted(path, dtype):
    tensors = {name: tensor.astype(dtype) for name, tensor in tiny_tensors().items()}
    model = load_checkpoint(write_tiny_checkpoint(path, tensors))
    assert model.head_weight.dtype == np.float32
    assert (model.head_weight == tensors["head.weight"].astype(np.float32)).all()


# Files


def test_missing(path):
    with refused(f"Checkpoint {path} must be a file; there is none"):
        load_checkpoint(path)


def test_folder(tmp_path):
    with refused(f"Checkpoint {tmp_path} must be a file; it is a folder"):
        load_checkpoint(tmp_path)


def test_device():
    with refused("Checkpoint /dev/zero must be a file; it is a device or a pipe"):
        load_checkpoint("/dev/zero")


def test_name_too_long(tmp_path):
    path = tmp_path / ("x" * 300)
    with pytest.raises(UserError) as caught:
        load_checkpoint(path)
    assert str(caught.value) in (
        f"Checkpoint {path} must be a readable file: File name too long",
        f"Checkpoint {path} must be a file; there is none",  # from Python 3.14 on
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_unreadable(path):
    write_tiny_checkpoint(path).chmod(0)
    assert "must be a safetensors file: Permission denied" in check_refused(path)


def test_an_image_in_its_place(path, image):
    write_image(image, path)
    with refused(
        f"Checkpoint {path} must be a safetensors file, but it is an image (.zlstm); give the "
        "checkpoint (.safetensors) that it was made of"
    ):
        load_checkpoint(path)
    path.write_bytes(b"PK" + bytes(100))
    assert check_refused(path).endswith("; make one with zynq-lstm train or import")


def test_too_large(path):
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with refused(
        f"Checkpoint {path} must have at most 64 MB, not {1 << 20} MB; "
        "it is larger than any model that fits the chip"
    ):
        load_checkpoint(path)


def with_tensors(path: Path, **changes) -> Path:
    """Write a checkpoint with some tensors replaced, or left out where ``None``."""
    tensors = tiny_tensors() | {name.replace("__", "."): x for name, x in changes.items()}
    return write_tiny_checkpoint(path, {k: v for k, v in tensors.items() if v is not None})


@pytest.mark.parametrize("name", sorted(set(tiny_tensors()) - {"lstm.weight_hh_l1"}))
def test_missing_tensor(path, name):
    with_tensors(path, **{name: None})
    with refused(f"Checkpoint {path} must hold the tensor {name}; it is missing"):
        load_checkpoint(path)


def test_no_tensors(path):
    metadata = {"format": "zynq-lstm-checkpoint", "format_version": "1", "vocabulary": '["a","b"]'}
    path.write_bytes(save({}, metadata=metadata))
    with refused(f"Checkpoint {path} must hold the tensor lstm.weight_hh_l0; it is missing"):
        load_checkpoint(path)


def test_half_a_second_layer(path):
    with_tensors(path, lstm__weight_hh_l1=None)
    others = ["lstm.bias_hh_l1", "lstm.bias_ih_l1", "lstm.weight_ih_l1"]
    with refused(
        f"Checkpoint {path} must hold the 6 tensors of a 1-layer LSTM with a linear head only; "
        f"found also {others}"
    ):
        load_checkpoint(path)


@pytest.mark.parametrize("name", ["lstm.weight_hh_l2", "embedding.weight", "head.weight2", "é"])
def test_superfluous_tensor(path, name):
    with_tensors(path, **{name: np.zeros(1, np.float32)})
    with refused(
        f"Checkpoint {path} must hold the 10 tensors of a 2-layer LSTM with a linear head only; "
        f"found also {[name]}"
    ):
        load_checkpoint(path)


@pytest.mark.parametrize("name", sorted(tiny_tensors()))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(path, name, value):
    tensor = tiny_tensors()[name]
    tensor.flat[-1] = value
    with_tensors(path, **{name: tensor})
    with refused(f"Tensor {name} of {path} must be finite; it holds NaN or infinity"):
        load_checkpoint(path)


def test_double_beyond_float_is_refused(path):
    with_tensors(path, head__bias=np.full(13, 1e300))
    with refused(f"Tensor head.bias of {path} must be finite; it holds NaN or infinity"):
        load_checkpoint(path)


@pytest.mark.parametrize("layer", [0, 1])
def test_biases_whose_sum_overflows(path, layer):
    names = [f"lstm.bias_{x}_l{layer}" for x in ("ih", "hh")]
    with_tensors(path, **{name: np.full(64, 3e38, np.float32) for name in names})
    with refused(
        f"Tensors {names[0]} and {names[1]} of {path} must have a finite sum; it overflows"
    ):
        load_checkpoint(path)


@pytest.mark.parametrize("name", sorted(set(tiny_tensors()) - {"lstm.weight_hh_l0"}))
@pytest.mark.parametrize("change", ["longer", "transposed", "flat", "scalar", "empty"])
def test_wrong_shape(path, name, change):
    right = tiny_tensors()[name]
    wrong = {
        "longer": np.concatenate([right, right[:1]]),
        "transposed": np.ascontiguousarray(right.T) if right.ndim > 1 else right[None],
        "flat": right.reshape(-1) if right.ndim > 1 else right[:-1],
        "scalar": np.float32(1).reshape(()),
        "empty": right[:0],
    }[change]
    with_tensors(path, **{name: np.asarray(wrong)})
    shape = right.shape
    with refused(f"Tensor {name} of {path} must have the shape {shape}, not {wrong.shape}"):
        load_checkpoint(path)


@pytest.mark.parametrize("shape", [(64, 15), (16, 64), (1024,), (64, 16, 1), (), (0, 0), (4, 0)])
def test_wrong_shape_of_the_recurrent_matrix(path, shape):
    with_tensors(path, lstm__weight_hh_l0=np.zeros(shape, np.float32))
    with refused(
        f"Tensor lstm.weight_hh_l0 of {path} must have the shape (4 * hidden, hidden), not {shape}"
    ):
        load_checkpoint(path)


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.bool_, np.uint8])
@pytest.mark.parametrize("name", ["lstm.weight_hh_l0", "head.bias"])
def test_integers_are_refused(path, name, dtype):
    with_tensors(path, **{name: np.ones(tiny_tensors()[name].shape, dtype)})
    with refused(f"Tensor {name} of {path} must hold floats, not {np.dtype(dtype)}"):
        load_checkpoint(path)


def test_vocabulary_of_another_size(path):
    write_tiny_checkpoint(path, tiny_tensors("abcd"), characters="abc")
    with refused(f"Tensor lstm.weight_ih_l0 of {path} must have the shape (64, 3), not (64, 4)"):
        load_checkpoint(path)


# Metadata


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ({"format": "pt"}, "'pt' version '1'"),
        ({"format": ""}, "'' version '1'"),
        ({"format_version": "2"}, "'zynq-lstm-checkpoint' version '2'"),
    ],
)
def test_other_formats(path, entries, found):
    write_tiny_checkpoint(path, **entries)
    with refused(
        f"Checkpoint {path} must be of the format zynq-lstm-checkpoint version 1, not {found}; "
        "write it with zynq-lstm train"
    ):
        load_checkpoint(path)


def test_no_metadata(path):
    save_file(tiny_tensors(), path)
    with refused(
        f"Checkpoint {path} must be of the format zynq-lstm-checkpoint version 1, "
        "not None version None; write it with zynq-lstm train"
    ):
        load_checkpoint(path)


BAD_JSON = ["", "{", "[", "nul", "[1,]", "[" * 100_000, "9" * 10_000, "\0", "['a']"]


@pytest.mark.parametrize("text", BAD_JSON, ids=range(9))
def test_vocabulary_that_is_no_json(path, text):
    write_tiny_checkpoint(path, vocabulary=text)
    with refused(
        f"Checkpoint {path} must carry its vocabulary as JSON in its metadata; it does not"
    ):
        load_checkpoint(path)


@pytest.mark.parametrize("value", [5, None, True, "ab", {"a": 1, "b": 2}], ids=range(5))
def test_vocabulary_that_is_no_list(path, value):
    write_tiny_checkpoint(path, vocabulary=json.dumps(value))
    with refused(
        f"Checkpoint {path}: Vocabulary must be a list of characters or the word "
        f'"bytes", not {value!r}'
    ):
        load_checkpoint(path)


def test_vocabulary_of_bytes(path):
    characters = "".join(map(chr, range(256)))
    write_tiny_checkpoint(path, tiny_tensors(characters), vocabulary='"bytes"')
    model = load_checkpoint(path)
    assert model.vocabulary is BYTES
    save_checkpoint(model, path)
    assert load_checkpoint(path).vocabulary is BYTES


def test_vocabulary_missing(path):
    metadata = {"format": "zynq-lstm-checkpoint", "format_version": "1"}
    save_file(tiny_tensors(), path, metadata=metadata)
    with refused(
        f"Checkpoint {path} must carry its vocabulary as JSON in its metadata; it does not"
    ):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[]", "Vocabulary size must be from 2 to 256, not 0"),
        ('["a"]', "Vocabulary size must be from 2 to 256, not 1"),
        (json.dumps(["a"] * 257), "Vocabulary size must be from 2 to 256, not 257"),
        ('["a", "a"]', "Vocabulary must not hold a character twice"),
        ('["a", "bc"]', "Vocabulary must hold single characters, not 'bc'"),
        ('["a", 1]', "Vocabulary must hold single characters, not 1"),
        ('["a", {}]', "Vocabulary must hold single characters, not {}"),
        ('["a", null]', "Vocabulary must hold single characters, not None"),
        ('["a", "\\ud800"]', "Vocabulary must not hold half a character, '\\ud800'"),
    ],
)
def test_vocabulary_refused(path, text, sentence):
    write_tiny_checkpoint(path, vocabulary=text)
    with refused(f"Checkpoint {path}: {sentence}"):
        load_checkpoint(path)


@pytest.mark.parametrize("name", ["settings", "results"])
@pytest.mark.parametrize(
    "text", [*BAD_JSON, "NaN", '{"x": -Infinity}', "1e999", '["\\udfff"]'], ids=range(13)
)
def test_notes_that_no_image_can_carry(path, name, text):
    write_tiny_checkpoint(path, **{name: text})
    with refused(
        f"Checkpoint {path} must carry its {name} as plain JSON in its metadata; it does not"
    ):
        load_checkpoint(path)


@pytest.mark.parametrize("depth", [100, *range(900, 1000, 3)])
def test_deep_notes(path, depth):
    write_tiny_checkpoint(path, settings="[" * depth + "]" * depth)
    load_or_refuse(path)


@pytest.mark.skipif(
    not (Path(__file__).parents[2] / "models" / "shakespeare.safetensors").exists(),
    reason="there is no shipped model",
)
def test_shipped_model():
    model = load_checkpoint(Path(__file__).parents[2] / "models" / "shakespeare.safetensors")
    assert (len(model.layers), model.hidden, len(model.vocabulary)) == (2, 128, 65)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_saved_model_is_the_same_model(path, layers):
    first = path.with_name("first.safetensors")
    write_tiny_checkpoint(first, tiny_tensors(layers=layers), settings='{"seed": 3}')
    model = load_checkpoint(first)
    save_checkpoint(model, path)
    again = load_checkpoint(path)
    assert again.vocabulary == model.vocabulary and again.metadata == model.metadata
    assert quantize(again).to_bytes() == quantize(model).to_bytes()
    for one, other in zip(again.layers, model.layers, strict=True):
        for part in ("weight_ih", "weight_hh", "bias"):
            assert np.array_equal(getattr(one, part), getattr(other, part))


def test_a_model_is_saved_whole_or_not_at_all(tmp_path):
    model = load_checkpoint(write_tiny_checkpoint(tmp_path / "model.safetensors"))
    with pytest.raises(UserError, match="must be writable"):
        save_checkpoint(model, tmp_path / "none" / "model.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
