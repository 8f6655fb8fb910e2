"""The part of a text that a command works on, as training splits it."""

from __future__ import annotations

from typing import Annotated

import typer

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.vocabulary import BYTES, Vocabulary

SPLITS = {"training": (0, 90), "validation": (90, 95), "test": (95, 100), "all": (0, 100)}
"""Parts of a text by position, in per cent of its symbols, as training splits it."""

SplitOption = Annotated[
    str,
    typer.Option(
        metavar="training|validation|test|all",
        help="Part of the text: its first 90 %, the next 5 %, the last 5 %, or all of it.",
    ),
]
LimitOption = Annotated[
    int | None, typer.Option(metavar="N", help="Only the first N characters of the part.")
]


def part_of(text: str, vocabulary: Vocabulary, split: str, limit: int | None) -> str:
    """The part of a text, or its beginning, counted in a model's symbols.

    Raises
    ------
    UserError
        When there is no such split, or the text or the limit leaves nothing to predict.
    """
    if split not in SPLITS:
        raise UserError(f"Split must be one of {', '.join(SPLITS)}, not {split!r}")
    if limit is not None and limit < 2:
        raise UserError(f"Limit must be at least 2 {vocabulary.unit}s, not {limit}")
    symbols = BYTES.encode(text) if vocabulary is BYTES else text
    first, last = (len(symbols) * percent // 100 for percent in SPLITS[split])
    part = symbols[first:last][:limit]
    if len(part) < 2:
        what = "Text" if split == "all" else f"The text's {split} part"
        raise UserError(
            f"{what} must have at least 2 {vocabulary.unit}s, not {len(part)}: the first is given "
            "and only the others are predicted"
        )
    return part if isinstance(part, str) else BYTES.decode(part)
