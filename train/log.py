"""The log of a run: a CSV file with a line an epoch, which is whole after each of them.

A run that is resumed goes on in its own log: lines of epochs that are trained again are replaced.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import write_whole
from zynq_lstm.train.progress import Progress

COLUMNS = ("epoch", "training_nats", "validation_nats", "best_nats", "characters_per_second")


@dataclass(frozen=True)
class Line:
    """One epoch.

    Attributes
    ----------
    epoch : int
        From 1.
    training_nats : float
        Mean training loss, with dropout.
    validation_nats, best_nats : float or None
        Validation loss after the epoch, and the lowest so far; None where there was none.
    characters_per_second : float
    """

    epoch: int
    training_nats: float
    validation_nats: float | None
    best_nats: float | None
    characters_per_second: float


class Log:
    """The log of one run.

    Parameters
    ----------
    path : Path
        CSV file.
    resume : bool
        Go on with the lines of the file, if there is one.

    Raises
    ------
    UserError
        When such a file is not a log.
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self._path = path
        self.lines = read_log(path) if resume and path.exists() else []

    def add(self, now: Progress) -> None:
        """Take note of a report; those within an epoch are left out.

        Raises
        ------
        UserError
            When the file cannot be written.
        """
        if now.step < now.steps:
            return
        self.lines = [line for line in self.lines if line.epoch < now.epoch]
        self.lines.append(
            Line(
                now.epoch,
                now.training_nats,
                now.validation_nats if now.validated else None,
                now.best_nats,
                round(now.characters_per_second, 1),
            )
        )
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([getattr(line, name) for name in COLUMNS] for line in self.lines)
        write_whole(self._path, text.getvalue())


def read_log(path: Path) -> list[Line]:
    """Read a log.

    Raises
    ------
    UserError
        When it cannot be read or is not one.
    """
    try:
        head, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
        if tuple(head) != COLUMNS:
            raise ValueError
        return [
            Line(int(epoch), float(training), _number(validation), _number(best), float(rate))
            for epoch, training, validation, best, rate in rows
        ]
    except OSError as error:
        raise UserError(f"Log {path} must be a readable file: {error.strerror}") from None
    except ValueError:
        raise UserError(
            f"Log {path} must be one that training wrote, but it is something else; "
            "choose another path"
        ) from None


def _number(text: str) -> float | None:
    return float(text) if text else None
