"""ONNX models with LSTM operators, as the exporters of PyTorch and Keras (tf2onnx) write them.

The graph is run once with marks (`onnx_trace`) in place of numbers. An operator that the
accelerator cannot do is no error as long as nothing that matters depends on it: its outputs carry
the reason along, and only if it reaches the model's output is the model refused with it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zynq_lstm.importers.onnx_graph import Graph, UnsupportedError
from zynq_lstm.importers.onnx_operators import MAXIMUM_VALUES
from zynq_lstm.importers.onnx_trace import Marks, Source
from zynq_lstm.importers.parts import Array, Parts
from zynq_lstm.importers.vocabularies import vocabulary_in
from zynq_lstm.quant.errors import UserError

MAXIMUM_BYTES = 8 << 20
"""Of a file; the parsed form of a hostile one takes some 80 times as much."""

MAXIMUM_NODES = 5000
_WORK = 1 << 25
"""Numbers that all operators together may make."""

_INPUT_SIZES = (2, 3, 5, 7)
"""Taken for sizes that a graph leaves open: different ones, so that axes are told apart."""

_TYPES = {1, 6, 7, 9, 10, 11}
"""float, int32, int64, bool, float16, double."""

_CLOSED = {"GRU": "a GRU", "RNN": "a plain RNN", "Loop": "a loop", "Scan": "a scan"}


class Reason(str):
    """Why a value is not known: the end of a sentence that begins with "found"."""


def read_onnx(data: bytes, name: str) -> Parts:
    """Read an ONNX model.

    Parameters
    ----------
    data : bytes
        The file's content.
    name : str
        What the model is called in errors.

    Raises
    ------
    UserError
        When it is damaged, keeps its weights in other files, or is no model that fits.
    """
    if len(data) > MAXIMUM_BYTES:
        raise UserError(
            f"{name} must have at most {MAXIMUM_BYTES >> 20} MB as an ONNX file; it is larger than "
            "any model that fits the chip"
        )
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError, RuntimeError):
        raise UserError(f"{name} must be an ONNX file; it is damaged") from None
    graph = model.graph
    if not graph.node:
        raise UserError(f"{name} must be an ONNX file with a graph; it has none")
    if len(graph.node) > MAXIMUM_NODES:
        raise UserError(
            f"{name} must have at most {MAXIMUM_NODES} operators; it has {len(graph.node)}"
        )
    values = _Run(name).outputs(graph)
    source = _output(values, {node.op_type for node in graph.node}, name)
    if source.weight is None:
        raise ValueError("logits have weights")
    notes = {entry.key: entry.value for entry in model.metadata_props}
    vocabulary = vocabulary_in(notes.get("vocabulary"), name)
    return Parts(source.embedding, source.cells, source.weight, source.bias, vocabulary)


class _Run:
    """One run through a graph."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._graph = Graph()
        self._values: dict[str, Any] = {"": None}
        self._work = _WORK

    def outputs(self, graph: Any) -> list[tuple[Any, Source | None]]:
        """Values of the graph's outputs, with their source where they have one."""
        for tensor in graph.initializer:
            self._values[tensor.name] = self._array(tensor)
        sizes: dict[str, int] = {}
        symbols = _one_hot_width(graph, self._values)
        for value in graph.input:
            if value.name not in self._values:
                self._values[value.name] = self._input(value, sizes, symbols)
        for node in graph.node:
            self._step(node)
        found = []
        for value in graph.output:
            result = self._values.get(value.name, Reason("an output that nothing computes"))
            found.append((result, self._source(result)))
        return found

    def _array(self, tensor: Any) -> Array | Reason:
        """Numbers of a tensor, every size checked before it is used."""
        from onnx import numpy_helper

        if tensor.data_location or tensor.external_data:
            raise UserError(
                f"{self._name} must hold its weights itself; {tensor.name[:60]!r} lies in another "
                "file: save it with all tensors in one file, as torch.onnx.export does with "
                "external_data=False"
            )
        if tensor.data_type not in _TYPES:
            return Reason(f"a tensor of ONNX's data type {tensor.data_type}")
        sizes = list(tensor.dims)
        if any(size < 0 for size in sizes) or math.prod(sizes) > MAXIMUM_VALUES or len(sizes) > 8:
            raise UserError(
                f"{self._name} must have tensors of at most {MAXIMUM_VALUES:,} numbers; "
                f"{tensor.name[:60]!r} says that it has the shape {sizes[:8]}"
            )
        try:
            array = numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError, RuntimeError):
            array = None
        if array is None or list(array.shape) != sizes:
            raise UserError(
                f"{self._name} is damaged: the data of {tensor.name[:60]!r} does not fit its shape "
                f"{sizes}"
            )
        return array

    def _input(self, value: Any, sizes: dict[str, int], symbols: int | None) -> Any:
        """Marks in the shape of a graph's input."""
        dims = value.type.tensor_type.shape.dim
        shape = []
        for axis, dim in enumerate(dims):
            size = int(dim.dim_value)
            if size <= 0:
                free = _INPUT_SIZES[min(axis, 3)]
                if symbols is not None and axis == 2 and len(dims) == 3:
                    free = symbols
                size = sizes.setdefault(dim.dim_param, free) if dim.dim_param else free
            shape.append(size)
        if math.prod(shape) > MAXIMUM_VALUES:
            return Reason(f"an input of the fixed shape {shape[:8]}, which is too large to trace")
        width = shape[-1] if len(shape) > 2 else 1
        source = Source("input", width, tuple(shape[:-1] if width > 1 else shape))
        return self._graph.trace.new(source, tuple(shape))

    def _step(self, node: Any) -> None:
        """Run one operator; what goes wrong becomes the value of its outputs."""
        try:
            results = self._results(node)
        except UserError:
            raise
        except UnsupportedError as found:
            results = [Reason(str(found))]
        except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError) as e:
            why = " ".join(str(e).split())[:120]
            results = [Reason(f"an operator {node.op_type[:40]} that does not fit: {why}")]
        for k, output in enumerate(node.output):
            if output:
                self._values[output] = results[min(k, len(results) - 1)]

    def _results(self, node: Any) -> list[Any]:
        inputs = [self._values.get(name, Reason("a value out of nothing")) for name in node.input]
        for value in inputs:
            if isinstance(value, Reason):
                return [value]
        if node.domain not in ("", "ai.onnx"):
            raise UnsupportedError(f"the operator {node.op_type[:40]} of {node.domain[:40]}")
        attributes = self._attributes(node)
        if node.op_type == "Constant":
            return [next(np.asarray(value) for value in attributes.values())]
        with np.errstate(all="ignore"):
            results = self._graph.run(node.op_type[:40], inputs, attributes)
        for value in results:
            self._work -= value.marks.size if isinstance(value, Marks) else value.size
        if self._work < 0:
            raise UserError(
                f"{self._name} must be small enough to trace; export it for a smaller batch or a "
                "shorter sequence"
            )
        return results

    def _attributes(self, node: Any) -> dict[str, Any]:
        from onnx import AttributeProto, helper

        attributes: dict[str, Any] = {}
        for attribute in node.attribute:
            if attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
                raise UnsupportedError(f"the operator {node.op_type[:40]} with a graph inside")
            if attribute.type == AttributeProto.TENSOR:
                value: Any = self._array(attribute.t)
                if isinstance(value, Reason):
                    raise UnsupportedError(str(value))
            else:
                value = helper.get_attribute_value(attribute)
            attributes[attribute.name] = value
        return attributes

    def _source(self, value: Any) -> Source | None:
        """Source of an output, if some axis holds its vectors in their order."""
        if not isinstance(value, Marks):
            return None
        for axis in reversed(range(value.marks.ndim)):
            try:
                return self._graph.trace.vectors(Marks(np.moveaxis(value.marks, axis, -1)))[0]
            except ValueError:
                continue
        return None


