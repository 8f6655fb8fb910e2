"""`zynq-lstm bitstream`: a board's Vivado build, and its bitstream where there is a Vivado."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from zynq_lstm.boards.definitions import BOARDS, find_board
from zynq_lstm.boards.vivado import (
    BITSTREAM,
    FAILURE,
    LOG,
    RESULTS,
    SCRIPT,
    STEP,
    VERILOG,
    plain_texts,
    vivado_command,
    write_build,
)
from zynq_lstm.cli.console import say, steps, write
from zynq_lstm.cli.emitted import written_aside
from zynq_lstm.cli.files import check_output_folder
from zynq_lstm.cli.folder import record_of
from zynq_lstm.cli.options import (
    DspPairsOption,
    HiddenOption,
    LayersOption,
    MultipliersOption,
    SymbolsOption,
    chosen_config,
)
from zynq_lstm.quant.errors import UserError


def bitstream(
    board: Annotated[
        str,
        typer.Option(metavar="BOARD", help=f"Board to build it for: {', '.join(BOARDS)}."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write into.")
    ],
    hidden: HiddenOption = None,
    layers: LayersOption = None,
    symbols: SymbolsOption = None,
    multipliers: MultipliersOption = None,
    dsp_pairs: DspPairsOption = None,
    run: Annotated[bool, typer.Option(help="Run Vivado, if it is on the PATH.")] = True,
    jobs: Annotated[int, typer.Option(min=1, help="Runs that Vivado may have at a time.")] = 4,
) -> None:
    """Write a board's Vivado build, and run it where Vivado is installed (an hour or so).

    The result is a bitstream and its hardware hand-off, side by side, with reports of timing and
    use. It stops with an error when the timing is not met.
    """
    target = find_board(board)
    config = chosen_config(None, hidden, layers, symbols, multipliers, dsp_pairs)
    check_output_folder(output)
    from zynq_lstm.hw.verilog import write_verilog

    known: dict[str, bytes | None] = {SCRIPT: None}
    known |= {name: text.encode() for name, text in plain_texts(target, config.describe()).items()}
    with written_aside(output, "bitstream", known) as aside:
        verilog = write_verilog(config, aside / VERILOG)
        written = write_build(target, aside, verilog, config.describe())
    for name in (*(path.name for path in written), f"{VERILOG}/", record_of("bitstream")):
        say(f"  {output}/{name}")
    say(f"{target.title}, {config.describe()}: {output} is ready for Vivado")
    if not run:
        return
    vivado = shutil.which("vivado")
    if vivado is None:
        say(f"Vivado was not run: it is not on the PATH. Where it is, run make in {output}")
        return
    _run_vivado([vivado, *vivado_command(jobs)[1:]], output)
    for name in RESULTS:
        write(f"{output / name}\n")


def _run_vivado(command: list[str], folder: Path) -> None:
    """Run the build, tell its steps, and see that it left its results."""
    error = ""
    with (
        steps() as tell,
        subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith(FAILURE):
                    error = line.removeprefix(FAILURE).strip()
                elif line.startswith(STEP):
                    tell(line.removeprefix(STEP).strip())
                elif line.startswith("ERROR:"):
                    error = error or line.removeprefix("ERROR:").strip()
        except BaseException:
            process.terminate()
            raise
        status = process.wait()
    if status:
        raise UserError(
            f"Vivado must finish, but it ended with status {status}"
            f"{': ' + error if error else ''}; see {folder / LOG}"
        )
    missing = [name for name in RESULTS if not (folder / name).is_file()]
    if missing:
        raise UserError(
            f"Vivado must write {BITSTREAM} and what belongs to it, but {', '.join(missing)} "
            f"is missing; see {folder / LOG}"
        )
