"""PyTorch's own files: state dicts are read, training checkpoints too, and nothing is executed."""

import io
import zipfile
from argparse import Namespace
from collections import OrderedDict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from foreign_models import foreign, state_dict
from torch import nn

from zynq_lstm.importers.reader import read_model
from zynq_lstm.importers.vocabularies import read_vocabulary
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.quant.vocabulary import Vocabulary

torch.set_num_threads(1)

FIXTURES = Path(__file__).parent / "fixtures"


def saved(content: object, **options) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def tensors(model) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in state_dict(model).items()}


def test_the_files_of_a_training_give_the_same_image() -> None:
    vocabulary = read_vocabulary(FIXTURES / "vocabulary.json")
    images = {
        quantize(read_model(FIXTURES / name, given)).to_bytes()
        for name, given in (
            ("pytorch.safetensors", vocabulary),
            ("pytorch.pt", vocabulary),
            ("pytorch_checkpoint.pt", None),
        )
    }
    assert len(images) == 1


def test_refuses_a_whole_module(refused) -> None:
    reason = "nothing of it is executed; found __main__.Network"
    refused(FIXTURES / "pytorch_module.pt", reason, "torch.save(model.state_dict()")


@pytest.mark.parametrize("key", ["vocab", "chars", "stoi"])
def test_checkpoints_may_carry_the_vocabulary(same, write, key) -> None:
    model = foreign()
    characters = list(model.vocabulary.characters)
    value = {c: k for k, c in enumerate(characters)} if key == "stoi" else characters
    content = {"state_dict": OrderedDict(tensors(model)), key: value, "epoch": 3}
    same(read_model(write(saved(content), "m.pt")), model)


class Characters(nn.Module):
    """A character model as people write them."""

    def __init__(self, kind: str, symbols: int, hidden: int, layers: int):
        super().__init__()
        width = {"one-hot": symbols, "tied": hidden}.get(kind, 6)
        self.kind = kind
        self.encoder = None if kind == "one-hot" else nn.Embedding(symbols, width)
        if kind == "cells":
            sizes = [width] + [hidden] * layers
            self.cells = nn.ModuleList(nn.LSTMCell(a, b) for a, b in pairwise(sizes))
        else:
            self.rnn = nn.LSTM(width, hidden, layers, bias=kind != "no bias")
        self.decoder = nn.Linear(hidden, symbols, bias=kind != "no bias")
        if kind == "tied":
            self.decoder.weight = self.encoder.weight

    def forward(self, symbols: torch.Tensor) -> torch.Tensor:
        if self.encoder is None:
            x = nn.functional.one_hot(symbols, self.decoder.out_features).float()
        else:
            x = self.encoder(symbols)
        if self.kind != "cells":
            return self.decoder(self.rnn(x)[0])
        states = [None] * len(self.cells)
        outputs = []
        for step in x:
            for k, cell in enumerate(self.cells):
                states[k] = cell(step, states[k])
                step = states[k][0]
            outputs.append(self.decoder(step))
        return torch.stack(outputs)


@pytest.mark.parametrize("kind", ["one-hot", "embedding", "tied", "cells", "no bias"])
@pytest.mark.parametrize("sizes", [(7, 8, 1), (7, 8, 2), (8, 8, 2), (65, 96, 2), (256, 20, 1)])
def test_computes_what_pytorch_computes(write, kind, sizes) -> None:
    torch.manual_seed(sum(sizes) + len(kind))
    network = Characters(kind, *sizes)
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -0.4, 0.4)
    path = write(saved(network.state_dict()), "m.pt")
    model = read_model(path, Vocabulary(chr(0x100 + k) for k in range(sizes[0])))
    symbols = np.random.default_rng(7).integers(0, sizes[0], 100)
    with torch.no_grad():
        expected = network(torch.tensor(symbols)[:, None])[:, 0].numpy()
    assert np.abs(model.logits(symbols) - expected).max() < 1e-5


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["one-hot", "embedding", "tied", "no bias"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("dynamo", [False, True])
def test_onnx_and_state_dict_give_the_same_image(write, kind, layers, dynamo) -> None:
    pytest.importorskip("onnxscript" if dynamo else "onnx")
    torch.manual_seed(layers)
    network = Characters(kind, 11, 24, layers).eval()
    vocabulary = Vocabulary("abcdefghijk")
    buffer = io.BytesIO()
    example = torch.zeros(4, 1, dtype=torch.long)
    torch.onnx.export(network, (example,), buffer, dynamo=dynamo)
    onnx = read_model(write(buffer.getvalue(), "m.onnx"), vocabulary)
    state = read_model(write(saved(network.state_dict()), "m.pt"), vocabulary)
    assert quantize(onnx).to_bytes() == quantize(state).to_bytes()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(write, dtype) -> None:
    model = foreign()
    content = {name: tensor.to(dtype) for name, tensor in tensors(model).items()}
    found = read_model(write(saved(content), "m.pt"), model.vocabulary)
    assert np.array_equal(found.head_weight, content["fc.weight"].float().numpy())


def test_views_and_parameters_are_tensors(same, write) -> None:
    model = foreign()
    content = tensors(model)
    content["fc.weight"] = content["fc.weight"].T.contiguous().T
    content["fc.bias"] = nn.Parameter(content["fc.bias"])
    same(read_model(write(saved(content), "m.pt"), model.vocabulary), model)


WIDE = torch.zeros(1).expand(1 << 30, 1 << 20)
REFUSED = {
    "namespace": ({"state_dict": tensors(foreign()), "args": Namespace(a=1)}, "argparse.Namespace"),
    "no dict": ([1, 2], "not list"),
    "no tensors": ({"a": 1}, "found none"),
    "two models": ({"g": tensors(foreign()), "d": tensors(foreign())}, "found d, g"),
    "huge view": ({"fc.weight": WIDE}, "at most 16,777,216 numbers"),
    "integers": (
        {name: tensor.long() for name, tensor in tensors(foreign()).items()},
        "as floating-point numbers, not int64",
    ),
    "sparse": ({"fc.weight": torch.eye(8).to_sparse()}, "nothing of it is executed"),
    "optimizer": (torch.optim.SGD([nn.Parameter(torch.ones(1))]).state_dict(), "found none"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(refused, write, case) -> None:
    content, reason = REFUSED[case]
    refused(write(saved(content), "m.pt"), reason, vocabulary=foreign().vocabulary)


def test_refuses_a_file_of_old(refused, write) -> None:
    data = saved(tensors(foreign()), _use_new_zipfile_serialization=False)
    refused(write(data, "m.pt"), "bare pickle", "PyTorch 1.6")


def test_refuses_storages_that_are_too_short(refused, write) -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(FIXTURES / "pytorch.pt") as source,
        zipfile.ZipFile(buffer, "w") as target,
    ):
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, data[:8] if name.endswith("data/0") else data)
    refused(write(buffer.getvalue(), "m.pt"), "damaged")