def _one_hot_width(graph: Any, values: dict[str, Any]) -> int | None:
    """Inputs of the first LSTM: the size of a one-hot input that leaves it open."""
    for node in graph.node:
        if node.op_type == "LSTM" and len(node.input) > 1:
            weights = values.get(node.input[1])
            if isinstance(weights, np.ndarray) and weights.ndim == 3:
                return int(weights.shape[2])
    return None


def _output(values: list[tuple[Any, Source | None]], kinds: set[str], name: str) -> Source:
    """The source of the one output that is the output layer's."""
    found = [s for _, s in values if s is not None and s.kind in ("logits", "probabilities")]
    if len(found) == 1:
        return found[0]
    needed = (
        "must be an embedding or a one-hot input, one or two LSTM operators and a linear output "
        "layer, for that is what the accelerator computes"
    )
    if len(found) > 1:
        raise UserError(f"{name} must have one output of symbols; found {len(found)}")
    reasons = [value for value, _ in values if isinstance(value, Reason)]
    if "LSTM" not in kinds:
        others = [text for kind, text in _CLOSED.items() if kind in kinds]
        reason = (
            f"{others[0]} and no LSTM"
            if others
            else (
                "no LSTM (one that is written out in single operators is not recognized: import "
                "the state dict instead)"
            )
        )
    elif reasons:
        reason = str(reasons[0])
    else:
        reason = "no linear layer that gives the output from the last LSTM"
    raise UserError(f"{name} {needed}; found {reason}")
