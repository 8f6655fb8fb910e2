"""The ONNX operators that move numbers or compute shapes, in numpy.

They act alike on known numbers and on the marks of `onnx_trace`, because they do not look at what
they move. Exporters surround each LSTM with them. Every result is bounded before it is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from zynq_lstm.importers.parts import Array

MAXIMUM_VALUES = 1 << 22
"""Numbers of one tensor: more than the weights of any model that fits."""

Attributes = Mapping[str, Any]
Operator = Callable[[Sequence[Any], Attributes], list[Array]]


def bounded(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape, seen not to be negative or huge.

    Raises
    ------
    ValueError
        When it is.
    """
    sizes = tuple(int(size) for size in shape)
    if any(size < 0 for size in sizes) or math.prod(sizes) > MAXIMUM_VALUES or len(sizes) > 8:
        raise ValueError(f"the shape {sizes} is impossible or too large")
    return sizes


def _axes(inputs: Sequence[Any], attributes: Attributes) -> tuple[int, ...] | None:
    """Axes, which older versions have as an attribute and newer ones as an input."""
    axes = attributes.get("axes", inputs[1] if len(inputs) > 1 else None)
    return None if axes is None else tuple(int(axis) for axis in np.ravel(axes))


def _squeeze(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    return [np.squeeze(inputs[0], axis=_axes(inputs, attributes))]


def _unsqueeze(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    axes = _axes(inputs, attributes)
    if axes is None:
        raise ValueError("Unsqueeze has no axes")
    return [np.expand_dims(inputs[0], axes)]


def _transpose(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    return [np.transpose(inputs[0], attributes.get("perm"))]


def _reshape(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    shape = [int(size) for size in np.ravel(inputs[1])]
    if not attributes.get("allowzero"):
        shape = [inputs[0].shape[k] if size == 0 else size for k, size in enumerate(shape)]
    return [np.reshape(inputs[0], shape)]


def _flatten(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    axis = int(attributes.get("axis", 1))
    axis += inputs[0].ndim if axis < 0 else 0
    return [np.reshape(inputs[0], (math.prod(inputs[0].shape[:axis]), -1))]


def _slice(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    data = inputs[0]
    starts, ends, axes, steps = (
        attributes.get(key, inputs[k] if len(inputs) > k else None)
        for k, key in enumerate(("starts", "ends", "axes", "steps"), start=1)
    )
    starts, ends = np.ravel(starts), np.ravel(ends)
    axes = np.arange(len(starts)) if axes is None else np.ravel(axes)
    steps = np.ones(len(starts), np.int64) if steps is None else np.ravel(steps)
    index = [slice(None)] * data.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        last = int(end) if int(step) > 0 or int(end) >= -data.shape[int(axis)] else None
        index[int(axis)] = slice(int(start), last, int(step))
    return [data[tuple(index)]]


def _gather(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    data, indices = inputs[0], np.asarray(inputs[1])
    axis = int(attributes.get("axis", 0))
    bounded((*data.shape[:axis], *indices.shape, *data.shape[axis:][1:]))
    return [np.take(data, indices.astype(np.int64), axis=axis)]


def _concat(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    bounded([sum(int(np.size(i)) for i in inputs)])
    return [np.concatenate([np.asarray(i) for i in inputs], axis=int(attributes["axis"]))]


def _split(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    data, axis = inputs[0], int(attributes.get("axis", 0))
    sizes = attributes.get("split", inputs[1] if len(inputs) > 1 else None)
    if sizes is None:
        return list(np.array_split(data, int(attributes.get("num_outputs", 2)), axis))
    return list(np.split(data, np.cumsum(np.ravel(sizes))[:-1], axis))


def _expand(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    shape = np.broadcast_shapes(inputs[0].shape, bounded(np.ravel(inputs[1]).tolist()))
    return [np.broadcast_to(inputs[0], bounded(shape))]


def _tile(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    repeats = bounded(np.ravel(inputs[1]).tolist())
    bounded([a * b for a, b in zip(inputs[0].shape, repeats, strict=True)])
    return [np.tile(inputs[0], repeats)]


def _same(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    return [inputs[0]]


MOVES: dict[str, Operator] = {
    "Identity": _same,
    "Dropout": _same,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Slice": _slice,
    "Gather": _gather,
    "Concat": _concat,
    "Split": _split,
    "Expand": _expand,
    "Tile": _tile,
}
"""Operators that only move numbers."""

_TYPES = {1: "f4", 2: "u1", 3: "i1", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8"}
"""Numbers of ONNX's data types."""


def _cast(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    return [inputs[0].astype(np.dtype(_TYPES[int(attributes["to"])]))]


def _constant_of_shape(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    value = np.ravel(attributes.get("value", np.zeros(1, np.float32)))
    return [np.broadcast_to(value[0], bounded(np.ravel(inputs[0]).tolist()))]


def _range(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    start, limit, delta = (np.asarray(i).item() for i in inputs)
    bounded([max(0, math.ceil((limit - start) / delta))])
    return [np.arange(start, limit, delta)]


def _reduce_product(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    keep = bool(attributes.get("keepdims", 1))
    return [np.asarray(np.prod(inputs[0], axis=_axes(inputs, attributes), keepdims=keep))]


def _divide(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
    a, b = inputs
    if a.dtype.kind in "iu":
        return [np.asarray(np.trunc(a / b)).astype(a.dtype)]
    return [a / b]


def _elementwise(function: Callable[..., Any]) -> Operator:
    def compute(inputs: Sequence[Any], attributes: Attributes) -> list[Array]:
        bounded(np.broadcast_shapes(*(np.shape(i) for i in inputs)))
        return [np.asarray(function(*inputs))]

    return compute


COMPUTATIONS: dict[str, Operator] = {
    "Cast": _cast,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "ReduceProd": _reduce_product,
    "Div": _divide,
    "Add": _elementwise(np.add),
    "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply),
    "Max": _elementwise(lambda *values: np.maximum.reduce(values)),
    "Min": _elementwise(lambda *values: np.minimum.reduce(values)),
    "Equal": _elementwise(np.equal),
    "Where": _elementwise(np.where),
}
"""Operators that compute with known numbers, as exporters do with shapes and initial states."""
