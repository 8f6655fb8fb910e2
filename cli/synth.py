"""`zynq-lstm synth`: the accelerator's resources and timing structure, from Yosys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from zynq_lstm.cli.console import say, steps, write_json, write_table
from zynq_lstm.cli.emitted import contents, write_and_tell
from zynq_lstm.cli.files import check_output_folder, check_picture
from zynq_lstm.cli.folder import check_own
from zynq_lstm.cli.options import (
    DspPairsOption,
    HiddenOption,
    JsonOption,
    LayersOption,
    MultipliersOption,
    SymbolsOption,
    chosen_config,
)
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import temporary_folder, write_whole

COMMAND = "synth"
"""Whose the files are that are kept."""


def synth(
    hidden: HiddenOption = None,
    layers: LayersOption = None,
    symbols: SymbolsOption = None,
    multipliers: MultipliersOption = None,
    dsp_pairs: DspPairsOption = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Leave the Verilog, Yosys' log and the netlist here, also what an interrupted run "
            "has of them.",
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Draw each block's share of the chip (.svg or .png; matplotlib)."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Synthesize the accelerator for the XC7Z020 with Yosys (about a minute).

    Shows what the whole accelerator takes up and whether it is built for speed: loads of a net,
    logic between registers, registers of multipliers and weight memories. Exit status 1 when a
    rule is broken.
    """
    config = chosen_config(None, hidden, layers, symbols, multipliers, dsp_pairs)
    if keep is not None:
        check_output_folder(keep)
    if picture is not None:
        check_picture(picture)
    from zynq_lstm.hw import mapping

    mapping.require_yosys()
    if keep is not None:
        check_own(keep, dict.fromkeys(mapping.KEPT), COMMAND)
    from zynq_lstm.hw.synthesis import synthesize
    from zynq_lstm.hw.verilog import TOP, write_verilog

    with steps() as tell, temporary_folder() as folder:
        tell(f"Writing the Verilog of {config.describe()}")
        verilog = write_verilog(config, folder)
        try:
            report = synthesize(verilog, TOP, report=tell, keep=None if keep is None else folder)
        except BaseException:  # Its log is what one wants then.
            if keep is not None:
                write_and_tell(keep, contents(folder), COMMAND)
            raise
        kept = {} if keep is None else contents(folder)
    values: dict[str, Any] = {"config": config.to_dict(), **report.to_json()}
    if as_json:
        write_json(values)
    else:
        write_table(_rows(values))
    if keep is not None:
        write_and_tell(keep, kept, COMMAND)
    if picture is not None:
        _draw(values, picture)
    for note in report.notes:
        say(f"Note: {note}")
    broken = len(report.violations)
    for violation in report.violations:
        say(f"Broken: {violation}")
    if broken:
        raise UserError(f"Netlist must break no rule, but it breaks the {broken} above")


def _draw(values: dict[str, Any], picture: Path) -> None:
    from zynq_lstm.cli.reporting.resources import draw
    from zynq_lstm.cli.reporting.style import picture_file

    write_whole(picture, picture_file(draw(values), picture.suffix))
    say(f"{picture}: what each block takes of the {values['device']}")


def _rows(values: dict[str, Any]) -> list[tuple[str, str]]:
    share = values["percent"]
    rows = [(kind, f"{values[kind]:,} ({share[kind]} %)") for kind in share]
    carry = values["max_carry_path"]
    return [
        *rows,
        ("most loads of a net", f"{values['max_fanout']} ({values['max_fanout_net']})"),
        ("most LUTs between registers", f"{values['max_logic_levels']}"),
        ("longest carry path", f"{carry['luts']} LUT and {carry['carry4']} CARRY4"),
        ("rules broken", f"{len(values['violations'])}"),
    ]
