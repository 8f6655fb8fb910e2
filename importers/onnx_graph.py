"""What the operators of an ONNX graph mean for a character model: one method for each that matters.

Weights stay float32 as they are in the file. ONNX orders the gates i, o, f, c and packs both biases
into one tensor; the rest of this project has PyTorch's order i, f, g, o, where g is ONNX's c.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from zynq_lstm.importers.onnx_operators import COMPUTATIONS, MOVES, bounded
from zynq_lstm.importers.onnx_trace import Marks, Source, Trace
from zynq_lstm.importers.parts import Array, Cell
from zynq_lstm.quant.config import GATES

Value = Any
"""An ndarray of known numbers, `Marks`, or ``None`` for an input that is left out."""

_GATE_ORDER = [0, 2, 3, 1]
"""Where i, f, g and o stand in ONNX's order."""

_MAXIMUM_PRODUCTS = 1 << 28
"""Multiplications of all linear layers that follow each other; a pair that fits has 2^25."""

_ACTIVATIONS = ["sigmoid", "tanh", "tanh"]


class UnsupportedError(ValueError):
    """What an operator does that the accelerator cannot: a part of a sentence."""


class Graph:
    """The state of a run through a graph."""

    def __init__(self) -> None:
        self.trace = Trace()
        self._products = _MAXIMUM_PRODUCTS
        self._methods = {
            "LSTM": self._lstm,
            "Gather": self._gather,
            "OneHot": self._one_hot,
            "Equal": self._equal,
            "MatMul": self._matmul,
            "Gemm": self._gemm,
            "Add": self._add,
            "Softmax": self._softmax,
            "LogSoftmax": self._softmax,
        }

    def run(self, kind: str, inputs: Sequence[Value], attributes: Mapping[str, Any]) -> list[Value]:
        """Outputs of an operator.

        Raises
        ------
        UnsupportedError
            When the accelerator cannot do what it does.
        ValueError, TypeError, IndexError, KeyError
            When it does not fit its inputs.
        """
        marked = [isinstance(value, Marks) for value in inputs]
        if kind in ("Shape", "Size") and inputs:
            return [self._shape(kind, inputs[0], attributes)]
        if kind == "LSTM":
            return self._lstm(inputs, attributes)
        if not any(marked):
            operator = MOVES.get(kind) or COMPUTATIONS.get(kind)
            if operator is None:
                raise UnsupportedError(f"the operator {kind}")
            return list(operator(inputs, attributes))
        if kind == "Cast":
            return [inputs[0]]
        if kind in MOVES and (all(marked) if kind == "Concat" else marked == _first(marked)):
            plain = [value.marks if isinstance(value, Marks) else value for value in inputs]
            return [Marks(marks) for marks in MOVES[kind](plain, attributes)]
        method = self._methods.get(kind)
        if method is None or (sum(marked) > 1 and kind != "LSTM"):
            raise UnsupportedError(f"the operator {kind} on what depends on the input")
        return method(inputs, attributes)

    def _shape(self, kind: str, value: Value, attributes: Mapping[str, Any]) -> Array:
        array = value.marks if isinstance(value, Marks) else np.asarray(value)
        if kind == "Size":
            return np.asarray(array.size, np.int64)
        return np.array(array.shape, np.int64)[attributes.get("start") : attributes.get("end")]

    def _features(self, indices: Marks, table: Array | None, symbols: int) -> list[Value]:
        """An embedding or one-hot vector for each of the input's symbols."""
        source, first = self.trace.source(indices)
        if source.kind != "input":
            raise UnsupportedError("an embedding of what is not the input")
        width = symbols if table is None else table.shape[1]
        grid = source.grid if source.width == 1 else (*source.grid, source.width)
        features = Source("features", width, grid, table)
        return [self.trace.at(features, indices.marks - first)]

    def _gather(self, inputs: Sequence[Value], attributes: Mapping[str, Any]) -> list[Value]:
        table, indices = inputs
        if isinstance(table, Marks) or table.ndim != 2 or int(attributes.get("axis", 0)) != 0:
            raise UnsupportedError("a Gather that is no embedding")
        return self._features(indices, table, table.shape[0])

    def _one_hot(self, inputs: Sequence[Value], attributes: Mapping[str, Any]) -> list[Value]:
        indices, depth, values = inputs
        axis = int(attributes.get("axis", -1))
        if not isinstance(indices, Marks) or isinstance(values, Marks):
            raise UnsupportedError("a OneHot that is no encoding of the input")
        if np.ravel(values).tolist() != [0, 1] or axis not in (-1, indices.marks.ndim):
            raise UnsupportedError("a OneHot with other values than 0 and 1, or on another axis")
        return self._features(indices, None, int(np.ravel(depth)[0]))

    def _equal(self, inputs: Sequence[Value], attributes: Mapping[str, Any]) -> list[Value]:
        """One-hot, as PyTorch's newer exporter writes it: symbol == (0, 1, 2, ...)."""
        indices, numbers = inputs if isinstance(inputs[0], Marks) else inputs[::-1]
        count = numbers.size
        if indices.marks.shape[-1:] != (1,) or not np.array_equal(numbers, np.arange(count)):
            raise UnsupportedError("a comparison that is no one-hot encoding")
        return self._features(Marks(indices.marks[..., 0]), None, count)

    def _linear(self, value: Marks, weight: Array) -> list[Value]:
        """A product with a matrix of the shape (inputs, outputs)."""
        source, places = self.trace.vectors(value)
        if source.width != weight.shape[0]:
            raise ValueError("a matrix does not fit its input")
        if source.kind in ("input", "features"):
            table = weight
            if source.embedding is not None:
                table = self._product(source.embedding, weight)
            new = replace(source, kind="features", width=weight.shape[1], embedding=table)
        elif source.kind in ("hidden", "logits"):
            matrix, bias = weight.T, source.bias
            if source.weight is not None:
                matrix = self._product(weight.T, source.weight)
            if bias is not None:
                bias = self._product(weight.T, bias[:, None])[:, 0]
            new = replace(source, kind="logits", width=weight.shape[1], weight=matrix, bias=bias)
        else:
            raise UnsupportedError(f"a matrix product with the {source.kind}")
        return [self.trace.at(new, places)]

    def _product(self, a: Array, b: Array) -> Array:
        """Two linear layers as one, in float64."""
        bounded((len(a), b.shape[1]))
        self._products -= a.size * b.shape[1]
        if self._products < 0:
            raise UnsupportedError("linear layers that are too large")
        return np.ascontiguousarray(a, np.float64) @ np.ascontiguousarray(b, np.float64)

    def _shifted(self, value: Marks, bias: Array) -> list[Value]:
        """A sum with a vector, or with one number for all."""
        source, places = self.trace.vectors(value)
        if np.broadcast_shapes(value.marks.shape, bias.shape) != value.marks.shape:
            raise UnsupportedError("a sum that changes the shape")
        if bias.size not in (1, source.width) or (bias.ndim and bias.shape[-1] != bias.size):
            raise UnsupportedError("a sum with other than a vector")
        vector = np.broadcast_to(bias.ravel(), (source.width,))
        if source.kind == "features":
            if source.embedding is None:
                raise UnsupportedError("a sum with a one-hot input")
            new = replace(source, embedding=source.embedding + vector)
        elif source.kind == "logits":
            new = replace(source, bias=vector if source.bias is None else source.bias + vector)
        else:
            raise UnsupportedError(f"a sum with the {source.kind} state")
        return [self.trace.at(new, places)]

    def _matmul(self, inputs: Sequence[Value], attributes: Mapping[str, Any]) -> list[Value]:
        value, weight = inputs
        if not isinstance(value, Marks) or weight.ndim != 2:
            raise UnsupportedError("a matrix product other than of the states with a matrix")
        return self._linear(value, weight)

    def _gemm(self, inputs: Sequence[Value], attributes: Mapping[str, Any]) -> list[Value]:
        value, weight = inputs[:2]
        bias = inputs[2] if len(inputs) > 2 else None
        scales = (attributes.get("alpha", 1.0), attributes.get("beta", 1.0))
        if attributes.get("transA") or scales != (1.0, 1.0) or not isinstance(value, Marks):
            raise UnsupportedError("a Gemm that is no linear layer")
        (result,) = self._linear(value, weight.T if attributes.get("transB") else weight)
        return [result] if bias is None else self._shifted(result, np.asarray(bias))

    def _add(self, inputs: Sequence[Value], attributes: Mapping[str, Any]) -> list[Value]:
        first, second = inputs
        return (
            self._shifted(first, second)
            if isinstance(first, Marks)
            else self._add((second, first), attributes)
        )

    def _softmax(self, inputs: Sequence[Value], attributes: Mapping[str, Any]) -> list[Value]:
        source, places = self.trace.vectors(inputs[0])
        if source.kind != "logits" or int(attributes.get("axis", -1)) not in (-1, places.ndim):
            raise UnsupportedError("a softmax of what is not the output layer")
        return [self.trace.at(replace(source, kind="probabilities"), places)]

    def _lstm(self, inputs: Sequence[Value], attributes: Mapping[str, Any]) -> list[Value]:
        padded: list[Value] = [*inputs, *[None] * 8]
        x, w, r, b, lengths, h, c, peepholes = padded[:8]
        if not isinstance(x, Marks) or x.marks.ndim != 3:
            raise UnsupportedError("an LSTM whose input is not the model's")
        _check_attributes(attributes)
        if peepholes is not None:
            raise UnsupportedError("an LSTM with peepholes")
        if any(isinstance(weights, Marks) for weights in (w, r, b)):
            raise UnsupportedError("an LSTM whose weights depend on the input")
        layout = int(attributes.get("layout", 0))
        time_major = x.marks.swapaxes(0, 1) if layout else x.marks
        steps, batch, _ = time_major.shape
        source, places = self.trace.vectors(Marks(time_major))
        _check_order(source, places)
        if lengths is not None and (
            isinstance(lengths, Marks) or np.any(np.asarray(lengths) != steps)
        ):
            raise UnsupportedError("an LSTM with masks (sequence_lens)")
        for state in (h, c):
            self._check_start(state)
        w, r = np.asarray(w), np.asarray(r)
        if w.ndim != 3 or r.ndim != 3 or w.shape[0] != 1 or r.shape[0] != 1:
            raise UnsupportedError("an LSTM of other than one direction")
        hidden = r.shape[2]
        if attributes.get("hidden_size", hidden) != hidden or w.shape[1] != GATES * hidden:
            raise ValueError("the sizes of an LSTM do not fit each other")
        biases: tuple[Array | None, Array | None] = (None, None)
        if b is not None:
            first, second = np.split(np.asarray(b).reshape(2 * GATES * hidden), 2)
            biases = _by_gate(first), _by_gate(second)
        cell = Cell(_by_gate(w[0]), _by_gate(r[0]), *biases)
        embedding = source.embedding
        made = Source("hidden", hidden, (steps, batch), embedding, (*source.cells, cell))
        y = self.trace.new(made, (steps, 1, batch, hidden)).marks
        last = self.trace.new(replace(made, kind="cell", grid=(1, batch)), (1, batch, hidden)).marks
        if layout:
            return [
                Marks(y.transpose(2, 0, 1, 3)),
                Marks(y[-1].swapaxes(0, 1)),
                Marks(last.swapaxes(0, 1)),
            ]
        return [Marks(y), Marks(y[-1]), Marks(last)]

    def _check_start(self, state: Value) -> None:
        if isinstance(state, Marks):
            source, _ = self.trace.source(state)
            if source.kind != "input":
                raise UnsupportedError("an LSTM whose initial state is computed from the input")
        elif state is not None and np.any(state):
            raise UnsupportedError("an LSTM with an initial state other than zero")


