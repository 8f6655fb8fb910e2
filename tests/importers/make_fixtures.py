"""Makes the files in ``fixtures``, each written by its own framework: one model, many formats.

The tests read them where neither PyTorch nor Keras is installed. To make them again:

    pip install torch==2.13.0 onnx onnxscript keras==3.15.1
    KERAS_BACKEND=torch python tests/importers/make_fixtures.py

``expected.json`` holds symbols and the logits that PyTorch and Keras compute for them.
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import onnx
import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = Path(__file__).parent / "fixtures"
CHARACTERS = "abc de\n"
WIDTH, HIDDEN, LAYERS = 5, 8, 2


class Network(nn.Module):
    """Embedding, LSTM and head, as people write it."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(CHARACTERS), WIDTH)
        self.lstm = nn.LSTM(WIDTH, HIDDEN, LAYERS, batch_first=True, dropout=0.1)
        self.fc = nn.Linear(HIDDEN, len(CHARACTERS))

    def forward(self, symbols: torch.Tensor) -> torch.Tensor:
        return self.fc(self.lstm(self.embedding(symbols))[0])


def keras_model(network: Network) -> keras.Model:
    """The same weights in Keras."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(len(CHARACTERS), WIDTH),
            layers.LSTM(HIDDEN, return_sequences=True),
            layers.Dropout(0.1),
            layers.LSTM(HIDDEN, return_sequences=True),
            layers.Dense(len(CHARACTERS)),
        ]
    )
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    lstms = [layer for layer in model.layers if isinstance(layer, layers.LSTM)]
    model.layers[0].set_weights([state["embedding.weight"]])
    for k, lstm in enumerate(lstms):
        bias = state[f"lstm.bias_ih_l{k}"] + state[f"lstm.bias_hh_l{k}"]
        weights = [state[f"lstm.weight_{side}_l{k}"].T for side in ("ih", "hh")]
        lstm.set_weights([*weights, bias])
    model.layers[-1].set_weights([state["fc.weight"].T, state["fc.bias"]])
    return model


def remove_traces(path: Path) -> None:
    """Take out what the exporter notes of the machine's folders; no reader looks at it."""
    model = onnx.load(path)
    for part in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    del model.graph.value_info[:]
    onnx.save(model, path)


def main() -> None:
    """Write all files."""
    torch.manual_seed(4)
    network = Network().eval()
    state = network.state_dict()
    FOLDER.mkdir(exist_ok=True)
    save_file(state, FOLDER / "pytorch.safetensors")
    torch.save(state, FOLDER / "pytorch.pt")
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.zeros(1, 3, dtype=torch.long)).sum().backward()
    checkpoint = {"epoch": 3, "loss": 1.5, "vocab": {c: k for k, c in enumerate(CHARACTERS)}}
    checkpoint |= {"model_state_dict": state, "scheduler": {"last": [1, 2]}, "note": None}
    checkpoint |= {"optimizer": {"groups": optimizer.state_dict()["param_groups"]}}
    torch.save(checkpoint, FOLDER / "pytorch_checkpoint.pt")
    torch.save(network, FOLDER / "pytorch_module.pt")
    example = (torch.zeros(2, 3, dtype=torch.long),)
    axes = {"symbols": {0: "batch", 1: "time"}}
    for name, options in {
        "pytorch_script.onnx": {"dynamo": False, "dynamic_axes": axes},
        "pytorch_script_fixed.onnx": {"dynamo": False},
        "pytorch_script_unfolded.onnx": {"dynamo": False, "do_constant_folding": False},
        "pytorch_dynamo.onnx": {
            "dynamo": True,
            "external_data": False,
            "dynamic_shapes": ({0: torch.export.Dim("batch"), 1: torch.export.Dim("time")},),
        },
        "pytorch_dynamo_fixed.onnx": {"dynamo": True, "external_data": False},
    }.items():
        torch.onnx.export(
            network, example, FOLDER / name, input_names=["symbols"], verbose=False, **options
        )
        remove_traces(FOLDER / name)
    model = keras_model(network)
    model.save(FOLDER / "keras.keras")
    model.save(FOLDER / "keras.h5")
    model.save_weights(FOLDER / "keras.weights.h5")
    symbols = np.random.default_rng(1).integers(0, len(CHARACTERS), 40)
    with torch.no_grad():
        logits = network(torch.tensor(symbols)[None])[0].numpy()
    expected = {
        "symbols": symbols.tolist(),
        "pytorch": logits.tolist(),
        "keras": np.asarray(model.predict(symbols[None], verbose=0))[0].tolist(),
    }
    (FOLDER / "expected.json").write_text(json.dumps(expected) + "\n")
    (FOLDER / "vocabulary.json").write_text(json.dumps(list(CHARACTERS)) + "\n")


if __name__ == "__main__":
    main()
