"""The training loop: truncated backpropagation through time with the state carried along.

Each epoch begins at other places of the text with a zero state and a generator seeded from the
run's seed and the epoch's number. A run that is resumed after an epoch therefore needs the
weights, their moving average and the optimizer's moments, and then goes on exactly as the
uninterrupted one would have.
"""

from __future__ import annotations

import copy
import dataclasses
import math
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import write_whole
from zynq_lstm.quant.vocabulary import BYTES
from zynq_lstm.train.averaging import follow
from zynq_lstm.train.checkpoint import check_output, checkpoint_of, read_state, write_state
from zynq_lstm.train.corpus import (
    Corpus,
    epoch_chunks,
    load_corpus,
    unseen_symbols,
    updates_per_epoch,
)
from zynq_lstm.train.defaults import settings_for
from zynq_lstm.train.evaluation import cross_entropy
from zynq_lstm.train.finetuning import begin_from, settings_from
from zynq_lstm.train.network import Network
from zynq_lstm.train.progress import Beginning, Progress, TrainingResult, bits
from zynq_lstm.train.quantized_network import QuantizedNetwork
from zynq_lstm.train.saving import Saving
from zynq_lstm.train.schedule import learning_rate
from zynq_lstm.train.settings import TrainingSettings, Value
from zynq_lstm.train.text import extended, read_file

Trained = Network | QuantizedNetwork
ADAM_BETAS = (0.9, 0.99)
STEPS_BETWEEN_REPORTS = 20
MOST_VALIDATED = 1 << 18
"""Symbols of the validation text, from its beginning, that choose the checkpoint: they are read one
by one, which would take longer than an epoch's training if a text of 50 MB had all of them read."""


def train(
    text_path: Path,
    output: Path,
    settings: TrainingSettings | Mapping[str, Value],
    *,
    start: Path | None = None,
    resume: bool = False,
    begin: Callable[[Beginning], None] | None = None,
    report: Callable[[Progress], None] | None = None,
    warn: Callable[[str], None] | None = None,
) -> TrainingResult:
    """Train a character model on a text file and write its best checkpoint.

    The checkpoint is written after each validation that is the best so far. Beside it a state
    file, named like it with ``.resume`` added, is written after each epoch and removed at the end.
    Ctrl-C ends the run early: the best checkpoint so far stays, and the result says so.

    Where a file cannot be written the run goes on, and tries again after each epoch. A checkpoint
    that cannot be written at the end either is left where temporary files are, as the error says.

    PyTorch gets one thread, unless the environment's ``OMP_NUM_THREADS`` says otherwise: a step's
    matrices are small, so that threads wait for each other more than they compute on a machine
    that has other work, and runs on one thread repeat each other exactly.

    Parameters
    ----------
    text_path : Path
        UTF-8 text; any file, where symbols are bytes.
    output : Path
        Checkpoint to write.
    settings : TrainingSettings or mapping
        The settings; or, by name, those that are not to follow from the text (`defaults`).
    start : Path, optional
        Checkpoint to begin from. It gives layers, units and the first symbols. Training with
        quantized weights needs one.
    resume : bool
        Continue the run whose state file lies beside the output, with its settings where none are
        given.
    begin : callable, optional
        Called once, before the first update.
    report : callable, optional
        Called with the progress every few updates and at the end of each epoch.
    warn : callable, optional
        Called with a sentence on symbols that nobody sees in the text, and when a file cannot be
        written for now.

    Returns
    -------
    TrainingResult
        Where the checkpoint is and how good it is.

    Raises
    ------
    UserError
        If the text, the output folder or the state file cannot be used, or the checkpoint could not
        be written until the end.
    KeyboardInterrupt
        If the run is interrupted before its first checkpoint; with a word on the state file, if
        there is one.
    """
    text_path, output = Path(text_path), Path(output)
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
    check_output(output)
    origin, before = {}, None
    given = settings.to_dict() if isinstance(settings, TrainingSettings) else settings
    if resume:
        given = {**_settings_of(read_state(_resume_file(output))), **given}
    if start is None:
        if given.get("weight_bits") is not None:
            raise UserError(
                "Training with quantized weights must begin from a trained checkpoint; "
                "name one with --from"
            )
        corpus = load_corpus(text_path, BYTES if given.get("symbols") == "bytes" else None)
        settings = settings_for(len(corpus.training), len(corpus.vocabulary), given)
        network: Trained = _new(corpus, settings)
    else:
        model = load_checkpoint(start)
        before = model.vocabulary
        corpus = load_corpus(text_path, extended(before, text_path))
        settings = settings_for(
            len(corpus.training), len(corpus.vocabulary), given, fine_tuning=True
        )
        settings = settings_from(model, settings, corpus.vocabulary)
        network = _new(corpus, settings)
        begin_from(network, model)
        origin = {"start_sha256": read_file(Path(start))[1]}
    if settings.weight_bits is not None:
        network = QuantizedNetwork(network.tensors(), settings)
    run = _Run(corpus, network, origin, output, settings, report, warn)
    if resume:
        run.restore()
    if warn is not None:
        for sentence in unseen_symbols(corpus, before, text_path):
            warn(sentence)
    if begin is not None:
        vocabulary = corpus.vocabulary
        counts = len(corpus.training), corpus.different, len(vocabulary)
        begin(Beginning(settings, *counts, vocabulary.unit, run.steps))
    return run.finish()


