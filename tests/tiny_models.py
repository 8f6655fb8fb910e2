"""Small random models for tests: a second each to make, generate from and score."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

CHARACTERS = "\n !abcdefghij"


def tiny_tensors(
    characters: str = CHARACTERS, *, hidden: int = 16, layers: int = 2, seed: int = 1
) -> dict[str, NDArray[np.float32]]:
    """Return random weights under the checkpoint's names, gates i, f, g, o."""
    random = np.random.default_rng(seed)

    def uniform(bound: float, *shape: int) -> NDArray[np.float32]:
        return random.uniform(-bound, bound, shape).astype(np.float32)

    tensors = {
        "head.weight": uniform(1.0, len(characters), hidden),
        "head.bias": uniform(0.5, len(characters)),
    }
    for layer in range(layers):
        inputs = len(characters) if layer == 0 else hidden
        tensors[f"lstm.weight_ih_l{layer}"] = uniform(2.0, 4 * hidden, inputs)
        tensors[f"lstm.weight_hh_l{layer}"] = uniform(1.0, 4 * hidden, hidden)
        tensors[f"lstm.bias_ih_l{layer}"] = uniform(0.5, 4 * hidden)
        tensors[f"lstm.bias_hh_l{layer}"] = np.zeros(4 * hidden, np.float32)
    return tensors


def write_tiny_checkpoint(
    path: Path,
    tensors: Mapping[str, NDArray[np.float32]] | None = None,
    *,
    characters: str = CHARACTERS,
    **metadata: str,
) -> Path:
    """Write a checkpoint, by default of `tiny_tensors`; `metadata` replaces entries of its own."""
    entries = {
        "format": "zynq-lstm-checkpoint",
        "format_version": "1",
        "vocabulary": json.dumps(list(characters)),
        "settings": "{}",
        "results": "{}",
    }
    save_file(dict(tensors or tiny_tensors(characters)), path, metadata=entries | metadata)
    return path
