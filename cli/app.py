"""The commands, put together."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from zynq_lstm.cli.bench import bench
from zynq_lstm.cli.bitstream import bitstream
from zynq_lstm.cli.demo import demo
from zynq_lstm.cli.ending import end_interrupted
from zynq_lstm.cli.generate import generate
from zynq_lstm.cli.import_ import import_
from zynq_lstm.cli.info import info
from zynq_lstm.cli.quantize import quantize
from zynq_lstm.cli.report import report
from zynq_lstm.cli.rtl import rtl
from zynq_lstm.cli.score import score
from zynq_lstm.cli.synth import synth
from zynq_lstm.cli.trace import trace
from zynq_lstm.cli.train import train


class _Commands(TyperGroup):
    """The commands, none of which Ctrl-C ends without a word, as Typer would have it."""

    def make_context(self, *arguments: Any, **extra: Any) -> Any:
        try:
            return super().make_context(*arguments, **extra)
        except KeyboardInterrupt as interrupt:
            end_interrupted(interrupt)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            end_interrupted(interrupt)


app = typer.Typer(
    name="zynq-lstm",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

MODELS, ACCELERATOR = "From text to text", "The accelerator"
for command, panel in (
    (demo, MODELS),
    (train, MODELS),
    (import_, MODELS),
    (quantize, MODELS),
    (generate, MODELS),
    (score, MODELS),
    (report, MODELS),
    (info, MODELS),
    (rtl, ACCELERATOR),
    (synth, ACCELERATOR),
    (bench, ACCELERATOR),
    (trace, ACCELERATOR),
    (bitstream, ACCELERATOR),
):
    app.command(command.__name__.rstrip("_"), rich_help_panel=panel)(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"zynq-lstm {version('zynq-lstm')}")
        raise typer.Exit


@app.callback()
def describe(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """A character-level LSTM accelerator for the Zynq-7020.

    Train a model, quantize it to 8 bits, and generate text with it: on the integer model in numpy
    or on the accelerator's own Verilog in simulation.
    """
