"""Models as other frameworks store them, made in numpy: state dicts, ONNX graphs, Keras files."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.float_model import FloatModel, Layer
from zynq_lstm.quant.vocabulary import Vocabulary

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Foreign:
    """Weights in PyTorch's order of the gates.

    ``embedding`` (symbols, width) or ``None``; of each layer ``weight_ih``, ``weight_hh``,
    ``bias_ih`` and ``bias_hh``; ``head`` (symbols, hidden) and ``bias``.
    """

    embedding: Floats | None
    layers: tuple[tuple[Floats, Floats, Floats, Floats], ...]
    head: Floats
    bias: Floats

    @property
    def symbols(self) -> int:
        return len(self.head)

    @property
    def hidden(self) -> int:
        return self.head.shape[1]

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary(chr(0x61 + k) for k in range(self.symbols))

    def float_model(self) -> FloatModel:
        """What an import has to give, bit by bit."""
        layers = []
        for k, (w_ih, w_hh, b_ih, b_hh) in enumerate(self.layers):
            if k == 0 and self.embedding is not None:
                table = w_ih.astype(np.float64) @ self.embedding.astype(np.float64).T
                w_ih = table.astype(np.float32)
            layers.append(Layer(w_ih, w_hh, b_ih + b_hh))
        return FloatModel(self.vocabulary, tuple(layers), self.head, self.bias)


def foreign(
    symbols: int = 7,
    hidden: int = 8,
    layers: int = 2,
    *,
    width: int | None = 5,
    one_bias: bool = False,
    seed: int = 1,
) -> Foreign:
    """Random weights; ``width`` of the embedding, or ``None`` for a one-hot input."""
    random = np.random.default_rng([seed, symbols, hidden, layers])

    def uniform(*shape: int) -> Floats:
        return random.uniform(-0.5, 0.5, shape).astype(np.float32)

    stack = []
    for k in range(layers):
        inputs = hidden if k else (width or symbols)
        second = uniform(4 * hidden)
        stack.append(
            (
                uniform(4 * hidden, inputs),
                uniform(4 * hidden, hidden),
                uniform(4 * hidden),
                np.zeros_like(second) if one_bias else second,
            )
        )
    table = None if width is None else uniform(symbols, width)
    return Foreign(table, tuple(stack), uniform(symbols, hidden), uniform(symbols))


def state_dict(model: Foreign, prefix: str = "") -> dict[str, Floats]:
    """A PyTorch state dict: nn.Embedding, nn.LSTM and nn.Linear."""
    tensors = {} if model.embedding is None else {f"{prefix}embedding.weight": model.embedding}
    for k, weights in enumerate(model.layers):
        for part, tensor in zip(
            ("weight_ih", "weight_hh", "bias_ih", "bias_hh"), weights, strict=True
        ):
            tensors[f"{prefix}lstm.{part}_l{k}"] = tensor
    return tensors | {f"{prefix}fc.weight": model.head, f"{prefix}fc.bias": model.bias}


def iofc(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows in the order of ONNX's gates."""
    i, f, g, o = np.split(rows, 4)
    return np.concatenate([i, o, f, g])


