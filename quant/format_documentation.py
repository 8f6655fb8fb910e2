"""docs/formats.md, from the formats, operators and tables themselves.

What a format or an operator is for is the text below or in it in its module. The errors of tables
are computed. To write it anew:
``python -m zynq_lstm.quant.format_documentation > docs/formats.md``.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant import formats, operators, surprisal, tables
from zynq_lstm.quant.formats import ACTIVATION, GUMBEL, PREACTIVATION, Format
from zynq_lstm.quant.surprisal import EXP_HIGH, EXP_LOW, LOG_BASE, LOG_SLOPE, SUMMAND

_INTRODUCTION = """\
# Formats, operators and tables

Written by `python -m zynq_lstm.quant.format_documentation` from `quant/formats.py`,
`quant/operators.py`, `quant/surprisal.py` and `quant/tables.py`, which golden model and hardware
both use. [Numerics](numerics.md) says why they are so.

Qm.n has m integer bits, without the sign, and n fraction bits: value = integer / 2^n.
"""


def _texts(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Names of a module's constants, and the first paragraph of the text below each, if any."""
    body = ast.parse(inspect.getsource(module)).body
    for node, below in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            text = ""
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                text = inspect.cleandoc(str(below.value.value)).split("\n\n")[0]
            yield node.targets[0].id, text


def _plain(text: str) -> str:
    """A text as one line of a Markdown table."""
    return re.sub(r"``?([^`]+)``?", r"`\1`", " ".join(text.split())).replace("|", "\\|")


def _row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _head(*cells: str) -> list[str]:
    return ["", _row(*cells), _row(*["---"] * len(cells))]


def _q(form: Format) -> str:
    return f"Q{form.bits - form.fraction - form.signed}.{form.fraction}"


def _formats() -> list[str]:
    lines = ["", "## Formats", *_head("name", "format", "bits", "least", "greatest", "one", "what")]
    for module in (formats, surprisal):
        for name, text in _texts(module):
            form = getattr(module, name)
            if isinstance(form, Format):
                bits = f"{form.bits}" if form.signed else f"{form.bits}, unsigned"
                ends = (f"{end * form.lsb:.10g}" for end in (form.minimum, form.maximum))
                one = f"2^-{form.fraction}" if form.fraction else "1"
                lines.append(_row(f"`{name}`", _q(form), bits, *ends, one, _plain(text)))
    return lines


def _operators() -> list[str]:
    lines = ["", "## Operators", *_head("operator", "in", "what")]
    for module in (operators, surprisal):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != module.__name__ or name.startswith("_"):
                continue
            if name.endswith(("_table", "_tables")):
                continue
            first = inspect.cleandoc(function.__doc__ or "").split("\n\n")[0]
            file = f"`quant/{module.__name__.rsplit('.', 1)[1]}.py`"
            lines.append(_row(f"`{name}`", file, _plain(first)))
    return lines


def _worst(found: NDArray[np.int64], form: Format, exact: NDArray[np.float64]) -> str:
    """The greatest difference, in units of the result's last bit and as a number."""
    worst = float(np.abs(found * form.lsb - exact).max())
    return f"{worst:.2g} ({worst / form.lsb:.3g} of its last bit)"


def _tables() -> list[str]:
    x = np.arange(PREACTIVATION.minimum, PREACTIVATION.maximum + 1)
    real = x * PREACTIVATION.lsb
    totals = np.arange(1 << 20, 1 << 21, 37)
    distances = np.arange(1 << 14)
    rows = (
        (
            "tanh",
            f"{len(tables.tanh_table()):,} words of {ACTIVATION.bits - 1} bits",
            "all inputs",
            _worst(operators.tanh(x), ACTIVATION, np.tanh(real)),
        ),
        (
            "sigmoid",
            "the table of tanh, at half the argument",
            "all inputs",
            _worst(operators.sigmoid(x), ACTIVATION, 1 / (1 + np.exp(-real))),
        ),
        (
            "Gumbel noise",
            f"{len(tables.gumbel_table()):,} words of {GUMBEL.bits} bits",
            f"{_gumbel_ends()} are its ends",
            "-",
        ),
        (
            "exp(-d)",
            f"{len(surprisal.exp_high_table())} words of {EXP_HIGH.bits} bits and "
            f"{len(surprisal.exp_low_table())} of {EXP_LOW.bits}",
            "all distances below 16",
            _worst(
                surprisal.exponential(distances),
                surprisal.TERM,
                np.exp(-distances * surprisal.DISTANCE.lsb),
            ),
        ),
        (
            "log2",
            f"{len(surprisal.log_tables()[0])} lines: {LOG_BASE.bits} and {LOG_SLOPE.bits} bits",
            "totals from 1 to 2, every 37th",
            _worst(surprisal.logarithm(totals), SUMMAND, np.log2(totals * surprisal.TOTAL.lsb)),
        ),
    )
    lines = ["", "## Tables", *_head("function", "table", "over", "greatest error")]
    return [*lines, *(_row(*row) for row in rows)]


def _gumbel_ends() -> str:
    values = tables.gumbel_table() * GUMBEL.lsb
    return f"{values.min():.3f} and {values.max():.3f}"


def render_markdown() -> str:
    """docs/formats.md."""
    return "\n".join([_INTRODUCTION.rstrip(), *_formats(), *_operators(), *_tables()]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render_markdown())
