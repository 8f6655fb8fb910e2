"""The tensors of an HDF5 file, read by a process of its own (`hdf5_worker`)."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass

from safetensors import SafetensorError
from safetensors.numpy import load

from zynq_lstm.importers.parts import Array
from zynq_lstm.quant.errors import UserError

_START = (
    "import sys; sys.path[:] = sys.argv[1:]; from zynq_lstm.importers.hdf5_worker import main; "
    "main()"
)
"""The process finds modules where this one does, and not in the current folder."""

_REFUSED = 3
SECONDS = 20
"""Wall time at most, which only a process that sleeps can reach: its processor time is less."""


@dataclass(frozen=True)
class Hdf5:
    """What a file of Keras holds.

    Parameters
    ----------
    tensors : dict of str to ndarray
        Float datasets by path, such as ``/layers/lstm/cell/vars/0``.
    names : dict of str to str
        Names that Keras gives to groups, by path.
    config : str or None
        The model's description, where the file has one.
    """

    tensors: dict[str, Array]
    names: dict[str, str]
    config: str | None


def read_hdf5(data: bytes, name: str) -> Hdf5:
    """Read an HDF5 file.

    Parameters
    ----------
    data : bytes
        Its content.
    name : str
        What the model is called in errors.

    Raises
    ------
    UserError
        When it is damaged, or takes more time or memory than any model needs.
    """
    converted = _converted(data, name)
    try:
        tensors = load(converted)
        # The header is JSON behind its length, in 8 bytes.
        length = int.from_bytes(converted[:8], "little")
        metadata = json.loads(converted[8 : 8 + length])["__metadata__"]
        names = json.loads(metadata["names"])
    except (SafetensorError, KeyError, ValueError):
        raise UserError(f"{name} is damaged: the HDF5 library cannot read it to its end") from None
    return Hdf5(tensors, names, metadata.get("model_config"))


def _converted(data: bytes, name: str) -> bytes:
    """A safetensors file of an HDF5 file, from a process of its own."""
    if importlib.util.find_spec("h5py") is None:
        raise ModuleNotFoundError("No module named 'h5py'", name="h5py")
    try:
        ended = subprocess.run(
            [sys.executable, "-c", _START, *sys.path],
            input=data,
            capture_output=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"{name} is damaged: reading it does not end") from None
    if ended.returncode == _REFUSED:
        reason = " ".join(ended.stdout.decode("utf-8", "replace").split())[:200]
        raise UserError(f"{name} {reason}")
    if ended.returncode != 0:
        raise UserError(f"{name} is damaged: the HDF5 library cannot read it to its end")
    return ended.stdout
