"""Keras models: .keras archives (a description and HDF5 weights) and legacy .h5 files.

Keras orders the gates i, f, c, o, which is PyTorch's order under other names, in columns where
PyTorch has rows; and it has one bias.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from zynq_lstm.importers.files import Archive
from zynq_lstm.importers.hdf5 import Hdf5, read_hdf5
from zynq_lstm.importers.keras_layers import KerasLayer, layers_of
from zynq_lstm.importers.parts import Array, Cell, Parts
from zynq_lstm.quant.errors import UserError

WEIGHTS = "model.weights.h5"
_TOP = ("/layers", "/_layer_checkpoint_dependencies")
"""Where Keras 3, and 2.12 to 2.15, put the layers of an archive."""

_ORDER = {
    "Embedding": ("embeddings",),
    "LSTM": ("kernel", "recurrent_kernel", "bias"),
    "Dense": ("kernel", "bias"),
}
"""Names of a layer's weights, in the order in which an archive numbers them."""


def read_keras(archive: Archive, name: str) -> Parts:
    """Read a .keras archive.

    Raises
    ------
    UserError
        When it is damaged, or no model that fits.
    """
    text = archive.read("config.json").decode("utf-8", "replace")
    layers = layers_of(text, name)
    file = read_hdf5(archive.read(WEIGHTS), name)
    return _parts([(layer, _numbered(file, layer, name)) for layer in layers], name)


def read_keras_h5(data: bytes, name: str) -> Parts:
    """Read a legacy .h5 file, with its description.

    Raises
    ------
    UserError
        When it is damaged, has no description, or is no model that fits.
    """
    file = read_hdf5(data, name)
    if file.config is None:
        raise UserError(
            f"{name} must hold a whole Keras model, but has weights only; write it with "
            "model.save('model.keras')"
        )
    layers = layers_of(file.config, name)
    return _parts([(layer, _named(file, layer, name)) for layer in layers], name)


def _numbered(file: Hdf5, layer: KerasLayer, name: str) -> dict[str, Array]:
    """Weights of a layer of an archive, which numbers them."""
    groups = {}
    for path, given in file.names.items():
        match = re.fullmatch(r"/[^/]+/([^/]+)/vars", path)
        if match:
            groups[given] = match[1]
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", layer.class_name).lower()
    counted = f"{snake}_{layer.position}" if layer.position else snake
    inside = {"LSTM": "/cell"}.get(layer.kind, "") if not layer.wrapped else "/layer"
    for group in dict.fromkeys((groups.get(layer.name, counted), counted)):
        for top in _TOP:
            weights = {
                part: file.tensors[path]
                for k, part in enumerate(_ORDER[layer.kind])
                if (path := f"{top}/{group}{inside}/vars/{k}") in file.tensors
            }
            if weights:
                return weights
    raise UserError(f"{name} must hold the weights of its layer {layer.name}; they are missing")


def _named(file: Hdf5, layer: KerasLayer, name: str) -> dict[str, Array]:
    """Weights of a layer of a legacy file, which names them."""
    weights: dict[str, Array] = {}
    for path, tensor in file.tensors.items():
        if not path.startswith(f"/model_weights/{layer.name}/"):
            continue
        part = path.rpartition("/")[2].partition(":")[0]
        if part in weights:
            raise UserError(f"{name} must have one {part} in layer {layer.name}; it has more")
        weights[part] = tensor
    return weights


def _parts(layers: list[tuple[KerasLayer, Mapping[str, Array]]], name: str) -> Parts:
    kinds = [layer.kind for layer, _ in layers]
    cells = kinds.count("LSTM")
    expected = ["LSTM"] * cells + ["Dense"]
    if not cells or kinds not in (expected, ["Embedding", *expected]):
        raise UserError(
            f"{name} must be an Embedding or a one-hot input, then LSTM layers, then one Dense "
            f"layer, for that is what the accelerator computes; found {', '.join(kinds) or 'none'}"
        )
    for layer, weights in layers:
        for part in _ORDER[layer.kind]:
            if part == "bias" and not layer.bias:
                continue
            rank = 1 if part == "bias" else 2
            if part not in weights or weights[part].ndim != rank:
                raise UserError(
                    f"{name} must hold {part} of its layer {layer.name} with {rank} dimensions; "
                    f"found {weights[part].shape if part in weights else 'none'}"
                )
    stack = [weights for layer, weights in layers if layer.kind == "LSTM"]
    head = layers[-1][1]
    return Parts(
        layers[0][1]["embeddings"] if kinds[0] == "Embedding" else None,
        tuple(Cell(w["kernel"].T, w["recurrent_kernel"].T, w.get("bias")) for w in stack),
        head["kernel"].T,
        head.get("bias"),
    )
