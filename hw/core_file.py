"""A core file for FuseSoC (CAPI2), of the Verilog in the folder in which it lies."""

import re
from collections.abc import Iterable
from pathlib import Path

from zynq_lstm.hw.verilog import TOP

NAME = f"{TOP}.core"
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
"""

_CONTENTS = """\
  contents:
    files:
{contents}
    file_type: user
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
    description: Vivado's synthesis for the XC7Z020, out of context
    flow: vivado
    flow_options:
      part: {part}
      pnr: none
"""


def render_core(sources: Iterable[Path], version: str, description: str) -> str:
    """Return the core file.

    Parameters
    ----------
    sources : iterable of Path
        The Verilog; the memory files that it names belong to the core, too.
    version, description : str
    """
    sources = list(sources)
    contents = sorted({name for path in sources for name in _MEMORY_FILE.findall(path.read_text())})
    text = _HEAD.format(
        top=TOP,
        version=version,
        description=description,
        verilog="\n".join(f"      - {path.name}" for path in sources),
    )
    if contents:
        listed = "\n".join(f"      - {name}: {{copyto: {name}}}" for name in contents)
        text += _CONTENTS.format(contents=listed)
    filesets = "rtl, contents" if contents else "rtl"
    options = ", ".join(f"-Wno-{name}" for name in ("fatal", *QUIET))
    return text + _TARGETS.format(filesets=filesets, top=TOP, part=PART, options=options)
