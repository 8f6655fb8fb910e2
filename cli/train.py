"""`zynq-lstm train`: from a text file to a float checkpoint, with PyTorch."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zynq_lstm.cli.console import counted, progress_bar, say, status
from zynq_lstm.cli.files import check_model_file, check_output_file
from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import write_whole
from zynq_lstm.quant.vocabulary import BYTES
from zynq_lstm.train.defaults import CHOSEN, FOLLOWING
from zynq_lstm.train.log import Log
from zynq_lstm.train.saving import Saving
from zynq_lstm.train.settings import FINE_TUNING, TrainingSettings
from zynq_lstm.train.text import check_text

if TYPE_CHECKING:
    from zynq_lstm.train.progress import Beginning, Progress

DEFAULTS = TrainingSettings()
MODEL, LEARNING, QUANTIZATION = "Model", "Learning", "Quantization"


def _default(name: str) -> str:
    """What help says of a setting's default."""
    if name in FOLLOWING:
        return "follows the text"
    first, then = (getattr(settings, name) for settings in (DEFAULTS, FINE_TUNING))
    return f"{first}" if first == then else f"{first}; {then} with --from"


def train(
    text: Annotated[Path, typer.Argument(metavar="TEXT", help="Text file, UTF-8; for bytes, any.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="MODEL", help="Checkpoint to write (.safetensors)."),
    ],
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the interrupted run of the same output, and with its settings.",
        ),
    ] = False,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Go on from this checkpoint (.safetensors), also on a text with more symbols; it "
            "gives layers and hidden units.",
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the losses of each epoch as CSV."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw them at the end (.png); needs --log."),
    ] = None,
    layers: Annotated[
        int | None,
        typer.Option(
            help="LSTM layers, 1 or 2.", rich_help_panel=MODEL, show_default=_default("layers")
        ),
    ] = None,
    hidden: Annotated[
        int | None,
        typer.Option(
            help="Hidden units of each layer, 8 to 128.",
            rich_help_panel=MODEL,
            show_default=_default("hidden"),
        ),
    ] = None,
    embedding: Annotated[
        int | None,
        typer.Option(
            help="Width of the symbol embedding; the accelerator does not see it.",
            rich_help_panel=MODEL,
            show_default=_default("embedding"),
        ),
    ] = None,
    symbols: Annotated[
        str | None,
        typer.Option(
            metavar="characters|bytes",
            help="What the model reads and writes: the text's characters, or bytes of any file.",
            rich_help_panel=MODEL,
            show_default=_default("symbols"),
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Passes over the training text, or over parts of it.",
            rich_help_panel=LEARNING,
            show_default=_default("epochs"),
        ),
    ] = None,
    epoch_symbols: Annotated[
        int | None,
        typer.Option(
            help="Most symbols that an epoch reads; of a longer text it reads a part.",
            rich_help_panel=LEARNING,
            show_default=_default("epoch_symbols"),
        ),
    ] = None,
    streams: Annotated[
        int | None,
        typer.Option(
            help="Places read at the same time.",
            rich_help_panel=LEARNING,
            show_default=_default("streams"),
        ),
    ] = None,
    unroll: Annotated[
        int | None,
        typer.Option(
            help="Characters between two updates.",
            rich_help_panel=LEARNING,
            show_default=_default("unroll"),
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Highest learning rate.",
            rich_help_panel=LEARNING,
            show_default=_default("learning_rate"),
        ),
    ] = None,
    warmup: Annotated[
        int | None,
        typer.Option(
            help="Updates until it is reached, at most a tenth of the run's.",
            rich_help_panel=LEARNING,
            show_default=_default("warmup"),
        ),
    ] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option(
            help="Decoupled decay of the matrices.",
            rich_help_panel=LEARNING,
            show_default=_default("weight_decay"),
        ),
    ] = None,
    clip: Annotated[
        float | None,
        typer.Option(
            help="Largest norm of the gradient.",
            rich_help_panel=LEARNING,
            show_default=_default("clip"),
        ),
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(
            help="Share of units left out.",
            rich_help_panel=LEARNING,
            show_default=_default("dropout"),
        ),
    ] = None,
    recurrent_dropout: Annotated[
        float | None,
        typer.Option(
            help="Share of recurrent weights left out.",
            rich_help_panel=LEARNING,
            show_default=_default("recurrent_dropout"),
        ),
    ] = None,
    averaging: Annotated[
        float | None,
        typer.Option(
            help="Decay of the weights' moving average.",
            rich_help_panel=LEARNING,
            show_default=_default("averaging"),
        ),
    ] = None,
    validate_every: Annotated[
        int | None,
        typer.Option(
            help="Epochs between validations.",
            rich_help_panel=LEARNING,
            show_default=_default("validate_every"),
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            help="Validations without a better one until it ends early; 0 for never.",
            rich_help_panel=LEARNING,
            show_default=_default("patience"),
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="bfloat16|float32",
            help="Number format of the training steps.",
            rich_help_panel=LEARNING,
            show_default=_default("precision"),
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Seed of everything random.",
            rich_help_panel=LEARNING,
            show_default=_default("seed"),
        ),
    ] = None,
    weight_bits: Annotated[
        int | None,
        typer.Option(
            metavar="8|4",
            help="Train for the accelerator's own arithmetic, with weights of so many bits; needs "
            "--from.",
            show_default="float",
            rich_help_panel=QUANTIZATION,
        ),
    ] = None,
    output_bits: Annotated[
        int | None,
        typer.Option(
            metavar="8|4",
            help="Bits of the output layer's weights, if others have 4.",
            show_default=_default("output_bits"),
            rich_help_panel=QUANTIZATION,
        ),
    ] = None,
) -> None:
    """Train a model on a text file.

    Settings that no option gives follow from the length of the text, from 50 KB to 50 MB; they are
    told at the start.

    The first 90 % of the text are learned from, the next 5 % choose the checkpoint, and the last
    5 % are left for zynq-lstm score. Ctrl-C keeps the best checkpoint so far; --resume goes on.
    With --weight-bits training computes in the accelerator's integers (quantization-aware
    training), so that the checkpoint loses nothing more on its way into an image.
    """
    given = {
        "layers": layers,
        "hidden": hidden,
        "embedding": embedding,
        "symbols": symbols,
        "epochs": epochs,
        "epoch_symbols": epoch_symbols,
        "streams": streams,
        "unroll": unroll,
        "learning_rate": learning_rate,
        "warmup": warmup,
        "weight_decay": weight_decay,
        "clip": clip,
        "dropout": dropout,
        "recurrent_dropout": recurrent_dropout,
        "averaging": averaging,
        "validate_every": validate_every,
        "patience": patience,
        "precision": precision,
        "seed": seed,
        "weight_bits": weight_bits,
        "output_bits": output_bits,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    replace(DEFAULTS if start is None else FINE_TUNING, **changes)  # Refuses before it reads.
    if plot is not None and log is None:
        raise UserError(f"Plot {plot} must have a log to be drawn from; add --log FILE")
    if plot is not None and plot.suffix != ".png":
        raise UserError(f"Plot must have the ending .png; {plot} does not")
    written = [path for path in (output, log, plot) if path is not None]
    if len({os.path.realpath(path) for path in written}) < len(written):
        raise UserError(f"Output {output}, log and plot must be different files; rename one")
    check_model_file(output, source=text, ending=".safetensors")
    for path in written:
        for source in (text, start):
            check_output_file(path, source=source)
    if start is not None:
        check_text(text, load_checkpoint(start).vocabulary)
    elif not resume:  # That knows whether symbols are bytes.
        check_text(text, BYTES if symbols == "bytes" else None)
    lines = None if log is None else Log(log, resume=resume)
    if plot is not None:
        from zynq_lstm.cli.reporting.curves import curves
        from zynq_lstm.cli.reporting.style import png
    from zynq_lstm.train.trainer import train as run

    def warn(sentence: str) -> None:
        say(f"Note: {sentence}")

    saving = Saving(warn)
    with progress_bar() as bar:
        task = bar.add_task("Training", total=None, note="")

        def begin(run: Beginning) -> None:
            say(_plan(text, run))
            bar.update(task, total=run.settings.epochs)

        def report(now: Progress) -> None:
            if not bar.tasks[task].completed and now.seconds_left:
                say(_duration(now))
            done = now.epoch - 1 + now.step / now.steps
            bar.update(task, completed=done, note=_note(now))
            if lines is not None and now.step == now.steps:
                saving.save(partial(lines.add, now))
            if now.step == now.steps and not status.is_terminal:
                say(_note(now))  # A log file gets a line an epoch instead of the bar.

        result = run(
            text,
            output,
            changes,
            start=start,
            resume=resume,
            begin=begin,
            report=report,
            warn=warn,
        )
    ended = "interrupted" if result.interrupted else "done"
    if ended == "done" and result.epochs < bar.tasks[task].total:
        ended = "out of patience"
    say(
        f"{output}: {result.validation_nats:.4f} nats ({result.validation_bpc:.4f} bits) a "
        f"{result.unit} on the validation text after epoch {result.best_epoch}; {ended} after "
        f"{counted(result.epochs, 'epoch')} and {_time(result.seconds)}"
    )
    if result.resume_file is not None:
        say(f"{result.resume_file}: the run's state; go on with --resume")
    saving.finish()
    if plot is not None and lines is not None:
        write_whole(plot, png(curves(lines.lines)))
    if result.resume_file is not None:
        raise typer.Exit(130)


def _plan(text: Path, run: Beginning) -> str:
    used = run.in_effect()
    chosen = [f"{name.replace('_', ' ')} {getattr(used, name)}" for name in CHOSEN]
    if not used.patience:
        chosen[CHOSEN.index("patience")] = "no early end"
    different = f"{run.different} different ones"
    if run.vocabulary != run.different:
        different += f" of the model's {run.vocabulary}"
    return (
        f"{text}: {run.symbols:,} {run.unit}s to learn from, {different}\n"
        f"Settings: {', '.join(chosen)}"
    )


def _duration(now: Progress) -> str:
    time = _time(now.seconds_left)
    return f"About {time} to go, at {now.characters_per_second:,.0f} {now.unit}s/s"


def _time(seconds: float) -> str:
    if seconds < 90:
        return counted(max(1, round(seconds)), "second")
    return f"{seconds / 60:.0f} minutes"


def _note(now: Progress) -> str:
    parts = [f"epoch {now.epoch}/{now.epochs}", f"training {now.training_nats:.4f}"]
    if now.validation_nats is not None and now.best_nats is not None:
        parts.append(f"validation {now.validation_nats:.4f} (best {now.best_nats:.4f})")
    parts.append(f"{now.characters_per_second:,.0f} {now.unit}s/s")
    return ", ".join(parts)
