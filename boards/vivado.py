"""The Vivado build of a board: a script, constraints, a Makefile and a description.

The script is in project mode: a block design with a module reference in it needs a project, and
only a project writes the hand-off that belongs to the bitstream. Everything else is as in a build
without one: the script makes the project anew in a folder beside it, asks nothing, and ends with
an error at the first thing that is wrong. The bitstream is written last, after the check of the
timing, so that there is none which does not keep it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from zynq_lstm.boards.definitions import Board
from zynq_lstm.boards.design import (
    ACCELERATOR,
    ACCELERATOR_BASE,
    CLOCK_MHZ,
    DMA,
    DMA_BASE,
    NAME,
    PS,
    STREAM_BITS,
    BlockDesign,
    Cell,
    block_design,
)
from zynq_lstm.quant.files import write_whole

SCRIPT, CONSTRAINTS, MAKEFILE, DESCRIPTION = "build.tcl", f"{NAME}.xdc", "Makefile", "README.md"
VERILOG = "verilog"
"""Folder of the accelerator's Verilog, beside the script."""
BITSTREAM, HANDOFF = f"{NAME}.bit", f"{NAME}.hwh"
TIMING_REPORT, UTILIZATION_REPORT = "timing.rpt", "utilization.rpt"
RESULTS = (BITSTREAM, HANDOFF, TIMING_REPORT, UTILIZATION_REPORT)
LOG = "vivado.log"
STEP = "zynq-lstm: "
"""How the lines begin with which the script says what it does."""
FAILURE = f"{STEP}Error: "
"""How the line begins with which it says why it stops."""


def vivado_command(jobs: int) -> list[str]:
    """Return the command that runs the script, in its folder."""
    options = f"-mode batch -notrace -nojournal -log {LOG} -source {SCRIPT} -tclargs {jobs}"
    return ["vivado", *options.split()]


def write_build(board: Board, folder: Path, verilog: Sequence[Path], described: str) -> list[Path]:
    """Write everything but the Verilog itself.

    Parameters
    ----------
    board : Board
    folder : Path
        Exists.
    verilog : sequence of Path
        The accelerator's files, in the folder `VERILOG` of it.
    described : str
        What the accelerator's sizes are, for the person who reads it.

    Returns
    -------
    list of Path

    Raises
    ------
    UserError
        When the folder cannot be written.
    """
    texts = {
        SCRIPT: script(board, [path.name for path in verilog], described),
        **plain_texts(board, described),
    }
    for name, text in texts.items():
        write_whole(folder / name, text)
    return [folder / name for name in texts]


def plain_texts(board: Board, described: str) -> dict[str, str]:
    """Return, by name, the files that do not depend on the Verilog's."""
    return {
        CONSTRAINTS: constraints(board),
        MAKEFILE: makefile(),
        DESCRIPTION: description(board, described),
    }


def script(board: Board, verilog: Sequence[str], described: str) -> str:
    """Return the script that Vivado runs."""
    design = block_design(board)
    lines = [
        f"# {NAME} on the {board.title}: {described}.",
        "# Run it with: " + " ".join(vivado_command(4)),
        "# The last number is how many runs Vivado may have at a time.",
        *_project(board, verilog),
        *_cells(design),
        *_connections(design),
        *_addresses(design),
        *_validation(),
        *_runs(),
        *_results(),
    ]
    return "\n".join(lines) + "\n"


def _step(text: str) -> list[str]:
    return ["", f"puts {{{STEP}{text}}}"]


def _project(board: Board, verilog: Sequence[str]) -> Iterator[str]:
    yield from (
        "",
        "set here [file dirname [file normalize [info script]]]",
        "set jobs 4",
        "if {[info exists argv] && [llength $argv] > 0} {set jobs [lindex $argv 0]}",
        "",
        "proc refuse {reason} {",
        f'    puts "{FAILURE}$reason"',
        "    error $reason",
        "}",
        "",
        "# Nothing of an earlier build is left to be taken for a result of this one.",
        f"foreach result {{{' '.join(RESULTS)}}} {{",
        "    file delete -force [file join $here $result]",
        "}",
    )
    yield from _step("Making the project")
    yield from (
        f"create_project -force -part {board.part} {NAME} [file join $here project]",
        "set_property target_language Verilog [current_project]",
        "set sources [list]",
        f"foreach name {{{' '.join(verilog)}}} {{",
        f"    lappend sources [file join $here {VERILOG} $name]",
        "}",
        "add_files -norecurse -fileset sources_1 $sources",
        f"add_files -norecurse -fileset constrs_1 [list [file join $here {CONSTRAINTS}]]",
        "update_compile_order -fileset sources_1",
    )


