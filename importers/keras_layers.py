"""The layers of a Keras model's description, in order, and what each may be.

A description is JSON, written by Keras 2 or 3, of a ``Sequential`` or a ``Functional`` model. It is
read as data: nothing in it names anything that would be imported or called.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zynq_lstm.quant.errors import UserError

_TRANSPARENT = {"InputLayer", "Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout"}
"""Layers that do nothing when a model is used."""

_ONE_HOT = {"CategoryEncoding"}
_SOFTMAX = {"Softmax", "Activation"}
_MAXIMUM_LAYERS = 64


@dataclass(frozen=True)
class KerasLayer:
    """A layer with weights.

    Parameters
    ----------
    kind : str
        ``Embedding``, ``LSTM`` or ``Dense``.
    name : str
        Its name in the model.
    class_name : str
        Its class, or that of the wrapper around it.
    position : int
        How many layers of this class come before it in the file.
    bias : bool
        Whether it has a bias.
    wrapped : bool
        Whether it stands in a ``TimeDistributed``.
    """

    kind: str
    name: str
    class_name: str
    position: int
    bias: bool
    wrapped: bool


def layers_of(text: str, name: str) -> list[KerasLayer]:
    """The layers with weights, in the order in which they follow each other.

    Parameters
    ----------
    text : str
        The description.
    name : str
        What the model is called in errors.

    Raises
    ------
    UserError
        When it is no chain of layers that the accelerator can compute.
    """
    try:
        return _layers(_entries(json.loads(text), name), name)
    except UserError:
        raise
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError):
        raise UserError(f"{name} is damaged: its description is none of Keras") from None


def _layers(entries: Sequence[tuple[str, dict[str, Any], int]], name: str) -> list[KerasLayer]:
    found: list[KerasLayer] = []
    for index, (class_name, config, position) in enumerate(entries):
        wrapped = class_name == "TimeDistributed"
        kind, inner = class_name, config
        if wrapped:
            kind, inner = str(config["layer"]["class_name"]), dict(config["layer"]["config"])
        if kind in _TRANSPARENT:
            continue
        if kind in _ONE_HOT and inner.get("output_mode") == "one_hot" and not found:
            continue
        if kind in _SOFTMAX and index == len(entries) - 1:
            _require(
                _activation(inner.get("activation", "softmax")) in ("softmax", "linear"),
                name,
                "a softmax or nothing after its output layer",
                inner,
            )
            continue
        if found and found[-1].kind == "Dense":
            raise UserError(
                f"{name} must have one Dense layer, the last, for that is what the accelerator "
                f"computes; after {found[-1].name} comes {_called(kind, inner)}"
            )
        _check(kind, inner, name)
        found.append(
            KerasLayer(
                kind,
                str(config.get("name", "")),
                class_name,
                position,
                bool(inner.get("use_bias", True)),
                wrapped,
            )
        )
    return found


def _require(holds: bool, name: str, what: str, found: object) -> None:
    if not holds:
        raise UserError(f"{name} must have {what}; found {str(found)[:80]}")


def _called(kind: str, config: Mapping[str, Any]) -> str:
    return f"the layer {kind[:60]} {config.get('name', '')}"


def _check(kind: str, config: Mapping[str, Any], name: str) -> None:
    """See that a layer is one that the accelerator can compute."""
    _require(
        kind in ("Embedding", "LSTM", "Dense"),
        name,
        "an Embedding or a one-hot input, LSTM layers and one Dense layer only, for that is what "
        "the accelerator computes",
        _called(kind, config),
    )
    where = f"the {kind} layer {config.get('name', '')}"
    if kind == "Embedding":
        _require(
            not config.get("mask_zero"),
            name,
            f"no mask in {where}, for there is none in the accelerator",
            "mask_zero=True",
        )
    if kind == "Dense":
        activation = _activation(config.get("activation"))
        _require(
            activation in ("linear", "softmax"),
            name,
            f"a linear or softmax output in {where}, for the accelerator's output is linear",
            f"activation {activation!r}",
        )
    if kind == "LSTM":
        for key, standard, former in (
            ("activation", "tanh", "tanh"),
            ("recurrent_activation", "sigmoid", "hard_sigmoid"),
        ):
            activation = _activation(config.get(key, former))
            _require(
                activation == standard,
                name,
                f"{key} {standard!r} in {where}, which is what the accelerator computes",
                repr(activation),
            )
        _require(
            not config.get("go_backwards"),
            name,
            f"the forward direction in {where}",
            "go_backwards=True",
        )


def _activation(value: object) -> str:
    """The name of an activation; ``None`` is linear."""
    if isinstance(value, Mapping):  # Keras 3 may describe it as an object.
        inner = value.get("config")
        value = inner if isinstance(inner, str) else value.get("class_name")
    return "linear" if value is None else str(value)[:40].lower()


def _entries(description: Any, name: str) -> list[tuple[str, dict[str, Any], int]]:
    """Class names, settings and positions of the layers, in the order of the data."""
    kind, config = description["class_name"], description["config"]
    if kind == "Sequential":
        layers = config if isinstance(config, list) else config["layers"]
        chain: Sequence[int] = range(len(layers))
    elif kind in ("Functional", "Model"):
        layers = config["layers"]
        chain = _chain(config, name)
    else:
        raise UserError(
            f"{name} must be a Sequential or Functional model, whose layers its file describes; "
            f"it is of the class {str(kind)[:60]}"
        )
    if len(layers) > _MAXIMUM_LAYERS:
        raise UserError(f"{name} must have at most {_MAXIMUM_LAYERS} layers; found {len(layers)}")
    counts: dict[str, int] = {}
    entries = []
    for layer in layers:
        class_name = str(layer["class_name"])
        counts[class_name] = counts.get(class_name, -1) + 1
        entries.append((class_name, dict(layer["config"]), counts[class_name]))
    return [entries[index] for index in chain]


def _chain(config: Mapping[str, Any], name: str) -> Sequence[int]:
    """Layers of a functional model from its input to its first output, as indices."""
    layers = {str(layer["config"]["name"]): k for k, layer in enumerate(config["layers"])}
    outputs = config["output_layers"]
    current: str | None = str(outputs[0][0] if isinstance(outputs[0], list) else outputs[0])
    path: list[int] = []
    while current is not None:
        path.append(layers[current])
        sources = sorted(_sources(config["layers"][path[-1]]["inbound_nodes"]))
        if len(sources) > 1 or len(path) > len(layers):
            raise UserError(
                f"{name} must be a chain of layers, for that is what the accelerator computes; "
                f"{current[:60]} has the inputs {', '.join(sources)[:120]}"
            )
        current = sources[0] if sources else None
    return path[::-1]


def _sources(nodes: Any) -> set[str]:
    """Names of the layers from which a layer's inputs come."""
    found: set[str] = set()
    pending: list[Any] = [nodes]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            history = value.get("keras_history")
            if history is not None:
                found.add(str(history[0]))
            else:
                pending += value.values()
        elif isinstance(value, list):
            if len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int):
                found.add(value[0])  # Keras 2: name of the layer, number of the node and tensor.
                pending += value[3:]
            else:
                pending += value
    return found
