"""Going on from a checkpoint: the same model at first, with more symbols, and what it learns."""

import dataclasses

import numpy as np
import pytest
import torch
from tiny_models import tiny_tensors, write_tiny_checkpoint

from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.vocabulary import BYTES, Vocabulary
from zynq_lstm.train.finetuning import begin_from, settings_from
from zynq_lstm.train.network import Network
from zynq_lstm.train.trainer import train


@pytest.fixture(params=[1, 2], ids=["one layer", "two layers"])
def model(request, tmp_path):
    tensors = tiny_tensors(layers=request.param)
    return load_checkpoint(write_tiny_checkpoint(tmp_path / "tiny.safetensors", tensors))


def network_from(model, settings, vocabulary) -> Network:
    settings = settings_from(model, settings, vocabulary)
    network = Network(len(vocabulary), settings, torch.Generator().manual_seed(1))
    begin_from(network, model)
    return network


def logits(network: Network, symbols: np.ndarray) -> np.ndarray:
    given = torch.from_numpy(symbols)[:, None]
    return network(given, network.initial_state(1))[0][:, 0].detach().numpy()


@pytest.mark.parametrize("embedding", [1, 13, 40])
def test_begins_as_the_same_model(model, settings, embedding) -> None:
    """Whatever the width that was asked for: it is made wide enough."""
    settings = dataclasses.replace(settings, embedding=embedding)
    symbols = np.random.default_rng(1).integers(0, 13, 60)
    found = logits(network_from(model, settings, model.vocabulary), symbols)
    np.testing.assert_allclose(found, model.logits(symbols), atol=2e-4)


def test_new_symbols_leave_the_old_ones_alone(model, settings) -> None:
    more = Vocabulary([*model.vocabulary.characters, "x", "y", "z"])
    network = network_from(model, settings, more)
    symbols = np.random.default_rng(1).integers(0, 13, 60)
    found = logits(network, symbols)
    np.testing.assert_allclose(found[:, :13], model.logits(symbols), atol=2e-4)
    weight, bias = model.head_weight.mean(axis=0), model.head_bias.min()
    np.testing.assert_allclose(network.head_weight[13:].detach(), [weight] * 3, atol=1e-6)
    np.testing.assert_allclose(network.head_bias[13:].detach(), [bias] * 3)
    table = (network.embedding @ network.lstm[0].T).detach().numpy()
    mean = model.layers[0].weight_ih.mean(axis=1)
    np.testing.assert_allclose(table[13:], [mean] * 3, atol=1e-5)


def test_every_column_can_learn(model, settings) -> None:
    """Of the embedding or of its projection, one has a gradient."""
    settings = dataclasses.replace(settings, embedding=40)
    network = network_from(model, settings, model.vocabulary)
    symbols = torch.arange(13)[:, None]
    network(symbols, network.initial_state(1))[0].square().sum().backward()
    gradients = network.embedding.grad.abs().sum(0) + network.lstm[0].grad.abs().sum(0)
    assert (gradients > 0).all()


def test_bytes_stay_bytes(settings, tmp_path) -> None:
    bytewise = "".join(map(chr, range(256)))
    path = tmp_path / "bytes.safetensors"
    write_tiny_checkpoint(path, tiny_tensors(bytewise), vocabulary='"bytes"')
    model = load_checkpoint(path)
    assert settings_from(model, settings, BYTES).symbols == "bytes"


def test_learns_a_text_with_new_symbols(settings, text_path, tmp_path) -> None:
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    before = train(text_path, first, settings)
    text = text_path.read_text().replace("amaro", "um-xum")
    text_path.write_text(text)
    short = dataclasses.replace(settings, epochs=1, learning_rate=5e-3)
    fresh = train(text_path, second, short)
    tuned = train(text_path, second, short, start=first)
    assert tuned.validation_nats < fresh.validation_nats - 0.2
    assert tuned.validation_nats < before.validation_nats + 0.3
    model = load_checkpoint(second)
    old = load_checkpoint(first).vocabulary.characters
    assert model.vocabulary.characters == (*old, *sorted({"-", "u", "x"} - set(old)))
    assert len(model.metadata["settings"]["start_sha256"]) == 64


def test_resumes_with_the_same_checkpoint_only(settings, text_path, tmp_path) -> None:
    first, parts, whole = (tmp_path / f"{name}.safetensors" for name in ("a", "b", "c"))
    train(text_path, first, settings)

    def stop(now) -> None:
        if now.epoch == 2:
            raise KeyboardInterrupt

    train(text_path, parts, settings, start=first, report=stop)
    with pytest.raises(UserError, match=r"start_sha256 is None now and was [0-9a-f]{64}"):
        train(text_path, parts, settings, resume=True)
    train(text_path, parts, settings, start=first, resume=True)
    train(text_path, whole, settings, start=first)
    one, other = load_checkpoint(parts), load_checkpoint(whole)
    assert np.array_equal(one.head_weight, other.head_weight)
    assert np.array_equal(one.layers[0].weight_ih, other.layers[0].weight_ih)


def test_refuses_a_model_that_cannot_be_trained(settings, text_path, tmp_path) -> None:
    path = write_tiny_checkpoint(tmp_path / "small.safetensors", tiny_tensors(hidden=4))
    with pytest.raises(UserError, match="hidden units must be an integer from 8 to 128, not 4"):
        train(text_path, tmp_path / "x.safetensors", settings, start=path)
    with pytest.raises(UserError, match="must be a file; there is none"):
        train(text_path, tmp_path / "x.safetensors", settings, start=tmp_path / "none")
