"""Tests of the trained network: its initial weights, its folding, its dropout."""

import dataclasses

import pytest
import torch

from zynq_lstm.train.evaluation import Reference
from zynq_lstm.train.network import Network
from zynq_lstm.train.settings import TrainingSettings

V = 11


def make(settings: TrainingSettings, seed: int = 1) -> Network:
    return Network(V, settings, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_folded_weights_give_the_same_logits(
    settings: TrainingSettings, layers: int, precision: str
) -> None:
    network = make(dataclasses.replace(settings, layers=layers, precision=precision))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    tensors = network.tensors()
    reference = Reference(tensors)
    symbols = torch.randint(V, (50, 3))
    state, same = network.initial_state(3), reference.initial_state(3)
    with torch.inference_mode():
        for chunk in symbols.split([20, 30]):
            logits, state = network(chunk, state)
            expected, same = reference(chunk, same)
            torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)
    for mine, its in zip(state, same, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layers", [1, 2])
def test_folded_names_and_shapes(settings: TrainingSettings, layers: int) -> None:
    tensors = make(dataclasses.replace(settings, layers=layers)).tensors()
    H = settings.hidden
    expected = {"head.weight": (V, H), "head.bias": (V,)}
    for layer in range(layers):
        expected[f"lstm.weight_ih_l{layer}"] = (4 * H, V if layer == 0 else H)
        expected[f"lstm.weight_hh_l{layer}"] = (4 * H, H)
        expected[f"lstm.bias_ih_l{layer}"] = expected[f"lstm.bias_hh_l{layer}"] = (4 * H,)
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == expected
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}


def test_initial_weights(settings: TrainingSettings) -> None:
    tensors = make(settings).tensors()
    H = settings.hidden
    for layer in range(2):
        for gate in tensors[f"lstm.weight_hh_l{layer}"].split(H):
            torch.testing.assert_close(gate @ gate.T, torch.eye(H), rtol=0, atol=1e-5)
        bias = tensors[f"lstm.bias_ih_l{layer}"].view(4, H)
        assert bias.unique(dim=1).flatten().tolist() == [0.0, 1.0, 0.0, 0.0]
    assert not torch.equal(make(settings, 2).head_weight, make(settings, 1).head_weight)


def test_dropout_is_drawn_from_the_generator_alone(settings: TrainingSettings) -> None:
    network = make(settings)
    symbols = torch.randint(V, (5, 3))

    def logits(seed: int | None) -> torch.Tensor:
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        return network(symbols, network.initial_state(3), generator)[0]

    assert torch.equal(logits(7), logits(7))
    assert not torch.allclose(logits(7), logits(8))
    assert not torch.allclose(logits(7), logits(None))


def test_bfloat16_gradients_are_close(settings: TrainingSettings) -> None:
    symbols = torch.randint(V, (30, 4))
    gradients = []
    for precision in ("float32", "bfloat16"):
        network = make(dataclasses.replace(settings, precision=precision))
        generator = torch.Generator().manual_seed(1)
        logits, state = network(symbols, network.initial_state(4), generator)
        assert logits.dtype == state[0][1].dtype == torch.float32
        logits.square().mean().backward()
        gradients.append([p.grad for p in network.parameters()])
    for exact, rounded in zip(*gradients, strict=True):
        assert (exact - rounded).norm() < 0.03 * exact.norm()