class OnnxBuilder:
    """Nodes and constants of a graph."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: Any, dtype: Any = None) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def node(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        from onnx import helper

        names = [f"{kind}_{len(self.nodes)}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0]

    def lstm(self, x: str, weights: tuple[Floats, ...], *states: str, **attributes: Any) -> str:
        w_ih, w_hh, b_ih, b_hh = weights
        names = [
            self.constant(iofc(w_ih)[None]),
            self.constant(iofc(w_hh)[None]),
            self.constant(np.concatenate([iofc(b_ih), iofc(b_hh)])[None]),
        ]
        attributes = {"hidden_size": w_hh.shape[1], **attributes}
        return self.node("LSTM", x, *names, *states, outputs=3, **attributes)

    def model(
        self, output: str, *, kind: int = 7, shape: tuple[Any, ...] = ("b", "t"), **metadata: str
    ) -> Any:
        from onnx import helper

        graph = helper.make_graph(
            self.nodes,
            "model",
            [helper.make_tensor_value_info("x", kind, shape)],
            [helper.make_tensor_value_info(output, 1, None)],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        helper.set_model_props(model, metadata)
        return model


def keras_onnx(model: Foreign) -> Any:
    """A graph in the way of tf2onnx: Keras feeds floats, batch first, and ends with a softmax."""
    b = OnnxBuilder()
    axis0, axis1, axis2 = (b.constant([k], np.int64) for k in range(3))
    ids = b.node("Cast", "x", to=6)
    if model.embedding is None:
        values = b.constant([0, 1], np.float32)
        x = b.node("OneHot", ids, b.constant(model.symbols, np.int64), values, axis=-1)
    else:
        x = b.node("Gather", b.constant(model.embedding), ids, axis=0)
    x = b.node("Transpose", x, perm=[1, 0, 2])
    for weights in model.layers:
        sizes = b.node("Slice", b.node("Shape", x), axis1, axis2, axis0)
        sizes = b.node("Concat", sizes, b.constant([model.hidden], np.int64), axis=0)
        zeros = b.node("Expand", b.constant([0.0], np.float32), sizes)
        start = b.node("Unsqueeze", zeros, axis0)
        y = b.lstm(x, weights, "", start, start)
        x = b.node("Squeeze", y, axis1)
    y = b.node("Transpose", x, perm=[1, 0, 2])
    leading = b.node("Slice", b.node("Shape", y), axis0, axis2, axis0)
    flat = b.node("Reshape", y, b.constant([-1, model.hidden], np.int64))
    product = b.node("MatMul", flat, b.constant(model.head.T))
    shape = b.node("Concat", leading, b.constant([model.symbols], np.int64), axis=0)
    logits = b.node("Add", b.node("Reshape", product, shape), b.constant(model.bias))
    return b.model(b.node("Softmax", logits, axis=-1), kind=1)


def plain_onnx(model: Foreign, **attributes: Any) -> Any:
    """The shortest graph: a one-hot or embedded input, time first, no initial states."""
    b = OnnxBuilder()
    shape: tuple[Any, ...] = ("t", "b", model.symbols)
    x, kind = "x", 1
    if model.embedding is not None:
        x, kind, shape = b.node("Gather", b.constant(model.embedding), "x"), 7, ("t", "b")
    for weights in model.layers:
        x = b.lstm(x, weights, **attributes)
        x = b.node("Squeeze", x, b.constant([1], np.int64))
    product = b.node("MatMul", x, b.constant(model.head.T))
    return b.model(b.node("Add", product, b.constant(model.bias)), kind=kind, shape=shape)


def keras_layers(model: Foreign) -> list[dict[str, Any]]:
    """Descriptions of the layers of a sequential model."""
    layers: list[dict[str, Any]] = [{"class_name": "InputLayer", "config": {"name": "input"}}]
    if model.embedding is not None:
        layers.append({"class_name": "Embedding", "config": {"name": "embedding"}})
    for k in range(len(model.layers)):
        config = {"name": f"lstm_{k}", "activation": "tanh", "recurrent_activation": "sigmoid"}
        layers.append({"class_name": "LSTM", "config": config | {"use_bias": True}})
    layers.append({"class_name": "Dense", "config": {"name": "out", "activation": "softmax"}})
    return layers


def keras_h5(model: Foreign, layers: list[dict[str, Any]] | None = None) -> bytes:
    """A legacy Keras file."""
    import h5py

    description = {
        "class_name": "Sequential",
        "config": {"layers": keras_layers(model) if layers is None else layers},
    }
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = json.dumps(description)
        if model.embedding is not None:
            file["model_weights/embedding/embedding/embeddings:0"] = model.embedding
        for k, (w_ih, w_hh, b_ih, b_hh) in enumerate(model.layers):
            group = f"model_weights/lstm_{k}/lstm_{k}/lstm_cell"
            file[f"{group}/kernel:0"] = w_ih.T
            file[f"{group}/recurrent_kernel:0"] = w_hh.T
            file[f"{group}/bias:0"] = b_ih + b_hh
        file["model_weights/out/out/kernel:0"] = model.head.T
        file["model_weights/out/out/bias:0"] = model.bias
    return buffer.getvalue()


def keras_archive(
    model: Foreign, layers: list[dict[str, Any]] | None = None, top: str = "layers"
) -> bytes:
    """A .keras file, its layers numbered by class as Keras does."""
    import h5py

    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        if model.embedding is not None:
            file[f"{top}/embedding/vars/0"] = model.embedding
        for k, (w_ih, w_hh, b_ih, b_hh) in enumerate(model.layers):
            group = f"{top}/lstm{f'_{k}' if k else ''}/cell/vars"
            for number, tensor in enumerate((w_ih.T, w_hh.T, b_ih + b_hh)):
                file[f"{group}/{number}"] = tensor
        file[f"{top}/dense/vars/0"], file[f"{top}/dense/vars/1"] = model.head.T, model.bias
    description = {
        "class_name": "Sequential",
        "config": {"layers": keras_layers(model) if layers is None else layers},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", json.dumps(description))
        archive.writestr("model.weights.h5", weights.getvalue())
    return buffer.getvalue()
