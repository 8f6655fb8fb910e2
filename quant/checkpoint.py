"""Float checkpoints: safetensors files with PyTorch's names, which training and import write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import instead_of_file, write_whole
from zynq_lstm.quant.float_model import FloatModel, Layer
from zynq_lstm.quant.image import AN_IMAGE, MAGIC
from zynq_lstm.quant.vocabulary import Vocabulary

FORMAT = "zynq-lstm-checkpoint"
VERSION = "1"
MAXIMUM_BYTES = 64 << 20
"""The largest model that fits the hardware takes 2 MB; more is refused before it is read."""


def load_checkpoint(path: str | Path) -> FloatModel:
    """Read a checkpoint.

    Tensors, float32, gate order i, f, g, o: ``lstm.weight_ih_l{k}``, ``lstm.weight_hh_l{k}``,
    ``lstm.bias_ih_l{k}``, ``lstm.bias_hh_l{k}`` for one or two layers, ``head.weight`` and
    ``head.bias``. Metadata: ``vocabulary`` (JSON, see `Vocabulary.to_json`); ``settings`` and
    ``results`` are carried along.

    Raises
    ------
    UserError
        When the file is missing, not such a file, lacks a tensor, or holds a wrong shape, a NaN
        or an infinity.
    """
    path = Path(path)
    tensors, metadata = _read(path)
    if metadata.get("format") != FORMAT or metadata.get("format_version") != VERSION:
        raise UserError(
            f"Checkpoint {path} must be of the format {FORMAT} version {VERSION}, not "
            f"{metadata.get('format')!r} version {metadata.get('format_version')!r}; "
            "write it with zynq-lstm train"
        )
    vocabulary = _vocabulary(path, metadata)
    notes = _notes(path, metadata)
    layers = 2 if "lstm.weight_hh_l1" in tensors else 1
    recurrent = _tensor(path, tensors, "lstm.weight_hh_l0", None)
    if recurrent.ndim != 2 or recurrent.shape[0] != 4 * recurrent.shape[1] or not recurrent.size:
        raise UserError(
            f"Tensor lstm.weight_hh_l0 of {path} must have the shape (4 * hidden, hidden), "
            f"not {recurrent.shape}"
        )
    hidden, symbols = recurrent.shape[1], len(vocabulary)
    stack = []
    for k in range(layers):
        inputs = symbols if k == 0 else hidden
        stack.append(
            Layer(
                weight_ih=_tensor(path, tensors, f"lstm.weight_ih_l{k}", (4 * hidden, inputs)),
                weight_hh=_tensor(path, tensors, f"lstm.weight_hh_l{k}", (4 * hidden, hidden)),
                bias=_bias(path, tensors, k, hidden),
            )
        )
    head_weight = _tensor(path, tensors, "head.weight", (symbols, hidden))
    head_bias = _tensor(path, tensors, "head.bias", (symbols,))
    expected = 4 * layers + 2
    if len(tensors) != expected:
        raise UserError(
            f"Checkpoint {path} must hold the {expected} tensors of a {layers}-layer LSTM with a "
            f"linear head only; found also {_others(tensors, layers)}"
        )
    return FloatModel(vocabulary, tuple(stack), head_weight, head_bias, notes)


def save_checkpoint(model: FloatModel, path: str | Path) -> None:
    """Write a model as a checkpoint, from which `load_checkpoint` makes the same model.

    Raises
    ------
    UserError
        When the path cannot be written.
    """
    tensors = {"head.weight": model.head_weight, "head.bias": model.head_bias}
    for k, layer in enumerate(model.layers):
        tensors[f"lstm.weight_ih_l{k}"] = layer.weight_ih
        tensors[f"lstm.weight_hh_l{k}"] = layer.weight_hh
        tensors[f"lstm.bias_ih_l{k}"] = layer.bias
        tensors[f"lstm.bias_hh_l{k}"] = np.zeros_like(layer.bias)
    metadata = {
        "format": FORMAT,
        "format_version": VERSION,
        "vocabulary": json.dumps(model.vocabulary.to_json()),
        **{name: json.dumps(note) for name, note in model.metadata.items()},
    }
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    write_whole(path, save(contiguous, metadata))


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    try:
        size = path.stat().st_size if path.is_file() else None
    except OSError as error:
        raise UserError(f"Checkpoint {path} must be a readable file: {error.strerror}") from None
    if size is None:
        raise UserError(f"Checkpoint {path} must be a file; {instead_of_file(path)}")
    if size > MAXIMUM_BYTES:
        raise UserError(
            f"Checkpoint {path} must have at most {MAXIMUM_BYTES >> 20} MB, "
            f"not {size >> 20} MB; it is larger than any model that fits the chip"
        )
    try:
        with path.open("rb") as opened:
            image = opened.read(len(MAGIC)) == MAGIC
        if not image:
            with safe_open(str(path), framework="np") as file:
                names = list(file.keys())
                return {name: file.get_tensor(name) for name in names}, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"Checkpoint {path} must be a safetensors file: {reason}; make one with zynq-lstm "
            "train or import"
        ) from None
    raise UserError(f"Checkpoint {path} must be a safetensors file, but {AN_IMAGE}")


def _vocabulary(path: Path, metadata: dict[str, str]) -> Vocabulary:
    try:
        return Vocabulary.from_json(json.loads(metadata["vocabulary"]))
    except UserError as error:
        raise UserError(f"Checkpoint {path}: {error}") from None
    except (KeyError, ValueError, RecursionError):
        raise UserError(
            f"Checkpoint {path} must carry its vocabulary as JSON in its metadata; it does not"
        ) from None


def _notes(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    """What the file says of its training: values that an image can carry on."""
    notes: dict[str, Any] = {}
    for name in ("settings", "results"):
        if name not in metadata:
            continue
        try:
            notes[name] = json.loads(metadata[name])
            json.dumps(notes, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError):
            raise UserError(
                f"Checkpoint {path} must carry its {name} as plain JSON in its metadata; "
                "it does not"
            ) from None
    return notes


def _tensor(
    path: Path, tensors: dict[str, NDArray[Any]], name: str, shape: tuple[int, ...] | None
) -> NDArray[np.float32]:
    if name not in tensors:
        raise UserError(f"Checkpoint {path} must hold the tensor {name}; it is missing")
    tensor = tensors[name]
    if tensor.dtype.kind != "f":
        raise UserError(f"Tensor {name} of {path} must hold floats, not {tensor.dtype}")
    if shape is not None and tensor.shape != shape:
        raise UserError(f"Tensor {name} of {path} must have the shape {shape}, not {tensor.shape}")
    with np.errstate(over="ignore"):
        tensor = tensor.astype(np.float32)
    if not np.isfinite(tensor).all():
        raise UserError(f"Tensor {name} of {path} must be finite; it holds NaN or infinity")
    return tensor


def _bias(
    path: Path, tensors: dict[str, NDArray[Any]], layer: int, hidden: int
) -> NDArray[np.float32]:
    """Sum of PyTorch's two biases."""
    names = [f"lstm.bias_{x}_l{layer}" for x in ("ih", "hh")]
    first, second = (_tensor(path, tensors, name, (4 * hidden,)) for name in names)
    with np.errstate(over="ignore"):
        total = first + second
    if not np.isfinite(total).all():
        raise UserError(
            f"Tensors {names[0]} and {names[1]} of {path} must have a finite sum; it overflows"
        )
    return total


def _others(tensors: dict[str, NDArray[Any]], layers: int) -> list[str]:
    known = {
        f"lstm.{x}_l{k}"
        for k in range(layers)
        for x in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    } | {"head.weight", "head.bias"}
    return sorted(set(tensors) - known)
