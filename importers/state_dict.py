"""The parts of a model from the names and shapes of a PyTorch state dict.

``nn.LSTM`` calls its weights ``weight_ih_l0`` and so on, ``nn.LSTMCell`` calls them ``weight_ih``.
Whatever stands before is the path of a module, which is a person's choice. So layers are found by
these endings, and the embedding and the output layer are what is left: their shapes tell them
apart, names only where shapes cannot. What is still ambiguous is refused, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from zynq_lstm.importers.parts import Array, Cell, Parts
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.errors import UserError

_RECURRENT = re.compile(r"(?:(.*)\.)?(weight|bias)_(ih|hh|hr)(?:_l(\d+))?(_reverse)?", re.DOTALL)
_PLAIN = re.compile(r"(?:(.*)\.)?(weight|bias)", re.DOTALL)
_EMBEDDING = re.compile(r"emb|encoder|wte|token", re.IGNORECASE)
_SHOWN = 4

_OTHER_CELLS = {1: "a plain RNN", 3: "a GRU"}
"""Gates that other recurrent layers of PyTorch have under the same names."""


def parts_of(tensors: Mapping[str, Array], name: str, vocabulary: object = None) -> Parts:
    """Find the parts of a model.

    Parameters
    ----------
    tensors : mapping of str to ndarray
        A state dict.
    name : str
        What the model is called in errors.
    vocabulary : object
        Carried along.

    Raises
    ------
    UserError
        When it is not an embedding or one-hot input, LSTM layers and a linear output layer.
    """
    groups: dict[tuple[str, int], dict[str, Array]] = {}
    rest: dict[str, Array] = {}
    for key, tensor in tensors.items():
        match = _RECURRENT.fullmatch(key)
        if match is None:
            rest[key] = tensor
            continue
        prefix, kind, side, layer, reverse = match.groups()
        if reverse:
            raise UserError(
                f"{name} must have LSTM layers of one direction, as the accelerator has; "
                f"found the bidirectional {key}"
            )
        if side == "hr":
            raise UserError(
                f"{name} must have LSTM layers without projection, as the accelerator has; "
                f"found {key} (proj_size)"
            )
        groups.setdefault((prefix or "", int(layer or 0)), {})[f"{kind}_{side}"] = tensor
    if not groups:
        raise UserError(
            f"{name} must hold an nn.LSTM or nn.LSTMCell (weight_ih_l0 or weight_ih); "
            f"found {_shown(rest)}"
        )
    cells = [_cell(group, key, name) for key, group in groups.items()]
    cells = _in_order(dict(zip(groups, cells, strict=True)), name)
    width, hidden = cells[0].weight_ih.shape[1], cells[-1].weight_hh.shape[1]
    embedding, head, bias = _outer(rest, width, hidden, name)
    return Parts(embedding, tuple(cells), head, bias, vocabulary)


def _cell(group: Mapping[str, Array], key: tuple[str, int], name: str) -> Cell:
    where = f"the recurrent layer {key[0][:60] or '(unnamed)'}"
    for part in ("weight_ih", "weight_hh"):
        if part not in group:
            raise UserError(f"{name} must hold {part} of {where}; it is missing")
        if group[part].ndim != 2:
            raise UserError(
                f"{name} must hold a matrix as {part} of {where}, not the shape {group[part].shape}"
            )
    rows, hidden = group["weight_hh"].shape
    if rows != GATES * hidden:
        gates = rows // hidden if hidden and rows % hidden == 0 else 0
        found = _OTHER_CELLS.get(gates, f"a weight_hh of the shape {(rows, hidden)}")
        raise UserError(
            f"{name} must have LSTM layers, with weight_hh of the shape (4 * hidden, hidden), for "
            f"that is what the accelerator computes; {where} is {found}"
        )
    return Cell(group["weight_ih"], group["weight_hh"], group.get("bias_ih"), group.get("bias_hh"))


def _in_order(cells: Mapping[tuple[str, int], Cell], name: str) -> list[Cell]:
    """Layers in the order in which they follow each other."""
    modules = {prefix for prefix, _ in cells}
    if len({re.sub(r"[\d._]", "", prefix) for prefix in modules}) == 1:
        return [cells[key] for key in sorted(cells, key=_natural)]
    if len(cells) == 2:
        first = [c for c in cells.values() if c.weight_ih.shape[1] != c.weight_hh.shape[1]]
        if len(first) == 1:
            (second,) = (c for c in cells.values() if c is not first[0])
            return [first[0], second]
    raise UserError(
        f"{name} must tell the order of its LSTM layers by numbers in their names, such as lstm1 "
        f"and lstm2; found {_shown(modules)}"
    )


def _natural(key: tuple[str, int]) -> tuple[list[tuple[int, str]], int]:
    prefix, layer = key
    parts = re.findall(r"\d+|\D+", prefix)
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in parts], layer


def _outer(
    rest: Mapping[str, Array], width: int, hidden: int, name: str
) -> tuple[Array | None, Array, Array | None]:
    """Embedding or none, output weights, and output biases or none."""
    matrices: dict[str, Array] = {}
    biases: dict[str, Array] = {}
    others = []
    for key, tensor in rest.items():
        match = _PLAIN.fullmatch(key)
        if match and match[2] == "weight" and tensor.ndim == 2:
            matrices[match[1] or ""] = tensor
        elif match and match[2] == "bias" and tensor.ndim == 1:
            biases[match[1] or ""] = tensor
        else:
            others.append(key)
    if others or len(matrices) > 2:
        found = f"also {_shown(others)}" if others else f"the matrices of {_shown(matrices)}"
        raise UserError(
            f"{name} must hold an embedding or none, LSTM layers and one linear output layer only, "
            f"for that is what the accelerator computes; found {found}"
        )
    if not matrices:
        raise UserError(f"{name} must hold a linear output layer after the LSTM; there is none")
    if len(matrices) == 1:
        ((module, matrix),) = matrices.items()
        tied = _is_tied(module, matrix, biases, width, hidden, name)
        embedding, head = (matrix if tied else None), matrix
        own = module if module in biases or not tied else next(iter(biases), module)
    else:
        table, own = _embedding_and_head(matrices, biases, width, hidden, name)
        embedding, head = matrices[table], matrices[own]
    bias = biases.pop(own, None)
    if biases:
        raise UserError(f"{name} must have biases of one output layer only; found {_shown(biases)}")
    return embedding, head, bias


def _is_tied(
    module: str, matrix: Array, biases: Mapping[str, Array], width: int, hidden: int, name: str
) -> bool:
    """Whether the only matrix outside the LSTM is embedding and output layer at once."""
    symbols, columns = matrix.shape
    one_hot = columns == hidden and symbols == width
    tied = columns == hidden == width
    if one_hot and tied:
        return module not in biases and bool(biases or _EMBEDDING.search(module))
    if not one_hot and not tied:
        raise UserError(
            f"{name} must have, beside its LSTM of {width} inputs and {hidden} units, an output "
            f"layer of the shape (symbols, {hidden}), with an embedding of the shape (symbols, "
            f"{width}) or as many symbols as inputs; found only {module}.weight {matrix.shape}"
        )
    return bool(tied)


def _embedding_and_head(
    matrices: Mapping[str, Array], biases: Mapping[str, Array], width: int, hidden: int, name: str
) -> tuple[str, str]:
    """Names of the embedding's and of the output layer's module."""
    first, second = matrices
    choices = [
        (table, head)
        for table, head in ((first, second), (second, first))
        if matrices[table].shape[1] == width
        and matrices[head].shape[1] == hidden
        and matrices[table].shape[0] == matrices[head].shape[0]
        and table not in biases
    ]
    if len(choices) == 2 and not np.array_equal(matrices[first], matrices[second]):
        named = [choice for choice in choices if _EMBEDDING.search(choice[0])]
        choices = named if len(named) == 1 else choices
        if len(choices) == 2:
            raise UserError(
                f"{name} must tell its embedding from its output layer; {first}.weight and "
                f"{second}.weight have one shape and no bias: rename one to embedding.weight"
            )
    if not choices:
        shapes = ", ".join(f"{k}.weight {m.shape}" for k, m in matrices.items())
        raise UserError(
            f"{name} must have an embedding of the shape (symbols, {width}) and a linear output "
            f"layer of the shape (symbols, {hidden}) around its LSTM; found {shapes}"
        )
    return choices[0]


def _shown(names: Iterable[str]) -> str:
    listed = sorted(n or "(unnamed)" for n in names)
    text = ", ".join(n[:60] for n in listed[:_SHOWN])
    more = len(listed) - _SHOWN
    return (text or "nothing") + (f" and {more} more" if more > 0 else "")
