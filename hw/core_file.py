"""A core file for FuseSoC (CAPI2), of the Verilog in the folder in which it lies.

Its target for synthesis has two files of its own: the clock, without which nothing would be timed,
and out of context, for the top's ports are more than the chip has pins.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from zynq_lstm.hw.verilog import TOP

NAME, CONSTRAINTS, SETTINGS = f"{TOP}.core", f"{TOP}_synth.xdc", f"{TOP}_synth.tcl"
PART = "xc7z020clg400-1"
QUIET = ("CASEINCOMPLETE", "SYMRSVDWORD", "UNSIGNED", "WIDTH")
"""Verilator's warnings of what Amaranth's Verilog always has, and means: shorter operands are
extended, a register without a case keeps its value; and of the port's name, `interrupt`."""
_MEMORY_FILE = re.compile(r'"([\w.]+\.hex)"')

_HEAD = """\
CAPI=2:
name: ::{top}:{version}
description: {description}

filesets:
  rtl:
    files:
{verilog}
    file_type: verilogSource
  out_of_context:
    files:
      - {constraints}: {{file_type: xdc}}
      - {settings}: {{file_type: tclSource}}
"""

_CONTENTS = """\
  contents:
    files:
{contents}
    file_type: mem
"""

_TARGETS = """\

targets:
  default: &default
    filesets: [{filesets}]
    toplevel: {top}
  lint:
    <<: *default
    description: Verilator's checks
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [{options}]
  synth:
    <<: *default
    filesets_append: [out_of_context]
    description: Vivado's synthesis for the XC7Z020, out of context
    flow: vivado
    flow_options:
      part: {part}
      pnr: none
"""


_CLOCK = "create_clock -name aclk -period {period:.3f} [get_ports aclk]\n"
_MODE = """\
set_property -name {STEPS.SYNTH_DESIGN.ARGS.MORE OPTIONS} -value {-mode out_of_context} \\
    -objects [get_runs synth_1]
"""


def core_files(
    sources: Iterable[Path], version: str, description: str, clock_hz: float
) -> dict[str, str]:
    """Return the core file, and what its targets need beside the Verilog, by name.

    Parameters
    ----------
    sources : iterable of Path
        The Verilog; the memory files that it names belong to the core, too.
    version, description : str
    clock_hz : float
        The clock to synthesize for.
    """
    sources = list(sources)
    contents = sorted({name for path in sources for name in _MEMORY_FILE.findall(path.read_text())})
    text = _HEAD.format(
        top=TOP,
        version=version,
        description=description,
        verilog="\n".join(f"      - {path.name}" for path in sources),
        constraints=CONSTRAINTS,
        settings=SETTINGS,
    )
    if contents:
        listed = "\n".join(f"      - {name}: {{copyto: {name}}}" for name in contents)
        text += _CONTENTS.format(contents=listed)
    filesets = "rtl, contents" if contents else "rtl"
    options = ", ".join(f"-Wno-{name}" for name in ("fatal", *QUIET))
    text += _TARGETS.format(filesets=filesets, top=TOP, part=PART, options=options)
    return {NAME: text, CONSTRAINTS: _CLOCK.format(period=1e9 / clock_hz), SETTINGS: _MODE}