def _cells(design: BlockDesign) -> Iterator[str]:
    yield from _step("Drawing the block design")
    yield "create_bd_design system"
    for cell in design.cells:
        yield from _cell(cell)


def _cell(cell: Cell) -> Iterator[str]:
    if cell.is_module:
        yield f"create_bd_cell -type module -reference {cell.vlnv.split(':')[2]} {cell.name}"
    else:
        yield f"create_bd_cell -type ip -vlnv {cell.vlnv} {cell.name}"
    if cell.parameters:
        yield "set_property -dict [list \\"
        for name, value in cell.parameters.items():
            yield f"    CONFIG.{name} {{{value}}} \\"
        yield f"] [get_bd_cells {cell.name}]"


def _connections(design: BlockDesign) -> Iterator[str]:
    yield ""
    for port, (pin, vlnv) in design.external.items():
        yield f"create_bd_intf_port -mode Master -vlnv {vlnv} {port}"
        yield f"connect_bd_intf_net [get_bd_intf_pins {pin}] [get_bd_intf_ports {port}]"
    for master, slave in design.interfaces:
        yield f"connect_bd_intf_net [get_bd_intf_pins {master}] [get_bd_intf_pins {slave}]"
    for driver, driven in design.nets.items():
        for pin in driven:
            yield f"connect_bd_net [get_bd_pins {driver}] [get_bd_pins {pin}]"


def _addresses(design: BlockDesign) -> Iterator[str]:
    yield ""
    for entry in design.ranges:
        yield f"assign_bd_address -offset 0x{entry.base:08X} -range 0x{entry.size:08X} \\"
        yield f"    -target_address_space [get_bd_addr_spaces {entry.space}] \\"
        yield f"    [get_bd_addr_segs {entry.segment}] -force"


def _validation() -> Iterator[str]:
    yield from (
        "",
        "validate_bd_design",
        "save_bd_design",
        "",
        "# Vivado takes the nearest clock and widths that it can make, and says little.",
        f"set mhz [get_property CONFIG.PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ [get_bd_cells {PS}]]",
        f"if {{abs($mhz - {CLOCK_MHZ:.3f}) > 0.01}} {{",
        f'    refuse "FCLK0 must be {CLOCK_MHZ:.3f} MHz, not $mhz MHz"',
        "}",
        "foreach name {c_m_axis_mm2s_tdata_width c_s_axis_s2mm_tdata_width} {",
        f"    set width [get_property CONFIG.$name [get_bd_cells {DMA}]]",
        f"    if {{$width != {STREAM_BITS}}} {{",
        f'        refuse "$name of the DMA must be {STREAM_BITS}, not $width"',
        "    }",
        "}",
    )


def _runs() -> Iterator[str]:
    yield from _step("Generating the blocks")
    yield from (
        "set design [get_files system.bd]",
        "# Synthesized as a whole: no checkpoint is made with a clock other than the real one.",
        "set_property synth_checkpoint_mode None $design",
        "generate_target all $design",
        "add_files -norecurse -fileset sources_1 [list [make_wrapper -files $design -top]]",
        "set_property top system_wrapper [get_filesets sources_1]",
        "update_compile_order -fileset sources_1",
        "",
        "# Vivado 2020.2 and later write it under .gen, earlier ones under .srcs.",
        "set handoffs [list]",
        "foreach kind {gen srcs} {",
        "    lappend handoffs {*}[glob -nocomplain -directory \\",
        f"        [file join $here project {NAME}.$kind sources_1 bd system hw_handoff] *.hwh]",
        "}",
        "if {[llength $handoffs] != 1} {",
        '    refuse "Vivado must write one hardware hand-off, not [llength $handoffs]"',
        "}",
        "",
        "proc finish {run} {",
        "    wait_on_run $run",
        "    set progress [get_property PROGRESS [get_runs $run]]",
        '    if {$progress ne "100%"} {',
        '        refuse "Run $run must finish, but it stopped at $progress:'
        ' [get_property STATUS [get_runs $run]]"',
        "    }",
        "}",
    )
    yield from _step("Synthesizing")
    yield "launch_runs synth_1 -jobs $jobs"
    yield "finish synth_1"
    yield from _step("Placing and routing")
    yield from (
        "set_property strategy Performance_ExplorePostRoutePhysOpt [get_runs impl_1]",
        "launch_runs impl_1 -jobs $jobs",
        "finish impl_1",
        "open_run impl_1",
    )


