"""A Vivado that draws block designs and notes them, and does nothing that takes an hour.

The script runs in a Tcl interpreter in which Vivado's commands are these. They know what
`vivado_ip` knows: an option, a cell, a pin, a bus, a segment or a parameter that is not there is an
error at once, as it is in Vivado. What it has drawn is for `vivado_validation` to judge.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from small_tcl import SmallTcl, TclError, join, split
from vivado_ip import COMMANDS, IPS, Pins, module_pins

try:
    import tkinter
except ImportError:  # A Python without Tcl; `small_tcl` stands in.
    tkinter = None

KINDS = {
    "get_bd_cells": "cell",
    "get_bd_pins": "pin",
    "get_bd_intf_pins": "bus",
    "get_bd_intf_ports": "port",
    "get_bd_addr_spaces": "space",
    "get_bd_addr_segs": "segment",
    "get_runs": "run",
    "get_files": "file",
    "get_filesets": "fileset",
    "get_clocks": "clock",
    "current_project": "project",
}


@dataclass
class Cell:
    vlnv: str
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Address:
    space: str
    segment: str
    base: int
    size: int


@dataclass(frozen=True)
class Outcome:
    """What the runs would give."""

    wns: str = "0.021"
    whs: str = "0.015"
    tpws: str = "0.000"
    period: str = ""
    progress: str = "100%"
    mhz: str = ""
    clocks: str = "clk_fpga_0"


class Vivado:
    """Runs a script and keeps what it did.

    Parameters
    ----------
    ports : mapping of str to (str, int)
        The accelerator's ports: direction and width.
    outcome : Outcome
    own : bool
        Use `small_tcl` though tkinter is there.
    """

    def __init__(
        self,
        ports: Mapping[str, tuple[str, int]],
        outcome: Outcome | None = None,
        *,
        own: bool = False,
    ) -> None:
        self.ports = ports
        self.outcome = outcome or Outcome()
        self.calls: list[tuple[str, ...]] = []
        self.part = ""
        self.sources: list[Path] = []
        self.output: list[str] = []
        self.cells: dict[str, Cell] = {}
        self.external: dict[str, str] = {}
        self.buses: list[tuple[str, str]] = []
        self.nets: list[tuple[str, str]] = []
        self.addresses: list[Address] = []
        self.properties: dict[str, dict[str, str]] = {}
        self._own = own or tkinter is None
        self._project = Path()
        self._error: Exception | None = None

    def run(self, script: Path) -> None:
        """Run a script.

        Raises
        ------
        TclError
            When it stops with an error.
        """
        tcl = SmallTcl() if self._own else tkinter.Tcl()
        for name in COMMANDS:
            tcl.createcommand(name, self._recorded(name))
        tcl.createcommand("puts", self._puts)
        try:
            tcl.eval(f"source {{{script}}}")
        except Exception as error:
            # tkinter hides what a command raised behind an error of its own.
            raise TclError(str(self._error or error)) from error

    def _puts(self, text: str) -> str:
        self.output.append(text)
        return ""

    def _recorded(self, name: str) -> Callable[..., str]:
        def call(*arguments: str) -> str:
            self.calls.append((name, *arguments))
            try:
                options, others = parse(name, arguments)
                if name in KINDS and name not in ("get_clocks", "current_project"):
                    return self._find(KINDS[name], *others)
                return getattr(self, f"_{name}")(options, *others) or ""
            except TclError as error:
                self._error = error
                raise
            except Exception as error:
                self._error = TclError(f"{name} {join(arguments)}: {error!r}")
                raise self._error from error

        return call

    # Objects are strings: their kind and their name.

    def pins(self, cell: str) -> Pins:
        """Return what a cell has."""
        block = self.cells[cell]
        if block.vlnv.startswith("module:"):
            return module_pins(self.ports)
        ip = IPS[block.vlnv]
        return ip.pins(dict(ip.defaults) | block.parameters)

    def _find(self, kind: str, name: str = "") -> str:
        cell, _, rest = name.lstrip("/").partition("/")
        known = {
            "cell": lambda: not rest,
            "pin": lambda: rest in self.pins(cell).scalars,
            "bus": lambda: rest in self.pins(cell).buses,
            "space": lambda: rest in self.pins(cell).spaces,
            "segment": lambda: rest in self.pins(cell).segments,
            "port": lambda: name in self.external,
            "run": lambda: name in ("synth_1", "impl_1"),
            "file": lambda: name == "system.bd",
            "fileset": lambda: name in ("sources_1", "constrs_1"),
        }
        needs_cell = kind in ("cell", "pin", "bus", "space", "segment")
        if (needs_cell and cell not in self.cells) or not known[kind]():
            raise TclError(f"no {kind} {name}")
        return f"{kind}:{name.lstrip('/')}"

    def _get_clocks(self, options) -> str:
        return " ".join(f"clock:{name}" for name in self.outcome.clocks.split())

    def _current_project(self, options) -> str:
        return "project:"

    # The project.

    def _create_project(self, options, name: str, folder: str) -> None:
        self.part = options["-part"]
        self._project = Path(folder)
        self._project.mkdir(exist_ok="-force" in options)

    def _add_files(self, options, files: str) -> None:
        if options["-fileset"] not in ("sources_1", "constrs_1"):
            raise TclError(f"no fileset {options['-fileset']}")
        for path in map(Path, split(files)):
            if not path.is_file():
                raise TclError(f"no file {path}")
            self.sources.append(path)

    def _update_compile_order(self, options) -> None:
        pass

    def _create_bd_design(self, options, name: str) -> None:
        assert name == "system"

    def _set_property(self, options, *arguments: str) -> None:
        if "-dict" in options:
            words, (target,) = split(options["-dict"]), arguments
            values = dict(zip(words[::2], words[1::2], strict=True))
        else:
            name, value, target = arguments
            values = {name: value}
        kind, _, cell = target.partition(":")
        if kind != "cell":
            self.properties.setdefault(target, {}).update(values)
            return
        parameters = {name.removeprefix("CONFIG."): value for name, value in values.items()}
        if self.cells[cell].vlnv not in IPS:
            raise TclError(f"{cell} has no parameters")
        wrong = IPS[self.cells[cell].vlnv].wrong_parameters(parameters)
        if wrong:
            raise TclError(f"{cell}: {'; '.join(wrong)}")
        self.cells[cell].parameters |= parameters

    def _get_property(self, options, name: str, target: str) -> str:
        kind, _, item = target.partition(":")
        if kind == "run":
            return {
                "PROGRESS": self.outcome.progress,
                "STATUS": "route_design ERROR",
                "STATS.WNS": self.outcome.wns,
                "STATS.WHS": self.outcome.whs,
                "STATS.TPWS": self.outcome.tpws,
            }[name]
        if kind == "clock":
            (ps,) = (c for c in self.cells.values() if ":processing_system7:" in c.vlnv)
            return {"PERIOD": self.outcome.period or f"{self._period(ps.parameters):.3f}"}[name]
        parameters = self.cells[item].parameters
        parameter = name.removeprefix("CONFIG.")
        if parameter == "PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ":
            return self.outcome.mhz or f"{1000 / self._period(parameters):.6f}"
        return parameters[parameter]

    def _period(self, parameters: Mapping[str, str]) -> int:
        """Return FCLK0's: a divisor of the PLL's 1 GHz, the nearest to what is asked for."""
        return round(1000 / float(parameters["PCW_FPGA0_PERIPHERAL_FREQMHZ"]))

    # The block design.

    def _create_bd_cell(self, options, name: str) -> str:
        if name in self.cells:
            raise TclError(f"cell {name} is there already")
        if options["-type"] == "module":
            module = options["-reference"]
            if not any(path.stem == module for path in self.sources):
                raise TclError(f"no module {module}")
            self.cells[name] = Cell(f"module:{module}")
        else:
            vlnv = options["-vlnv"]
            if vlnv not in IPS:
                raise TclError(f"no IP {vlnv}")
            self.cells[name] = Cell(vlnv)
        return f"cell:{name}"

    def _create_bd_intf_port(self, options, name: str) -> str:
        kinds = {
            "xilinx.com:interface:ddrx_rtl:1.0": "ddr",
            "xilinx.com:display_processing_system7:fixedio_rtl:1.0": "fixed_io",
        }
        if options["-vlnv"] not in kinds or options["-mode"] != "Master":
            raise TclError(f"no bus {options}")
        self.external[name] = kinds[options["-vlnv"]]
        return f"port:{name}"

    def _connect_bd_intf_net(self, options, first: str, second: str) -> None:
        self.buses.append((first, second))

    def _connect_bd_net(self, options, *ends: str) -> None:
        if any(not end.startswith("pin:") for end in ends):
            raise TclError(f"not pins: {ends}")
        first, *others = (end.removeprefix("pin:") for end in ends)
        self.nets += [(first, other) for other in others]

    def _assign_bd_address(self, options, segment: str) -> None:
        space = options["-target_address_space"]
        if not segment.startswith("segment:") or not space.startswith("space:"):
            raise TclError(f"no addresses for {space} and {segment}")
        self.addresses.append(
            Address(
                space.removeprefix("space:"),
                segment.removeprefix("segment:"),
                int(options["-offset"], 0),
                int(options["-range"], 0),
            )
        )

    def _validate_bd_design(self, options) -> None:
        pass

    def _save_bd_design(self, options) -> None:
        pass

    # The runs.

    def _generate_target(self, options, what: str, design: str) -> None:
        assert (what, design) == ("all", "file:system.bd")
        folder = self._project / "zynq_lstm.gen/sources_1/bd/system/hw_handoff"
        folder.mkdir(parents=True)
        (folder / "system.hwh").write_text("Vivado's hand-off")

    def _make_wrapper(self, options) -> str:
        assert options == {"-files": "file:system.bd", "-top": ""}
        wrapper = self._project / "system_wrapper.v"
        wrapper.write_text("")
        return str(wrapper)

    def _launch_runs(self, options, run: str) -> None:
        self._find("run", run)
        if not re.fullmatch(r"[1-9]\d*", options["-jobs"]):
            raise TclError(f"-jobs {options['-jobs']}")

    def _wait_on_run(self, options, run: str) -> None:
        self._find("run", run)

    def _open_run(self, options, run: str) -> None:
        self._find("run", run)

    def _report_timing_summary(self, options) -> None:
        Path(options["-file"]).write_text("slacks")

    def _report_utilization(self, options) -> None:
        Path(options["-file"]).write_text("use")

    def _write_bitstream(self, options, path: str) -> None:
        Path(path).write_text("bitstream")


def parse(command: str, arguments: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """Return a command's options and its other arguments."""
    options: dict[str, str] = {}
    others: list[str] = []
    words = iter(arguments)
    for word in words:
        if re.fullmatch(r"-[a-z_]+", word):
            if word not in COMMANDS[command]:
                raise TclError(f"{command} has no option {word}")
            options[word] = next(words) if COMMANDS[command][word] else ""
        else:
            others.append(word)
    return options, others
