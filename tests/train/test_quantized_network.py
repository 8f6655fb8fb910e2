"""The trained network against the golden model, integer by integer, and what training makes."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_models import CHARACTERS, tiny_tensors, write_tiny_checkpoint

from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.formats import CELL, HIDDEN, LOGIT
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.quant.surprisal import SURPRISAL
from zynq_lstm.train.checkpoint import read_checkpoint
from zynq_lstm.train.quantized_network import QuantizedNetwork
from zynq_lstm.train.settings import TrainingSettings
from zynq_lstm.train.trainer import train

BITS = pytest.mark.parametrize("bits", [(8, 8), (4, 8), (4, 4)], ids=["8", "4 and 8", "4"])


def network_of(settings: TrainingSettings, bits: tuple[int, int], **options) -> QuantizedNetwork:
    tensors = {name: torch.from_numpy(t) for name, t in tiny_tensors(**options).items()}
    # Large ones, so that cells, sums and logits saturate.
    tensors["lstm.bias_ih_l0"] *= 20
    tensors["head.bias"] *= 100
    settings = dataclasses.replace(settings, weight_bits=bits[0], output_bits=bits[1])
    return QuantizedNetwork(tensors, settings)


def golden_of(network: QuantizedNetwork, bits: tuple[int, int], folder: Path) -> GoldenModel:
    path = write_tiny_checkpoint(folder / "quantized.safetensors")
    _, metadata = read_checkpoint(path)
    save_file(network.tensors(), path, metadata=metadata)
    model = load_checkpoint(path)
    config = Config(
        hidden=16,
        layers=len(model.layers),
        symbols=16,
        multipliers=512 // bits[0],
        weight_bits=bits[0],
        output_bits=bits[1],
    )
    return GoldenModel(quantize(model, config))


@BITS
@pytest.mark.parametrize("layers", [1, 2])
def test_logits_and_state_are_the_golden_models(
    settings: TrainingSettings, bits: tuple[int, int], layers: int, tmp_path: Path
) -> None:
    network = network_of(settings, bits, layers=layers)
    golden = golden_of(network, bits, tmp_path)
    symbols = np.random.default_rng(2).integers(0, len(CHARACTERS), 200)
    state = network.initial_state(1)
    with torch.inference_mode():
        for chunk in np.split(symbols, [70]):
            logits, state = network(torch.from_numpy(chunk)[:, None], state)
            expected = golden.logits(chunk)
            assert np.array_equal((logits[:, 0] / LOGIT.lsb).numpy(), expected)
            for k, (h, c) in enumerate(state):
                assert np.array_equal((h[0, 0] / HIDDEN.lsb).numpy(), golden.state.h[k])
                assert np.array_equal((c[0, 0] / CELL.lsb).numpy(), golden.state.c[k])
    assert np.abs(golden.state.c).max() > 1 << 13


def test_gradients_are_those_of_a_fine_grid(settings: TrainingSettings) -> None:
    """With 8 bits, they are near those of the float model with the same weights."""
    settings = dataclasses.replace(settings, weight_bits=8)
    tensors = {name: torch.from_numpy(t) / 2 for name, t in tiny_tensors().items()}
    network = QuantizedNetwork(tensors, settings)
    symbols = torch.randint(len(CHARACTERS), (20, 3), generator=torch.Generator().manual_seed(4))
    logits, _ = network(symbols, network.initial_state(3))
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), symbols.flatten()).backward()

    lstm = torch.nn.LSTM(len(CHARACTERS), 16, 2)
    head = torch.nn.Linear(16, len(CHARACTERS))
    lstm.load_state_dict({n[5:]: t for n, t in network.tensors().items() if n[:4] == "lstm"})
    head.load_state_dict({n[5:]: t for n, t in network.tensors().items() if n[:4] == "head"})
    one_hot = torch.nn.functional.one_hot(symbols, len(CHARACTERS)).float()
    expected = head(lstm(one_hot)[0])
    torch.nn.functional.cross_entropy(expected.flatten(0, 1), symbols.flatten()).backward()
    pairs = {
        "hh1": (network.recurrent[0].weights.grad, lstm.weight_hh_l0.grad),
        "hh2": (network.recurrent[1].weights.grad, lstm.weight_hh_l1.grad),
        "ih2": (network.inputs[0].weights.grad, lstm.weight_ih_l1.grad),
        "table": (network.table.grad, lstm.weight_ih_l0.grad.T),
        "bias": (network.biases[0].grad, lstm.bias_ih_l1.grad),
        "head": (network.head.weights.grad, head.weight.grad),
        "head bias": (network.head_bias.grad, head.bias.grad),
    }
    for name, (found, wanted) in pairs.items():
        likeness = torch.cosine_similarity(found.flatten(), wanted.flatten(), dim=0)
        assert likeness > 0.995, name
        assert 0.95 < found.norm() / wanted.norm() < 1.05, name


def test_dropout_needs_a_generator(settings: TrainingSettings) -> None:
    settings = dataclasses.replace(settings, dropout=0.5, recurrent_dropout=0.5)
    network = network_of(settings, (4, 8))
    symbols, state = torch.zeros(5, 2, dtype=torch.int64), network.initial_state(2)
    plain = network(symbols, state)[0]
    assert torch.equal(plain, network(symbols, state)[0])
    drawn = [network(symbols, state, torch.Generator().manual_seed(1))[0] for _ in range(2)]
    assert torch.equal(*drawn)
    assert not torch.equal(plain, drawn[0])


def test_training_makes_up_for_4_bits(
    text_path: Path, tmp_path: Path, settings: TrainingSettings
) -> None:
    start, output = tmp_path / "start.safetensors", tmp_path / "model.safetensors"
    fine = train(text_path, start, settings)
    more = dataclasses.replace(settings, epochs=2, learning_rate=5e-3, weight_bits=4, output_bits=4)
    losses = []
    untrained = dataclasses.replace(more, epochs=1, learning_rate=1e-9)
    for tried in (untrained, more):
        losses.append(train(text_path, output, tried, start=start).validation_nats)
    assert losses[1] < losses[0] - 0.02
    assert losses[1] < fine.validation_nats + 0.1

    # The image has the integers that were trained.
    model = load_checkpoint(output)
    config = Config(hidden=16, symbols=32, multipliers=128, weight_bits=4, output_bits=4)
    golden = GoldenModel(quantize(model, config))
    validation = golden.score(model.vocabulary.encode(text_path.read_text()[5400:5700]))
    bpc = validation.astype(float).mean() * SURPRISAL.lsb
    assert bpc == pytest.approx(losses[1] / math.log(2), abs=0.01)
    settings_of = json.loads(read_checkpoint(output)[1]["settings"])
    assert (settings_of["weight_bits"], settings_of["output_bits"]) == (4, 4)
    assert len(settings_of["start_sha256"]) == 64


def test_needs_a_trained_checkpoint(
    text_path: Path, tmp_path: Path, settings: TrainingSettings
) -> None:
    settings = dataclasses.replace(settings, weight_bits=4)
    with pytest.raises(UserError, match="must begin from a trained checkpoint; name one with"):
        train(text_path, tmp_path / "model.safetensors", settings)
