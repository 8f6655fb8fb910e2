"""State dicts in the files of ``torch.save``.

Such a file is a zip archive with a pickle, which is a program. PyTorch's own restricted reader
(``weights_only=True``) runs it without calling anything but the rebuilding of tensors. Before that,
the program is looked through here without running it: its instructions and the names that it calls
must be those of a state dict. So a file with code in it, or a whole module, is refused with the
name of what was found, before PyTorch is even imported; and so is a program that is small but would
take forever: tuples that hold each other twice, again and again, cost 2^n steps when they are
hashed.
"""

from __future__ import annotations

import io
import pickletools
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from zynq_lstm.importers.files import MAXIMUM_VALUES, Archive
from zynq_lstm.importers.parts import Array, Parts
from zynq_lstm.importers.state_dict import parts_of
from zynq_lstm.quant.errors import UserError

VOCABULARY_KEYS = ("vocabulary", "vocab", "chars", "characters", "char_to_index", "stoi")
"""Entries of a training checkpoint that are taken as its vocabulary."""

_INSTRUCTIONS = (
    "PROTO", "STOP", "MARK", "GLOBAL", "REDUCE", "BUILD", "BINPERSID", "BINPUT",
    "LONG_BINPUT", "BINGET", "LONG_BINGET", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2",
    "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS", "EMPTY_DICT", "SETITEM", "SETITEMS",
    "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT",
    "BINUNICODE",
)  # fmt: skip
"""Of a pickle of protocol 2, which is what torch.save writes."""

_TUPLES = frozenset({"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"})
_PUTS, _GETS = frozenset({"BINPUT", "LONG_BINPUT"}), frozenset({"BINGET", "LONG_BINGET"})
_STORAGES = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
_CALLS = frozenset(
    {
        "collections OrderedDict",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
    }
    | {f"torch {kind}Storage" for kind in _STORAGES}
)
_SHARED_TUPLES = 16
"""Tuples that are used again; an optimizer's settings have a few, hostile programs need 100."""

_MAXIMUM_PROGRAM = 1 << 20
_ADVICE = "save the state dict: torch.save(model.state_dict(), path)"


def read_torch(data: bytes, archive: Archive, name: str) -> Parts:
    """Read a state dict, or the one state dict in a training checkpoint.

    Parameters
    ----------
    data : bytes
        The file's content.
    archive : Archive
        The same as an archive.
    name : str
        What the model is called in errors.

    Raises
    ------
    UserError
        When it holds anything else, or no model that fits.
    """
    if archive.compressed:
        raise UserError(f"{name} must be as torch.save writes it; its members are compressed")
    programs = [member for member in archive.names if member.endswith("data.pkl")]
    if len(programs) != 1:
        raise UserError(f"{name} must hold one data.pkl, as torch.save writes it")
    _check_program(archive.read(programs[0]), name)
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load has no common base class for damaged files.
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"{name} must be a file of torch.save; it is damaged: {reason}") from None
    tensors, vocabulary = _state_dict(content, torch.Tensor, name)
    return parts_of(_arrays(tensors, name), name, vocabulary)


def _check_program(program: bytes, name: str) -> None:
    if len(program) > _MAXIMUM_PROGRAM:
        raise UserError(f"{name} must describe its tensors in 1 MB; its data.pkl has more")
    before, tuples, shared = "", set(), 0
    for instruction, argument in _instructions(program, name):
        if instruction not in _INSTRUCTIONS:
            raise UserError(
                f"{name} must hold tensors and plain values only; its pickle holds the instruction "
                f"{instruction}; {_ADVICE}"
            )
        if instruction == "GLOBAL" and argument not in _CALLS:
            called = ".".join(str(argument).split())[:80]
            raise UserError(
                f"{name} must hold tensors and plain values only, and nothing of it is executed; "
                f"found {called}; {_ADVICE}"
            )
        if instruction in _PUTS and before in _TUPLES:
            tuples.add(argument)
        if instruction in _GETS and argument in tuples:
            shared += 1
        before = before if instruction in _PUTS else instruction
    if shared > _SHARED_TUPLES:
        raise UserError(
            f"{name} must be a state dict; its pickle uses {shared} tuples again; {_ADVICE}"
        )


def _instructions(program: bytes, name: str) -> Iterator[tuple[str, Any]]:
    try:
        for opcode, argument, _ in pickletools.genops(program):
            yield opcode.name, argument
    except ValueError:
        raise UserError(f"{name} must be a file of torch.save; its data.pkl is damaged") from None


def _state_dict(content: object, kind: type, name: str) -> tuple[dict[str, Any], object]:
    """The state dict of a file's content, and its vocabulary."""
    if not isinstance(content, Mapping):
        raise UserError(f"{name} must hold a state dict, not {type(content).__name__}; {_ADVICE}")

    def tensors(entries: Mapping[Any, Any]) -> dict[str, Any]:
        return {k: v for k, v in entries.items() if isinstance(k, str) and isinstance(v, kind)}

    own = tensors(content)
    if own and len(own) == len(content):
        return own, None
    found = {
        str(key): tensors(entry)
        for key, entry in content.items()
        if isinstance(entry, Mapping) and tensors(entry)
    }
    if len(found) != 1:
        choices = ", ".join(sorted(found)[:4]) or "none"
        raise UserError(
            f"{name} must hold one dict of tensors, the state dict of a model; found {choices}; "
            f"{_ADVICE}"
        )
    vocabulary = next((content[key] for key in VOCABULARY_KEYS if key in content), None)
    return next(iter(found.values())), vocabulary


def _arrays(tensors: Mapping[str, Any], name: str) -> dict[str, Array]:
    total = sum(tensor.numel() for tensor in tensors.values())
    if total > MAXIMUM_VALUES:
        raise UserError(
            f"{name} must have at most {MAXIMUM_VALUES:,} numbers; its tensors have {total:,}"
        )
    arrays = {}
    for key, tensor in tensors.items():
        try:
            value = tensor.float() if tensor.dtype.is_floating_point else tensor
            arrays[key] = np.array(value.detach().numpy())
        except (RuntimeError, TypeError, ValueError):
            raise UserError(f"{name} must hold plain tensors; {key[:60]!r} is not") from None
    return arrays