def _resume_file(output: Path) -> Path:
    return output.with_name(output.name + ".resume")


def _settings_of(state: Mapping[str, object]) -> dict[str, Value]:
    """Settings of the run that a state is of."""
    identity = state.get("identity", {})
    names = (field.name for field in dataclasses.fields(TrainingSettings))
    return {name: identity[name] for name in names if name in identity}


def _new(corpus: Corpus, settings: TrainingSettings) -> Network:
    generator = torch.Generator().manual_seed(settings.seed)
    return Network(len(corpus.vocabulary), settings, generator)


class _Run:
    """One run: its weights, its optimizer and where it stands."""

    def __init__(
        self,
        corpus: Corpus,
        network: Trained,
        origin: dict[str, str],
        output: Path,
        settings: TrainingSettings,
        report: Callable[[Progress], None] | None,
        warn: Callable[[str], None] | None,
    ):
        self._corpus, self._output, self._settings = corpus, output, settings
        self._origin = origin
        self._report = report or (lambda progress: None)
        self._checkpoint = Saving(warn or (lambda sentence: None))
        self._resume = Saving(warn or (lambda sentence: None))
        self._resume_file = _resume_file(output)
        self._resume_epoch = 0
        self.steps = updates_per_epoch(corpus.training, settings)
        self._validated = corpus.validation[:MOST_VALIDATED]
        self._network = network
        self._average = copy.deepcopy(network).requires_grad_(False)
        decayed, rest = self._network.decayed()
        self._optimizer = torch.optim.AdamW(
            [{"params": decayed}, {"params": rest, "weight_decay": 0.0}],
            betas=ADAM_BETAS,
            weight_decay=settings.weight_decay,
        )
        self._epoch, self._begun_epoch = 0, 0
        self._seconds, self._begun = 0.0, 0.0
        self._validation: float | None = None
        self._best: float | None = None
        self._content = b""
        self._best_epoch, self._written_epoch = 0, 0

    def finish(self) -> TrainingResult:
        self._begun, self._begun_epoch = time.monotonic(), self._epoch
        earlier = self._seconds
        interrupted = False
        try:
            while self._goes_on():
                training = self._train_epoch()
                self._epoch += 1
                self._seconds = earlier + time.monotonic() - self._begun
                last = self._epoch == self._settings.epochs
                validated = last or self._epoch % self._settings.validate_every == 0
                if validated:
                    self._validate()
                self._tell(self._epoch, self.steps, training, validated=validated)
                self._save()
        except KeyboardInterrupt as interrupt:
            if self._best is None:
                if self._resume_epoch:
                    state = f"{self._resume_file} holds the run's state; go on with --resume"
                    interrupt.args = (state,)
                raise
            interrupted = True
        finally:
            self._finish_checkpoint()
        resumable = interrupted and self._resume_epoch > 0
        if not interrupted:
            self._resume_file.unlink(missing_ok=True)
        return TrainingResult(
            output=self._output,
            unit=self._corpus.vocabulary.unit,
            validation_nats=self._best,
            best_epoch=self._best_epoch,
            epochs=self._epoch,
            seconds=self._seconds,
            interrupted=interrupted,
            resume_file=self._resume_file if resumable else None,
        )

    def _goes_on(self) -> bool:
        patience = self._settings.patience * self._settings.validate_every
        if patience and self._best is not None and self._epoch - self._best_epoch >= patience:
            return False
        return self._epoch < self._settings.epochs

    def _save(self) -> None:
        """Write what is new; a state never goes on from a checkpoint that is not there."""
        self._checkpoint.retry()
        if self._checkpoint.waiting or not self._goes_on():
            return
        self._resume.save(lambda: write_state(self._resume_file, self._state()))
        if not self._resume.waiting:
            self._resume_epoch = self._epoch

    def _finish_checkpoint(self) -> None:
        """Write the best checkpoint if it still waits, at need to another place."""
        try:
            self._checkpoint.finish()
        except UserError as error:
            raise UserError(f"{error}. {self._rescue()}") from None

    def _rescue(self) -> str:
        """Leave the best checkpoint where there is room for it; say what there is."""
        try:
            folder = tempfile.mkdtemp(prefix="zynq-lstm.")
            try:
                name = os.path.join(folder, self._output.name)
                write_whole(name, self._content)
            except UserError:
                os.rmdir(folder)
                raise
        except (OSError, UserError):
            if self._resume_epoch:
                return (
                    f"{self._resume_file} holds the run as it was after epoch {self._resume_epoch};"
                    " go on with --resume when there is room"
                )
            if self._written_epoch:
                return f"It still holds the weights of epoch {self._written_epoch}"
            return "The run is lost, for temporary files have no room either"
        return f"The checkpoint of epoch {self._best_epoch} is in {name}; move it from there"

    def _train_epoch(self) -> float:
        settings = self._settings
        generator = torch.Generator().manual_seed((settings.seed << 20) + self._epoch + 1)
        state = self._network.initial_state(settings.streams)
        chunks = epoch_chunks(self._corpus.training, settings, generator)
        total = torch.zeros(())
        updates = settings.epochs * self.steps
        for step, (symbols, targets) in enumerate(chunks):
            update = self._epoch * self.steps + step
            rate = learning_rate(update, updates, settings.learning_rate, settings.warmup)
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            logits, state = self._network(symbols, state, generator)
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
            self._optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._network.parameters(), settings.clip)
            self._optimizer.step()
            follow(self._average, self._network, update, settings.averaging)
            total += loss.detach()
            if (step + 1) % STEPS_BETWEEN_REPORTS == 0 and step + 1 < self.steps:
                self._tell(self._epoch + 1, step + 1, total.item() / (step + 1))
        return self._finite("Training", total.item() / self.steps, self._epoch + 1)

    def _finite(self, what: str, loss: float, epoch: int) -> float:
        if not math.isfinite(loss):
            raise UserError(
                f"{what} loss must stay finite, but it was {loss} in epoch {epoch}; "
                "choose a lower learning rate or a smaller gradient clip"
            )
        return loss

    def _validate(self) -> None:
        loss = cross_entropy(self._average, self._validated)
        self._validation = self._finite("Validation", loss, self._epoch)
        if self._best is not None and self._validation >= self._best:
            return
        self._best, self._best_epoch = self._validation, self._epoch
        self._content = checkpoint_of(
            self._average.tensors(),
            self._corpus.vocabulary,
            self._identity(),
            {
                "validation_nats": self._best,
                "validation_bpc": bits(self._best),
                "validation_characters": len(self._validated) - 1,
                "epochs": self._epoch,
                "best_epoch": self._best_epoch,
                "seconds": round(self._seconds, 1),
            },
        )
        self._checkpoint.save(self._write_checkpoint)

    def _write_checkpoint(self) -> None:
        write_whole(self._output, self._content)
        self._written_epoch = self._best_epoch

    def _tell(self, epoch: int, step: int, training: float, *, validated: bool = False) -> None:
        settings = self._settings
        done = (epoch - 1) * self.steps + step
        passed = time.monotonic() - self._begun
        per_step = passed / (done - self._begun_epoch * self.steps)
        self._report(
            Progress(
                unit=self._corpus.vocabulary.unit,
                epoch=epoch,
                epochs=settings.epochs,
                step=step,
                steps=self.steps,
                training_nats=training,
                validation_nats=self._validation,
                best_nats=self._best,
                characters_per_second=settings.streams * settings.unroll / per_step,
                seconds_left=per_step * (settings.epochs * self.steps - done),
                validated=validated,
            )
        )

    def _identity(self) -> dict[str, object]:
        return {**self._origin, **self._settings.to_dict(), **self._corpus.describe()}

    def _state(self) -> dict[str, object]:
        return {
            "identity": self._identity(),
            "network": self._network.state_dict(),
            "average": self._average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "epoch": self._epoch,
            "seconds": self._seconds,
            "validation": self._validation,
            "best": self._best,
            "best_epoch": self._best_epoch,
        }

    def restore(self) -> None:
        state = read_state(self._resume_file)
        own, found = self._identity(), state.get("identity", {})
        for name in {**found, **own}:
            now, then = own.get(name), found.get(name)
            if now != then:
                raise UserError(
                    f"Resuming needs the text and settings of the interrupted run, but {name} is "
                    f"{now} now and was {then}; restore it or train without resuming"
                )
        self._network.load_state_dict(state["network"])
        self._average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._epoch, self._seconds = state["epoch"], state["seconds"]
        self._validation, self._best = state["validation"], state["best"]
        self._best_epoch = self._written_epoch = state["best_epoch"]
        self._resume_epoch = self._epoch
