"""What a training run tells while it runs and when it has ended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from zynq_lstm.train.settings import TrainingSettings


def bits(nats: float) -> float:
    """Convert nats to bits."""
    return nats / math.log(2)


@dataclass(frozen=True)
class Beginning:
    """What is known before the first update.

    Attributes
    ----------
    settings : TrainingSettings
        The settings, all of them.
    symbols : int
        Symbols of the training text.
    vocabulary : int
        How many different ones there are.
    unit : str
        What a symbol is called.
    """

    settings: TrainingSettings
    symbols: int
    vocabulary: int
    unit: str


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes
    ----------
    epoch, epochs : int
        Current epoch, from 1, and how many there are.
    step, steps : int
        Updates done in this epoch, and how many there are in each. They are equal in one report
        of each epoch, which is made after its validation, if there is one.
    training_nats : float
        Mean training loss of this epoch so far, with dropout, in nats per character.
    validation_nats : float or None
        Last validation loss, in nats per character; None before the first validation.
    best_nats : float or None
        Lowest validation loss so far.
    characters_per_second : float
        Training speed since the run was started or resumed, validations included.
    seconds_left : float
        Estimate of the time to the end.
    validated : bool
        Whether this report is of an epoch that has just been validated.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    training_nats: float
    validation_nats: float | None
    best_nats: float | None
    characters_per_second: float
    seconds_left: float
    validated: bool

    @property
    def validation_bpc(self) -> float | None:
        """Last validation loss in bits per character."""
        return None if self.validation_nats is None else bits(self.validation_nats)


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended.

    Attributes
    ----------
    output : Path
        The checkpoint of the best validation.
    validation_nats : float
        Its validation loss, in nats per character.
    best_epoch, epochs : int
        Epoch that it was made after, and epochs done.
    seconds : float
        Time of the whole run, earlier parts of a resumed one included.
    interrupted : bool
        Whether the run was stopped before its last epoch.
    resume_file : Path or None
        State file to continue from, if the run was interrupted after an epoch.
    """

    output: Path
    validation_nats: float
    best_epoch: int
    epochs: int
    seconds: float
    interrupted: bool
    resume_file: Path | None

    @property
    def validation_bpc(self) -> float:
        """Validation loss in bits per character."""
        return bits(self.validation_nats)

    def summary(self) -> str:
        """Say in one or two sentences what the run has left behind."""
        kept = (
            f"{self.output} holds the weights of epoch {self.best_epoch}: validation loss "
            f"{self.validation_nats:.4f} nats per character ({self.validation_bpc:.4f} bpc)."
        )
        if self.interrupted:
            return f"Training was interrupted after epoch {self.epochs}; resume it to go on. {kept}"
        return kept
