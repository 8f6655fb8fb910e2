"""Writing and reading checkpoints: safetensors files that the quantizer takes as they are.

The tensors have PyTorch's names (``lstm.weight_ih_l0`` ... ``head.bias``), the embedding is folded
in, and the metadata says what the model is for (``vocabulary``), what it was made of
(``settings``) and how good it is (``results``).
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import check_writable, write_whole
from zynq_lstm.quant.vocabulary import Vocabulary

FORMAT, FORMAT_VERSION = "zynq-lstm-checkpoint", "1"


def check_output(path: Path) -> None:
    """Find out before a long run whether `path` can be written.

    Raises
    ------
    UserError
        If its folder does not exist or cannot be written, or it is a folder itself.
    """
    if path.is_dir():
        raise UserError(f"Output must be a file, but {path} is a folder; add a file's name")
    check_writable(Path(os.path.realpath(path)).parent, path)


def checkpoint_of(
    tensors: Mapping[str, Tensor],
    vocabulary: Vocabulary,
    settings: Mapping[str, object],
    results: Mapping[str, object],
) -> bytes:
    """Return a checkpoint's content.

    Parameters
    ----------
    tensors : dict of str to Tensor
        Weights as `Network.tensors` gives them.
    vocabulary : Vocabulary
        The symbols.
    settings, results : mapping
        What is stored as JSON under these names.
    """
    metadata = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "vocabulary": json.dumps(vocabulary.to_json()),
        "settings": json.dumps(dict(settings)),
        "results": json.dumps(dict(results)),
    }
    return save(dict(tensors), metadata)


def rewrite_results(path: Path, more: Mapping[str, object]) -> None:
    """Add to a checkpoint's ``results``, all else unchanged.

    Raises
    ------
    UserError
        If the file cannot be read or written, or is no checkpoint.
    """
    tensors, metadata = read_checkpoint(path)
    metadata["results"] = json.dumps({**json.loads(metadata["results"]), **more})
    write_whole(path, save(tensors, metadata))


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return a checkpoint's tensors and its metadata.

    Raises
    ------
    UserError
        If the file cannot be read or is no checkpoint of this format and version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"Checkpoint must be a readable safetensors file, but {path} is not ({error}); give "
            "the file that training wrote"
        ) from error
    found = (metadata.get("format"), metadata.get("format_version"))
    if found != (FORMAT, FORMAT_VERSION):
        raise UserError(
            f"Checkpoint must have the format {FORMAT} version {FORMAT_VERSION}, but {path} has "
            f"{found[0]} version {found[1]}; give the file that training wrote"
        )
    return tensors, metadata


def vocabulary_of(metadata: Mapping[str, str]) -> Vocabulary:
    """Return the vocabulary that a checkpoint's metadata names."""
    return Vocabulary.from_json(json.loads(metadata["vocabulary"]))


def write_state(path: Path, state: dict[str, object]) -> None:
    """Write the state of an unfinished run, from which it can be resumed.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    content = io.BytesIO()
    torch.save(state, content)
    write_whole(path, content.getvalue())


def read_state(path: Path) -> dict[str, object]:
    """Read what `write_state` wrote; nothing in the file is executed.

    Raises
    ------
    UserError
        If there is no such file, or it is damaged.
    """
    if not path.is_file():
        raise UserError(
            f"Resuming needs the state file of an unfinished run, but there is no {path}; train "
            "without resuming"
        )
    try:
        return torch.load(path, weights_only=True)
    except Exception as error:  # torch.load has no common base class for damaged files.
        raise UserError(
            f"State file must be one that training wrote, but {path} is damaged; remove it and "
            "train without resuming"
        ) from error
