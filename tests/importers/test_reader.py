"""Files of the frameworks themselves: the same logits, and the same image from each."""

from pathlib import Path

import numpy as np
import pytest

from zynq_lstm.importers.reader import read_model
from zynq_lstm.importers.vocabularies import bytes_vocabulary, read_vocabulary
from zynq_lstm.quant.checkpoint import load_checkpoint, save_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import MAGIC
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.quant.vocabulary import Vocabulary

pytest.importorskip("onnx")
pytest.importorskip("h5py")

FIXTURES = Path(__file__).parent / "fixtures"
VOCABULARY = read_vocabulary(FIXTURES / "vocabulary.json")
FILES = (
    "pytorch.safetensors",
    "pytorch_script.onnx",
    "pytorch_script_fixed.onnx",
    "pytorch_script_unfolded.onnx",
    "pytorch_dynamo.onnx",
    "pytorch_dynamo_fixed.onnx",
    "keras.keras",
    "keras.h5",
)
TINY = Config(hidden=16, symbols=16, multipliers=64)


@pytest.mark.parametrize("file", FILES)
def test_computes_what_the_framework_computes(file, expected) -> None:
    model = read_model(FIXTURES / file, VOCABULARY)
    logits = model.logits(np.array(expected["symbols"]))
    reference = np.array(expected["keras" if file.startswith("keras") else "pytorch"])
    assert np.abs(logits - reference).max() < 1e-5
    assert np.abs(reference).max() > 0.1


def test_each_format_gives_the_same_image() -> None:
    images = {file: quantize(read_model(FIXTURES / file, VOCABULARY)).to_bytes() for file in FILES}
    assert len(set(images.values())) == 1


@pytest.mark.parametrize("file", FILES)
def test_a_checkpoint_between_changes_nothing(file, tmp_path) -> None:
    model = read_model(FIXTURES / file, VOCABULARY)
    path = tmp_path / "model.safetensors"
    save_checkpoint(model, path)
    assert quantize(load_checkpoint(path), TINY).to_bytes() == quantize(model, TINY).to_bytes()
    assert quantize(read_model(path), TINY).to_bytes() == quantize(model, TINY).to_bytes()


def test_padding_changes_no_result() -> None:
    model = read_model(FIXTURES / "pytorch.safetensors", VOCABULARY)
    symbols = VOCABULARY.encode("abc de\nab cab e")
    logits = []
    for config in (TINY, Config(hidden=64, symbols=32, multipliers=128), Config()):
        logits.append(GoldenModel(quantize(model, config)).logits(symbols))
    assert (logits[0] == logits[1]).all() and (logits[0] == logits[2]).all()


def test_a_file_without_vocabulary_needs_one(refused) -> None:
    refused(FIXTURES / "pytorch.safetensors", "7 symbols", "--vocabulary", "--bytes")


@pytest.mark.parametrize("vocabulary", [bytes_vocabulary(), Vocabulary("ab")])
def test_the_vocabulary_must_have_the_models_size(refused, vocabulary) -> None:
    found = str(len(vocabulary))
    refused(FIXTURES / "keras.keras", "7 symbols", f"found {found}", vocabulary=vocabulary)


def test_a_checkpoint_of_its_own_takes_no_other_vocabulary(refused, tmp_path) -> None:
    path = tmp_path / "model.safetensors"
    save_checkpoint(read_model(FIXTURES / "pytorch.safetensors", VOCABULARY), path)
    refused(path, "own vocabulary", vocabulary=VOCABULARY)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "none of these"),
        (b"nothing", "none of these"),
        (MAGIC + bytes(99), "it is an image (.zlstm); give the checkpoint (.safetensors) that it"),
        (b"PK\x03\x04", "damaged"),
        (b"\x80\x02}q\x00.", "bare pickle"),
    ],
)
def test_refuses_other_files(refused, write, content, part) -> None:
    refused(write(content, "model"), part)


def test_refuses_what_is_no_file(refused, tmp_path) -> None:
    refused(tmp_path, "must be a file")
    refused(tmp_path / "none", "must be a file")


def test_refuses_what_is_too_large(refused, tmp_path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)
    refused(path, "at most 64 MB")


def test_a_keras_file_with_weights_only_is_refused(refused) -> None:
    refused(FIXTURES / "keras.weights.h5", "weights only", "model.save")
