"""Tests of measuring a checkpoint."""

import json
import math
from pathlib import Path

import pytest
import torch

from zynq_lstm.quant.errors import UserError
from zynq_lstm.train import evaluation
from zynq_lstm.train.checkpoint import checkpoint_of, read_checkpoint, vocabulary_of
from zynq_lstm.train.corpus import load_corpus
from zynq_lstm.train.evaluation import cross_entropy, evaluate, record_test_results
from zynq_lstm.train.network import Network
from zynq_lstm.train.settings import TrainingSettings


@pytest.fixture
def checkpoint(text_path: Path, tmp_path: Path, settings: TrainingSettings) -> Path:
    corpus = load_corpus(text_path)
    network = Network(len(corpus.vocabulary), settings, torch.Generator().manual_seed(1))
    path = tmp_path / "model.safetensors"
    content = checkpoint_of(
        network.tensors(),
        corpus.vocabulary,
        {**settings.to_dict(), **corpus.describe()},
        {"validation_nats": 2.0},
    )
    path.write_bytes(content)
    return path


def test_zero_head_predicts_each_symbol_alike(
    text_path: Path, checkpoint: Path, settings: TrainingSettings
) -> None:
    tensors, metadata = read_checkpoint(checkpoint)
    tensors["head.weight"].zero_()
    vocabulary = vocabulary_of(metadata)
    checkpoint.write_bytes(checkpoint_of(tensors, vocabulary, {}, {}))
    nats, count = evaluate(checkpoint, text_path.read_text()[:100])
    assert count == 99
    assert nats == pytest.approx(math.log(len(vocabulary)))


def test_state_is_carried_from_chunk_to_chunk(
    text_path: Path, settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = load_corpus(text_path)
    network = Network(len(corpus.vocabulary), settings, torch.Generator().manual_seed(1))
    whole = cross_entropy(network, corpus.validation)
    monkeypatch.setattr(evaluation, "CHUNK", 7)
    assert cross_entropy(network, corpus.validation) == pytest.approx(whole, rel=1e-6)


def test_test_results_are_added(text_path: Path, checkpoint: Path) -> None:
    before, _ = read_checkpoint(checkpoint)
    bpc = record_test_results(checkpoint, text_path)
    after, metadata = read_checkpoint(checkpoint)
    nats, count = evaluate(checkpoint, text_path.read_text()[5700:])
    assert json.loads(metadata["results"]) == {
        "validation_nats": 2.0,
        "test_nats": nats,
        "test_bpc": bpc,
        "test_characters": count,
    }
    assert bpc == nats / math.log(2)
    assert all(torch.equal(before[name], after[name]) for name in before)
    text_path.write_text(text_path.read_text() + "!")
    with pytest.raises(
        UserError, match=r"Test text must be the end of the text that .* is another"
    ):
        record_test_results(checkpoint, text_path)


def test_unusable_text_and_checkpoint(text_path: Path, checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Text must have at least 2 characters, but it has 1"):
        evaluate(checkpoint, "a")
    with pytest.raises(UserError, match="found 'é' \\(U"):
        evaluate(checkpoint, "é" * 3)
    with pytest.raises(UserError, match=r"must be a readable safetensors file, but .*text.txt is"):
        evaluate(text_path, "ab")
    with pytest.raises(UserError, match=r"must be a readable safetensors file, but .*none is"):
        evaluate(tmp_path / "none", "ab")
    tensors, metadata = read_checkpoint(checkpoint)
    vocabulary = vocabulary_of(metadata)
    del tensors["lstm.bias_hh_l0"]
    checkpoint.write_bytes(checkpoint_of(tensors, vocabulary, {}, {}))
    with pytest.raises(UserError, match=r"does not fit \(.*lstm.bias_hh_l0"):
        evaluate(checkpoint, "mira")


def test_foreign_safetensors_file(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(UserError, match=r"zynq-lstm-checkpoint version 1, but .* has None version"):
        evaluate(path, "ab")
