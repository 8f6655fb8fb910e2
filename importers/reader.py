"""A model from a file of any kind that is known.

The kind is told by the content, not by the file's name, for names are often wrong. Files of this
project's own are read by `zynq_lstm.quant.checkpoint`.
"""

from __future__ import annotations

import re
from pathlib import Path

from zynq_lstm.importers.files import Archive, read_bytes
from zynq_lstm.importers.parts import Parts, check_sizes, float_model
from zynq_lstm.importers.vocabularies import vocabulary_of
from zynq_lstm.quant.checkpoint import FORMAT, load_checkpoint
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import is_safetensors
from zynq_lstm.quant.float_model import FloatModel
from zynq_lstm.quant.image import AN_IMAGE, MAGIC
from zynq_lstm.quant.vocabulary import Vocabulary

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
ZIP_MAGIC = b"PK\x03\x04"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

KINDS = (
    "a state dict of PyTorch (.safetensors, .pt), an ONNX model (.onnx), a Keras model (.keras, "
    ".h5) or a checkpoint of zynq-lstm train"
)


def read_model(path: str | Path, vocabulary: Vocabulary | None = None) -> FloatModel:
    """Read a model that was trained here or elsewhere.

    Parameters
    ----------
    path : str or Path
        A checkpoint of this project, or a file of PyTorch, ONNX or Keras.
    vocabulary : Vocabulary, optional
        The symbols' characters, where the file does not say them, or says them wrongly.

    Raises
    ------
    UserError
        When the file is of no known kind or damaged, the model does not fit the accelerator, or
        its vocabulary is not known.
    """
    try:
        return _read(Path(path), vocabulary)
    except UserError as error:  # Names in a file may hold anything.
        raise UserError(_CONTROL.sub(" ", str(error))) from None


def _read(path: Path, vocabulary: Vocabulary | None) -> FloatModel:
    name = f"Model {path}"
    data = read_bytes(path)
    if is_safetensors(data):
        from zynq_lstm.importers.safetensors_file import read_safetensors, safetensors_parts

        metadata, tensors = read_safetensors(path, name)
        if metadata.get("format") == FORMAT:
            if vocabulary is not None:
                raise UserError(f"{name} carries its own vocabulary; give no other")
            return load_checkpoint(path)
        parts = safetensors_parts(metadata, tensors, name)
    else:
        parts = _parts(data, path, name)
    check_sizes(parts, name)
    return float_model(parts, _vocabulary(vocabulary, parts, name), name)


def _parts(data: bytes, path: Path, name: str) -> Parts:
    if data.startswith(MAGIC):
        raise UserError(f"{name} must be a model in float, but {AN_IMAGE}")
    if data.startswith(HDF5_MAGIC):
        from zynq_lstm.importers.keras_file import read_keras_h5

        return read_keras_h5(data, name)
    if data.startswith(ZIP_MAGIC):
        archive = Archive(data, name)
        if "config.json" in archive.names:
            from zynq_lstm.importers.keras_file import read_keras

            return read_keras(archive, name)
        if any(member.endswith("data.pkl") for member in archive.names):
            from zynq_lstm.importers.torch_file import read_torch

            return read_torch(data, archive, name)
    elif data.startswith(b"\x80\x02"):
        raise UserError(
            f"{name} must not be a bare pickle, which is a program; save the state dict with "
            "PyTorch 1.6 or newer"
        )
    elif path.suffix == ".onnx" or data.startswith(b"\x08"):
        from zynq_lstm.importers.onnx_file import read_onnx

        return read_onnx(data, name)
    raise UserError(f"{name} must be {KINDS}; it is none of these")


def _vocabulary(given: Vocabulary | None, parts: Parts, name: str) -> Vocabulary:
    if given is None:
        if parts.vocabulary is None:
            raise UserError(
                f"{name} does not say which characters its {parts.symbols} symbols are; give them "
                "with --vocabulary FILE, or --bytes for the 256 bytes"
            )
        given = vocabulary_of(parts.vocabulary, f"Vocabulary of {name[0].lower()}{name[1:]}")
    if len(given) != parts.symbols:
        raise UserError(
            f"{name} has {parts.symbols} symbols and must have a vocabulary of as many characters; "
            f"found {len(given)}"
        )
    return given
