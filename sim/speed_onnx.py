"""The float model in ONNX Runtime, as fast as it will write: the loop over characters is a graph.

Loop over the noise's rows:  symbol ─ Gather ─┐
                             h ───── MatMul ──+─ cell ─ … ─ Gemm ─ logits + noise ─ ArgMax ─┐
                             ▲                                                              │
                             └───────────────── h, c, symbol of the next ───────────────────┘
"""

from __future__ import annotations

import numpy as np
import onnxruntime
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from zynq_lstm.quant.float_model import FloatModel
from zynq_lstm.sim.speed import Floats, Symbols

VERSION = onnxruntime.__version__
OPSET, IR_VERSION = 18, 9
"""Of 2023: what is written with them, every runtime since then reads."""


class OnnxWriter:
    """Sequences side by side, from the zero state and symbol 0.

    Parameters
    ----------
    model : FloatModel
    sequences : int
    threads : int
    """

    piece = 32

    def __init__(self, model: FloatModel, sequences: int, *, threads: int) -> None:
        self._model = model
        self._options = onnxruntime.SessionOptions()
        self._options.intra_op_num_threads = threads
        self._options.inter_op_num_threads = 1
        self._session = self._open(with_logits=False)
        self._state = {
            name: np.zeros((sequences, model.hidden), np.float32)
            for name in _states(len(model.layers))
        }
        self._symbol = np.zeros(sequences, np.int64)

    def write(self, noise: Floats) -> Symbols:
        """Write on; see `speed.Writer`."""
        return self._run(self._session, noise)[0]

    def logits(self, noise: Floats) -> Floats:
        """Write on, and return the logits; see `speed.Writer`."""
        return self._run(self._open(with_logits=True), noise)[1]

    def _open(self, *, with_logits: bool) -> onnxruntime.InferenceSession:
        graph = write_graph(self._model, with_logits=with_logits)
        return onnxruntime.InferenceSession(
            graph.SerializeToString(), self._options, providers=["CPUExecutionProvider"]
        )

    def _run(self, session: onnxruntime.InferenceSession, noise: Floats) -> list[np.ndarray]:
        inputs = {"characters": np.array(len(noise)), "noise": noise, "symbol": self._symbol}
        names = [f"last_{name}" for name in self._state]
        found = session.run(None, inputs | self._state)
        self._symbol, *states = found[: 1 + len(names)]
        self._state = dict(zip(self._state, states, strict=True))
        return found[1 + len(names) :]


def write_graph(model: FloatModel, *, with_logits: bool) -> ModelProto:
    """Return the graph that writes.

    Its inputs are the number of characters, the noise, the symbol to begin with and the states; its
    outputs the last symbol, the states after it, all symbols and, where they are wanted, all
    logits.
    """
    names, constants = _states(len(model.layers)), _constants(model)
    widths = dict.fromkeys(names, model.hidden)
    states = [_value(name, TensorProto.FLOAT, None, n) for name, n in widths.items()]
    after = [_value(f"next_{name}", TensorProto.FLOAT, None, n) for name, n in widths.items()]
    symbol = _value("symbol", TensorProto.INT64, None)
    scanned = [_value("drawn", TensorProto.INT64, None)]
    whole = [_value("text", TensorProto.INT64, None, None)]
    if with_logits:
        scanned.append(_value("logits", TensorProto.FLOAT, None, None))
        whole.append(_value("all_logits", TensorProto.FLOAT, None, None, None))
    body = helper.make_graph(
        _step(len(model.layers)),
        "step",
        [_value("k", TensorProto.INT64), _value("on", TensorProto.BOOL), symbol, *states],
        [
            _value("still_on", TensorProto.BOOL),
            _value("next_symbol", TensorProto.INT64, None),
            *after,
            *scanned,
        ],
    )
    carried = ["symbol", *names]
    last = [f"last_{name}" for name in carried]
    outputs = [*last, *(value.name for value in whole)]
    loop = helper.make_node("Loop", ["characters", "", *carried], outputs, body=body)
    noise = _value("noise", TensorProto.FLOAT, None, None, len(model.vocabulary))
    graph = helper.make_graph(
        [loop],
        "write",
        [_value("characters", TensorProto.INT64), noise, symbol, *states],
        [
            _value("last_symbol", TensorProto.INT64, None),
            *(_value(f"last_{name}", TensorProto.FLOAT, None, n) for name, n in widths.items()),
            *whole,
        ],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    made.ir_version = IR_VERSION
    return made


def _states(layers: int) -> list[str]:
    return [f"{kind}{layer}" for layer in range(layers) for kind in "hc"]


def _constants(model: FloatModel) -> dict[str, Floats]:
    first, *rest = model.layers
    constants = {
        "table": first.weight_ih.T + first.bias,
        "weights0": first.weight_hh.T,
        "head": model.head_weight.T,
        "head_bias": model.head_bias,
    }
    for k, layer in enumerate(rest, start=1):
        constants[f"weights{k}"] = np.hstack([layer.weight_ih, layer.weight_hh]).T
        constants[f"bias{k}"] = layer.bias
    return {name: np.array(v, np.float32, order="C") for name, v in constants.items()}


def _step(layers: int) -> list[NodeProto]:
    """Nodes of a character."""
    node = helper.make_node
    nodes = [
        node("Gather", ["table", "symbol"], ["row"]),
        node("MatMul", ["h0", "weights0"], ["product0"]),
        node("Add", ["row", "product0"], ["z0"]),
        *_cell(0),
    ]
    for k in range(1, layers):
        nodes += [
            node("Concat", [f"next_h{k - 1}", f"h{k}"], [f"both{k}"], axis=1),
            node("Gemm", [f"both{k}", f"weights{k}", f"bias{k}"], [f"z{k}"]),
            *_cell(k),
        ]
    return [
        *nodes,
        node("Gemm", [f"next_h{layers - 1}", "head", "head_bias"], ["logits"]),
        node("Gather", ["noise", "k"], ["noise_k"], axis=0),
        node("Add", ["logits", "noise_k"], ["sum"]),
        node("ArgMax", ["sum"], ["next_symbol"], axis=1, keepdims=0),
        node("Identity", ["next_symbol"], ["drawn"]),
        node("Identity", ["on"], ["still_on"]),
    ]


def _cell(layer: int) -> list[NodeProto]:
    node = helper.make_node

    def name(what: str) -> str:
        return f"{what}{layer}"

    return [
        node("Split", [name("z")], [name(f"z_{gate}") for gate in "ifgo"], axis=1, num_outputs=4),
        *(node("Sigmoid", [name(f"z_{gate}")], [name(gate)]) for gate in "ifo"),
        node("Tanh", [name("z_g")], [name("g")]),
        node("Mul", [name("f"), name("c")], [name("kept")]),
        node("Mul", [name("i"), name("g")], [name("added")]),
        node("Add", [name("kept"), name("added")], [name("next_c")]),
        node("Tanh", [name("next_c")], [name("bent")]),
        node("Mul", [name("o"), name("bent")], [name("next_h")]),
    ]


def _value(name: str, kind: int, *shape: int | None) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, list(shape))
