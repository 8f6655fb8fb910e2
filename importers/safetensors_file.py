"""State dicts in safetensors files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open

from zynq_lstm.importers.parts import Array, Parts
from zynq_lstm.importers.state_dict import parts_of
from zynq_lstm.importers.vocabularies import vocabulary_in
from zynq_lstm.quant.errors import UserError

_TYPES = {"F16", "F32", "F64"}


def read_safetensors(path: Path, name: str) -> tuple[Mapping[str, str], Mapping[str, Array]]:
    """Metadata and tensors of a file.

    Parameters
    ----------
    path : Path
        A file that is not larger than `files.MAXIMUM_BYTES`.
    name : str
        What the model is called in errors.

    Raises
    ------
    UserError
        When it is damaged or its tensors are not floats.
    """
    try:
        with safe_open(str(path), framework="np") as file:
            tensors = {}
            for key in file.keys():  # noqa: SIM118
                kind = file.get_slice(key).get_dtype()
                if kind not in _TYPES:
                    raise UserError(
                        f"{name} must hold floats ({', '.join(sorted(_TYPES))}); "
                        f"{key[:60]!r} is {kind}; convert it with tensor.float()"
                    )
                tensors[key] = file.get_tensor(key)
            return dict(file.metadata() or {}), tensors
    except UserError:
        raise
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, OverflowError) as e:
        reason = " ".join(str(e).split())[:120]
        raise UserError(f"{name} must be a safetensors file; it is damaged: {reason}") from None


def safetensors_parts(
    metadata: Mapping[str, str], tensors: Mapping[str, Array], name: str
) -> Parts:
    """The parts of a state dict with metadata.

    Raises
    ------
    UserError
        When it is no model that fits.
    """
    return parts_of(tensors, name, vocabulary_in(metadata.get("vocabulary"), name))