def _results() -> Iterator[str]:
    yield from _step("Checking the timing")
    yield from (
        f"report_timing_summary -file [file join $here {TIMING_REPORT}]",
        f"report_utilization -hierarchical -file [file join $here {UTILIZATION_REPORT}]",
        "",
        "# A clock that has no constraint has no slack either.",
        "set clocked 0",
        "foreach clock [get_clocks] {",
        "    set period [get_property PERIOD $clock]",
        f"    if {{abs($period - {1000 / CLOCK_MHZ:.3f}) < 0.01}} {{set clocked 1}}",
        "}",
        "if {!$clocked} {",
        f'    refuse "Timing must be constrained by a clock of {CLOCK_MHZ:.3f} MHz; there is none"',
        "}",
        "foreach {name statistic} {setup WNS hold WHS {pulse width} TPWS} {",
        "    set slack [get_property STATS.$statistic [get_runs impl_1]]",
        "    if {![string is double -strict $slack]} {",
        '        refuse "Timing must be known, but Vivado tells no $statistic"',
        "    }",
        f'    puts "{STEP}Worst slack of $name ($statistic): $slack ns"',
        "    if {$slack < 0} {",
        '        refuse "Timing must be met, but $statistic ($name) is $slack ns;'
        f' see {TIMING_REPORT}"',
        "    }",
        "}",
    )
    yield from _step("Writing the bitstream")
    yield f"write_bitstream -force [file join $here {BITSTREAM}]"
    yield f"file copy -force [lindex $handoffs 0] [file join $here {HANDOFF}]"


def constraints(board: Board) -> str:
    """Return the constraints: none, and why."""
    return (
        f"# {NAME} on the {board.title}: constraints.\n"
        "#\n"
        "# There are none to add. The logic uses no pins of the board, and the processing system\n"
        f"# constrains its own pins and its clock FCLK0 ({CLOCK_MHZ:.3f} MHz), which drives\n"
        f"# everything; {SCRIPT} stops when that clock is missing.\n"
    )


def makefile() -> str:
    """Return the Makefile: `make` builds, `make clean` leaves what was written at first."""
    command = " ".join(vivado_command(4)[:-1])
    return (
        "JOBS ?= 4\n"
        "\n"
        ".PHONY: all clean\n"
        "\n"
        f"all: {BITSTREAM}\n"
        "\n"
        f"{BITSTREAM}: {SCRIPT} {CONSTRAINTS} $(wildcard {VERILOG}/*.v)\n"
        f"\t{command} $(JOBS)\n"
        "\n"
        "clean:\n"
        f"\trm -rf project .Xil {LOG} {' '.join(RESULTS)}\n"
    )


def description(board: Board, described: str) -> str:
    """Return what a person should know who finds the folder."""
    return f"""# {NAME} on the {board.title}

A Vivado build of the accelerator for {board.part}, at {CLOCK_MHZ:.3f} MHz: {described}.

    make

runs Vivado (2020.2 or later; the free edition will do) without asking anything and leaves:

- `{BITSTREAM}` and `{HANDOFF}`: copy both to the board, side by side;
- `{TIMING_REPORT}` and `{UTILIZATION_REPORT}`.

It stops with an error, and without a bitstream, when the timing is not met. The model is loaded
at run time; it is not part of the bitstream.

In the block design, {DMA} is at 0x{DMA_BASE:08X} and {ACCELERATOR} at
0x{ACCELERATOR_BASE:08X}.

This script has been checked against a record of Vivado's commands and pins, not run in Vivado, and
its result has not yet run on a board.
"""
