"""Where the commands write: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from zynq_lstm.cli.ending import unwritable_output
from zynq_lstm.quant.errors import UserError


@contextmanager
def _standard_output() -> Iterator[None]:
    """Say of an error that it is standard output's; a reader that went away is none."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(unwritable_output(error)) from None


class _Results(Console):
    def print(self, *objects: Any, **options: Any) -> None:
        with _standard_output():
            super().print(*objects, **options)


results = _Results(highlight=False, markup=False, soft_wrap=True)
status = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def say(message: str) -> None:
    """Tell the person at the terminal what is being done."""
    status.print(message)


def counted(number: int, unit: str) -> str:
    """Return a number of things with their name, as one says it."""
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"


def write(text: str) -> None:
    """Write generated text to standard output at once, exactly as it is."""
    with _standard_output():
        sys.stdout.write(text)
        sys.stdout.flush()


def write_json(values: Mapping[str, object]) -> None:
    """Write one JSON object to standard output."""
    write(json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def write_table(rows: Sequence[tuple[str, str]]) -> None:
    """Write names and values below each other to standard output."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        results.print(f"{name:{width}}  {value}")


def write_columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table to standard output: the first column to the left, the others to the right."""
    lines = [heads, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        cells = [f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        results.print("  ".join([f"{first:{widths[0]}}", *cells]).rstrip())


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """Give a function that tells the step of a long work: one line that changes, or a log's lines.

    On a terminal the line goes away at the end.
    """
    if not status.is_terminal:
        yield say
        return
    with status.status("") as line:
        yield lambda step: line.update(escape(step))


def progress_bar() -> Progress:
    """Return a bar for standard error, with a field ``note``, which goes away at its end."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=status,
        transient=True,
        disable=not status.is_terminal,
    )
