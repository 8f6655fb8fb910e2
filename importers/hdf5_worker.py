"""An HDF5 file as safetensors: a process of its own, for the sake of damaged files.

The HDF5 library trusts what it reads: there are files of a few bytes' difference at which it never
returns, and others at which it may crash. So it runs here, with limits on its processor time and
memory, and hands over plain tensors; `hdf5` starts it. Standard input is the HDF5 file. Standard
output is a safetensors file of its float datasets under their paths, with what Keras notes at the
groups as metadata; or, with exit status `REFUSED`, the reason.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from safetensors.numpy import save

REFUSED = 3
SECONDS = 0.5
"""Processor time for a file; a sound one takes some hundredths of a second."""

MEMORY = 1 << 30
MAXIMUM_VALUES = 1 << 24
_OBJECTS = 2000
_DEPTH = 12
_TEXT = 1 << 22
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
_SKIPPED = {"optimizer", "optimizer_weights", "_optimizer"}
"""What training needs besides the model."""


class RefusedError(Exception):
    """What is wrong with a file; how its sentence goes on after the model's name."""


def convert(data: bytes) -> bytes:
    """A safetensors file of an HDF5 file's datasets.

    Raises
    ------
    RefusedError
        When it holds what is not read.
    """
    tensors: dict[str, np.ndarray] = {}
    names: dict[str, str] = {}
    left = MAXIMUM_VALUES
    with h5py.File(io.BytesIO(data), "r") as file:
        config = _text(file, "model_config")
        for path, item in _walk(file, "", 0, [_OBJECTS]):
            if isinstance(item, h5py.Group):
                if path.endswith("/vars") and "name" in item.attrs:
                    names[path] = _text(item, "name") or ""
                continue
            left -= _size(path, item)
            if left < 0:
                raise RefusedError(f"must have at most {MAXIMUM_VALUES:,} numbers; it says more")
            if item.dtype.kind == "f":
                tensors[path] = np.ascontiguousarray(item[()], np.dtype(f"f{item.dtype.itemsize}"))
    metadata = {"names": json.dumps(names)}
    if config is not None:
        metadata["model_config"] = config
    return save(tensors, metadata)


def _walk(group: Any, path: str, depth: int, left: list[int]) -> Iterator[tuple[str, Any]]:
    """Yield whatever is in a group, all levels deep."""
    for key in group:
        left[0] -= 1
        if left[0] < 0 or depth > _DEPTH:
            raise RefusedError(f"must hold at most {_OBJECTS} objects, {_DEPTH} levels deep")
        if not depth and key in _SKIPPED:
            continue
        inner = f"{path}/{key}"
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise RefusedError(f"must hold all that is in it; {inner} is a link to elsewhere")
        item = group[key]
        yield inner, item
        if isinstance(item, h5py.Group):
            yield from _walk(item, inner, depth + 1, left)


def _size(path: str, dataset: Any) -> int:
    """Numbers of a dataset, after a look at how it is stored."""
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise RefusedError(f"must hold datasets and groups; {path} is neither")
    settings = dataset.id.get_create_plist()
    filters = {settings.get_filter(k)[0] for k in range(settings.get_nfilters())}
    if settings.get_external_count() or dataset.is_virtual:
        raise RefusedError(f"must hold all that is in it; {path} lies in another file")
    if not filters <= _FILTERS:
        raise RefusedError(f"must be stored plainly or with gzip; {path} is not")
    if dataset.dtype.kind == "f" and dataset.dtype.itemsize not in (2, 4, 8):
        raise RefusedError(f"must hold floats of 16, 32 or 64 bits; {path} has {dataset.dtype}")
    return int(np.prod([int(n) for n in dataset.shape], dtype=object))


def _text(item: Any, key: str) -> str | None:
    """An attribute that is one string."""
    if key not in item.attrs:
        return None
    attribute = item.attrs.get_id(key)
    if attribute.shape != () or attribute.get_storage_size() > _TEXT:
        raise RefusedError(f"must have one string as its {key}")
    value = item.attrs[key]
    if isinstance(value, (bytes, np.bytes_)):
        value = bytes(value).decode("utf-8", "replace")
    if not isinstance(value, str) or len(value) > _TEXT:
        raise RefusedError(f"must have a string of at most {_TEXT >> 20} MB as its {key}")
    return value


def _limit() -> None:
    """Bound what this process may use, where the system can."""
    try:
        import resource
        import signal
    except ImportError:  # Windows; the one who started this has a time limit as well.
        return
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # Its signal ends the process.
    for what, limit in ((resource.RLIMIT_DATA, MEMORY), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(what)[1]
        if hard == resource.RLIM_INFINITY or limit <= hard:
            resource.setrlimit(what, (limit, hard))


def main() -> None:
    """Convert standard input to standard output."""
    data = sys.stdin.buffer.read()
    _limit()
    try:
        result, status = convert(data), 0
    except RefusedError as refusal:
        result, status = str(refusal).encode(), REFUSED
    except Exception as error:  # h5py raises whatever the library says.
        result, status = f"is damaged: {error}".encode("utf-8", "replace"), REFUSED
    sys.stdout.buffer.write(result)
    sys.exit(status)
