"""What a training run tells while it runs and when it has ended."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from zynq_lstm.train.schedule import warmup_updates
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
    different : int
        How many different ones there are in it.
    vocabulary : int
        How many the model has: those of the whole text, of a checkpoint that the run goes on from,
        or the bytes.
    unit : str
        What a symbol is called.
    steps : int
        Updates of an epoch.
    """

    settings: TrainingSettings
    symbols: int
    different: int
    vocabulary: int
    unit: str
    steps: int

    def in_effect(self) -> TrainingSettings:
        """Return the settings with what becomes of them in a run of this length.

        The warm-up, an epoch's symbols and the distance of validations are those of the run, and a
        patience that cannot end it before its last epoch is 0.
        """
        chosen = self.settings
        every = min(chosen.validate_every, chosen.epochs)
        first_end = (1 + chosen.patience) * every
        return replace(
            chosen,
            epoch_symbols=self.steps * chosen.streams * chosen.unroll,
            warmup=warmup_updates(self.steps * chosen.epochs, chosen.warmup),
            validate_every=every,
            patience=chosen.patience if first_end < chosen.epochs else 0,
        )


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes
    ----------
    unit : str
        What a symbol is called.
    epoch, epochs : int
        Current epoch, from 1, and how many there are.
    step, steps : int
        Updates done in this epoch, and how many there are in each. They are equal in one report
        of each epoch, which is made after its validation, if there is one.
    training_nats : float
        Mean training loss of this epoch so far, with dropout, in nats per symbol.
    validation_nats : float or None
        Last validation loss, in nats per symbol; None before the first validation.
    best_nats : float or None
        Lowest validation loss so far.
    characters_per_second : float
        Training speed, in symbols, since the run was started or resumed, validations included.
    seconds_left : float
        Estimate of the time to the end.
    validated : bool
        Whether this report is of an epoch that has just been validated.
    """

    unit: str
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
        """Last validation loss in bits per symbol."""
        return None if self.validation_nats is None else bits(self.validation_nats)


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended.

    Attributes
    ----------
    output : Path
        The checkpoint of the best validation.
    unit : str
        What a symbol is called.
    validation_nats : float
        Its validation loss, in nats per symbol.
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
    unit: str
    validation_nats: float
    best_epoch: int
    epochs: int
    seconds: float
    interrupted: bool
    resume_file: Path | None

    @property
    def validation_bpc(self) -> float:
        """Validation loss in bits per symbol."""
        return bits(self.validation_nats)

    def summary(self) -> str:
        """Say in one or two sentences what the run has left behind."""
        kept = (
            f"{self.output} holds the weights of epoch {self.best_epoch}: validation loss "
            f"{self.validation_nats:.4f} nats ({self.validation_bpc:.4f} bits) per {self.unit}."
        )
        if self.interrupted:
            return f"Training was interrupted after epoch {self.epochs}; resume it to go on. {kept}"
        return kept