def _first(marked: Sequence[bool]) -> list[bool]:
    """Only the first input marked."""
    return [k == 0 for k in range(len(marked))]


def _by_gate(rows: Array) -> Array:
    """Rows in ONNX's order of the gates as i, f, g, o."""
    return rows.reshape(GATES, -1, *rows.shape[1:])[_GATE_ORDER].reshape(rows.shape)


def _check_attributes(attributes: Mapping[str, Any]) -> None:
    direction = _text(attributes.get("direction", "forward"))
    if direction != "forward":
        raise UnsupportedError(f"an LSTM of the direction {direction}")
    activations = [_text(name).lower() for name in attributes.get("activations", _ACTIVATIONS)]
    if activations != _ACTIVATIONS:
        raise UnsupportedError(f"an LSTM with the activations {', '.join(activations)[:60]}")
    if "clip" in attributes:
        raise UnsupportedError("an LSTM with a clip of its cells")
    if attributes.get("input_forget"):
        raise UnsupportedError("an LSTM with coupled input and forget gates")


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _check_order(source: Source, places: Array) -> None:
    """See that an LSTM's input, (steps, batch) places, comes in the order of time."""
    if source.kind not in ("input", "features", "hidden"):
        raise UnsupportedError(f"an LSTM whose input is the {source.kind} of another")
    grid: Array = np.arange(source.places).reshape(source.grid)
    grid = grid.reshape(grid.shape[0], -1) if grid.ndim != 2 and grid.size else grid
    batch_first = source.kind != "hidden" and np.array_equal(places, grid.T)
    if not batch_first and not np.array_equal(places, grid):
        raise UnsupportedError("an LSTM whose input is not the whole sequence in its order")
