"""Writing and reading checkpoints: safetensors files that the quantizer takes as they are.

The tensors have PyTorch's names (``lstm.weight_ih_l0`` ... ``head.bias``), the embedding is folded
in, and the metadata says what the model is for (``vocabulary``), what it was made of
(``settings``) and how good it is (``results``). All files are written beside their place and then
moved there, so that no reader ever sees half of one.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.vocabulary import Vocabulary

FORMAT, FORMAT_VERSION = "zynq-lstm-checkpoint", "1"


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file, then move that to `path`.

    Raises
    ------
    UserError
        If the folder does not exist or cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=path.name + ".", suffix=".tmp", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise UserError(
            f"Output folder must exist and be writable, but {path.parent} is not "
            f"({error.strerror}); make the folder or choose another output"
        ) from error
    temporary = Path(name)
    try:
        write(temporary)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_folder(path: Path) -> None:
    """Find out before a long run whether a file can be written beside `path`.

    Raises
    ------
    UserError
        If the folder does not exist or cannot be written, or `path` is a folder itself.
    """
    if path.is_dir():
        raise UserError(f"Output must be a file, but {path} is a folder; add a file's name")
    probe = path.with_name(path.name + ".probe")
    write_atomically(probe, lambda file: None)
    probe.unlink()


def write_checkpoint(
    path: Path,
    tensors: Mapping[str, Tensor],
    vocabulary: Vocabulary,
    settings: Mapping[str, object],
    results: Mapping[str, object],
) -> None:
    """Write a checkpoint in place of whatever `path` was.

    Parameters
    ----------
    path : Path
        The file.
    tensors : dict of str to Tensor
        Weights as `Network.tensors` gives them.
    vocabulary : Vocabulary
        The symbols.
    settings, results : mapping
        What is stored as JSON under these names.

    Raises
    ------
    UserError
        If the folder does not exist or cannot be written.
    """
    metadata = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "vocabulary": json.dumps(vocabulary.to_json()),
        "settings": json.dumps(dict(settings)),
        "results": json.dumps(dict(results)),
    }
    write_atomically(path, lambda file: save_file(dict(tensors), file, metadata=metadata))


def rewrite_results(path: Path, more: Mapping[str, object]) -> None:
    """Add to a checkpoint's ``results``, all else unchanged.

    Raises
    ------
    UserError
        If the file cannot be read or written, or is no checkpoint.
    """
    tensors, metadata = read_checkpoint(path)
    metadata["results"] = json.dumps({**json.loads(metadata["results"]), **more})
    write_atomically(path, lambda file: save_file(tensors, file, metadata=metadata))


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
    """Write the state of an unfinished run, from which it can be resumed."""
    write_atomically(path, lambda file: torch.save(state, file))


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
