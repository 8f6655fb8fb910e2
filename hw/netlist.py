"""A flat netlist of Xilinx 7-series cells, as Yosys writes it in JSON.

Nets are numbered bits; a constant stays the text that Yosys gives it ("0", "1", "x", "z").
The netlist was mapped module by module and flattened afterwards, which leaves three traces of
the hierarchy, and `Netlist` puts them together:

- a `$scopeinfo` cell for each instance, named by its path: the set of all scopes;
- the names of cells. A module that was kept while it was mapped gives its cells the right
  prefix (`$flatten\\core.bank_3.$auto$...`); within one that was flattened early, Yosys gives
  most cells new names that say nothing;
- the names of nets, which always have the full path, but of which one bit may have several
  (a register in the parent also bears the name of the child's port that it drives).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zynq_lstm.quant.errors import UserError

Bit = int | str

FLIP_FLOPS = frozenset(
    kind + edge for kind in ("FDRE", "FDSE", "FDCE", "FDPE") for edge in ("", "_1")
)
LATCHES = frozenset({"LDCE", "LDPE"})
LUTS = frozenset({"LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "LUT6_2"})
WIDE_MULTIPLEXERS = frozenset({"MUXF7", "MUXF8"})
BUFFERS = frozenset({"IBUF", "IBUFG", "OBUF", "BUFG", "BUFH", "BUFR"})
BLOCK_RAMS = frozenset({"RAMB36E1", "RAMB18E1", "RAMB18E2"})
SHIFT_REGISTERS = frozenset({"SRL16", "SRL16E", "SRLC16", "SRLC16E", "SRLC32E"})
LUT_RAMS: Mapping[str, int] = {
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32X1S": 1,
    "RAM64X1S": 1,
    "RAM128X1S": 2,
    "RAM256X1S": 4,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
}
"""LUTs that one memory cell of each kind takes up."""

TAKES: Mapping[str, tuple[str, float]] = {
    "DSP48E1": ("DSP48E1", 1),
    "RAMB36E1": ("RAMB36", 1),
    "RAMB18E1": ("RAMB36", 0.5),
    "RAMB18E2": ("RAMB36", 0.5),
    **dict.fromkeys((*LUTS, *SHIFT_REGISTERS, "INV"), ("LUT", 1)),
    **{kind: ("LUT", luts) for kind, luts in LUT_RAMS.items()},
    **dict.fromkeys(FLIP_FLOPS, ("FF", 1)),
}
"""What a cell takes up of what a device has little of: which resource, and how much of it."""

IGNORED = frozenset({"$scopeinfo", "GND", "VCC"})
KNOWN = (
    FLIP_FLOPS
    | LUTS
    | WIDE_MULTIPLEXERS
    | BUFFERS
    | BLOCK_RAMS
    | SHIFT_REGISTERS
    | frozenset(LUT_RAMS)
    | {"INV", "CARRY4", "DSP48E1"}
)
"""Cells whose timing and size these reports know."""

_BLOCK_RAM_CLOCKS = frozenset({"CLKARDCLK", "CLKBWRCLK"})
_SHIFT_REGISTER_CLOCKS = frozenset({"CLK"})
_CLOCK_PINS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(FLIP_FLOPS, frozenset({"C"})),
    **dict.fromkeys(BLOCK_RAMS, _BLOCK_RAM_CLOCKS),
    **dict.fromkeys(SHIFT_REGISTERS, _SHIFT_REGISTER_CLOCKS),
    **dict.fromkeys(LUT_RAMS, frozenset({"WCLK"})),
    "DSP48E1": frozenset({"CLK"}),
}
LISTED = 20
"""Sentences of one kind in a report; more are only counted."""

LABELLED = 3
"""Inputs in the label of a net without a name."""

_INDEX = re.compile(r"\[\d+\]$")
_HIDDEN = "$"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the netlist.

    Parameters
    ----------
    name : str
        Its name after flattening.
    kind : str
        Its type, for instance "LUT4".
    parameters : Mapping[str, str]
        As Yosys writes them: numbers as binary digits; without initial contents.
    inputs, outputs : Mapping[str, tuple[int | str, ...]]
        The bits at each connected pin.
    """

    name: str
    kind: str
    parameters: Mapping[str, str]
    inputs: Mapping[str, tuple[Bit, ...]]
    outputs: Mapping[str, tuple[Bit, ...]]

    def number(self, parameter: str, default: int) -> int:
        """Value of a numeric parameter, or its default where the netlist leaves it out."""
        text = self.parameters.get(parameter)
        return default if text is None else int(text, 2)

    def text(self, parameter: str, default: str) -> str:
        """Value of a textual parameter, or its default where the netlist leaves it out."""
        return self.parameters.get(parameter, default).strip()

    @property
    def clock_pins(self) -> frozenset[str]:
        """Names of the pins that a clock must drive."""
        return _CLOCK_PINS.get(self.kind, frozenset())

    def input_nets(self) -> Iterator[tuple[str, int]]:
        """Each input pin bit that is not a constant, with the pin's name."""
        for pin, bits in self.inputs.items():
            for bit in bits:
                if isinstance(bit, int):
                    yield pin, bit

    def output_nets(self) -> Iterator[tuple[str, int]]:
        """Each output pin bit, with the pin's name."""
        for pin, bits in self.outputs.items():
            for bit in bits:
                if isinstance(bit, int):
                    yield pin, bit


@dataclass(frozen=True, slots=True)
class Wire:
    """A named net: its bits from the lowest, and the index of that one."""

    name: str
    bits: tuple[Bit, ...]
    offset: int = 0


@dataclass
class Netlist:
    """The flat netlist of the top module.

    Parameters
    ----------
    cells : tuple[Cell, ...]
        All cells but `$scopeinfo` and constant drivers.
    inputs, outputs : Mapping[str, tuple[int | str, ...]]
        The top's ports.
    wires : tuple[Wire, ...]
        All named nets.
    scopes : frozenset[str]
        Paths of all instances below the top.
    """

    cells: tuple[Cell, ...]
    inputs: Mapping[str, tuple[Bit, ...]]
    outputs: Mapping[str, tuple[Bit, ...]]
    wires: tuple[Wire, ...] = ()
    scopes: frozenset[str] = frozenset()
    drivers: dict[int, Cell] = field(init=False, default_factory=dict)
    conflicts: list[int] = field(init=False, default_factory=list)
    _names: dict[int, list[int]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Find the driver and the names of each bit."""
        ports = {net for bits in self.inputs.values() for net in bits}
        for cell in self.cells:
            for _, bit in cell.output_nets():
                if bit in self.drivers or bit in ports:
                    self.conflicts.append(bit)
                else:
                    self.drivers[bit] = cell
        for hidden in (False, True):  # a hidden name only where there is no other
            for index, wire in enumerate(self.wires):
                if wire.name.startswith(_HIDDEN) is hidden:
                    for net in wire.bits:
                        if isinstance(net, int) and not (hidden and net in self._names):
                            self._names.setdefault(net, []).append(index)

    def names(self, bit: int) -> list[str]:
        """All public names of a bit, or one hidden name where it has none."""
        found = []
        for index in self._names.get(bit, ()):
            wire = self.wires[index]
            place = wire.bits.index(bit) + wire.offset
            found.append(f"{wire.name}[{place}]" if len(wire.bits) > 1 else wire.name)
        return found

    def name(self, bit: int) -> str:
        """The name of a bit that is highest in the hierarchy, but not above its driver's module.

        Of several the shortest; a hidden name where there is no public one.
        """
        names = self.names(bit)
        if not names:
            return f"net {bit}"
        if bit in self.drivers:
            kept = self.scope_of(self.drivers[bit].name)
            names = [name for name in names if within(self.scope_of(name), kept)] or names
        return plain(min(names, key=lambda name: (len(self.scope_of(name)), len(name), name)))

    def is_public(self, bit: int) -> bool:
        """Whether a net has a name of the source."""
        return any(not name.startswith(_HIDDEN) for name in self.names(bit))

    def label(self, bit: int) -> str:
        """The name of a net; for one without a public name the cell that drives it, and from what.

        Tools number their own nets anew in each run, so such a name would say nothing.
        """
        driver = self.drivers.get(bit)
        if driver is None or self.is_public(bit):
            return self.name(bit)
        inputs = {bit for pin, bit in driver.input_nets() if pin not in driver.clock_pins}
        names = sorted(self.name(bit) for bit in inputs if self.is_public(bit))[:LABELLED]
        rest = ["..."] if len(names) < len(inputs) else []
        return f"{driver.kind}({', '.join([*names, *rest])})"

    def scope_of(self, name: str) -> str:
        """Path of the innermost instance that a name lies in; "" is the top."""
        path = plain(name)
        while (dot := path.rfind(".")) >= 0:
            path = path[:dot]
            if path in self.scopes:
                return path
        return ""

    def scope(self, cell: Cell) -> str:
        """Path of the instance that a cell lies in.

        The cell's own name gives the instance that was kept while it was mapped. Below that,
        the names of its outputs decide, where there are any: the innermost instance that
        all of them lie in. A register is so never ascribed to an instance that it only drives.
        """
        base = self.scope_of(cell.name)
        found: str | None = None
        for _, bit in cell.output_nets():
            for name in self.names(bit):
                if name.startswith(_HIDDEN):
                    continue
                place = self.scope_of(name)
                if within(place, base):
                    found = place if found is None else self._common(found, place)
        return base if found is None else found

    def _common(self, one: str, other: str) -> str:
        while not within(other, one):
            one = self.scope_of(one)
        return one

    def chain(self, scope: str) -> list[str]:
        """All instances from a scope up to the top, which is left out."""
        found = []
        while scope:
            found.append(scope)
            scope = self.scope_of(scope)
        return found

    def pattern(self, name: str) -> str:
        """A name without its bit's index and without the numbers of its instances.

        It is equal for equal places of instances that differ by a number only.
        """
        name = plain(name)
        scope = self.scope_of(name)
        return base(re.sub(r"\d+", "#", scope) + name[len(scope) :])

    def title(self, cell: Cell) -> str:
        """A name for a cell: its register's where it has one, else its own."""
        if cell.kind in FLIP_FLOPS:
            for _, bit in cell.output_nets():
                return self.name(bit)
        return plain(cell.name)


def plain(name: str) -> str:
    r"""Remove what flattening adds to a hidden name: `$flatten\a.\b.$x` becomes `a.b.$x`."""
    return name.removeprefix("$flatten").replace(".\\", ".").removeprefix("\\")


def base(name: str) -> str:
    """Remove the bit's index from a name."""
    return _INDEX.sub("", name)


def within(scope: str, parent: str) -> bool:
    """Whether one instance path is another or lies below it."""
    return not parent or scope == parent or scope.startswith(parent + ".")


def from_module(module: Mapping[str, Any]) -> Netlist:
    """Build the netlist from a module of Yosys' JSON.

    Parameters
    ----------
    module : Mapping[str, Any]
        With "ports", "cells" and "netnames".
    """
    cells, scopes = [], set()
    for name, cell in module["cells"].items():
        kind = cell["type"]
        if kind == "$scopeinfo":
            if cell.get("parameters", {}).get("TYPE", "module").strip() == "module":
                scopes.add(plain(name))
        elif kind not in IGNORED:
            cells.append(_cell(name, cell))
    ports: dict[str, dict[str, tuple[Bit, ...]]] = {"input": {}, "output": {}, "inout": {}}
    for name, port in module["ports"].items():
        ports[port["direction"]][name] = tuple(port["bits"])
    wires = tuple(
        Wire(n, tuple(w["bits"]), int(w.get("offset", 0)))
        for n, w in module.get("netnames", {}).items()
    )
    inputs, outputs = ports["input"] | ports["inout"], ports["output"] | ports["inout"]
    return Netlist(tuple(cells), inputs, outputs, wires, frozenset(scopes))


def _cell(name: str, cell: Mapping[str, Any]) -> Cell:
    pins: dict[str, dict[str, tuple[Bit, ...]]] = {"input": {}, "output": {}, "inout": {}}
    ways = cell["port_directions"]
    for pin, bits in cell["connections"].items():
        pins[ways[pin]][pin] = tuple(bits)
    parameters = {
        key: str(value)
        for key, value in cell.get("parameters", {}).items()
        if not key.startswith("INIT")
    }
    inputs = pins["input"] | pins["inout"]
    return Cell(name, cell["type"], parameters, inputs, pins["output"] | pins["inout"])


def read_netlist(path: Path, top: str) -> Netlist:
    """Read the netlist of one module from a JSON file that Yosys wrote.

    Raises
    ------
    UserError
        If the file has no such module.
    """
    with path.open(encoding="utf-8") as file:
        modules = json.load(file).get("modules", {})
    for name in (top, "\\" + top):
        if name in modules:
            return from_module(modules[name])
    raise UserError(f"The netlist must contain the module {top}, but {path.name} does not")


def summarize(found: Sequence[tuple[str, str]], what: str) -> tuple[str, ...]:
    """Make few sentences of many.

    Parameters
    ----------
    found : Sequence[tuple[str, str]]
        For each finding a key, which alike ones share, and its sentence. The first of a key
        stands for all.
    what : str
        What is counted after the first `LISTED` sentences.

    Returns
    -------
    tuple[str, ...]
        The sentences.
    """
    groups: dict[str, list[str]] = {}
    for key, sentence in found:
        groups.setdefault(key, []).append(sentence)
    sentences = [
        group[0] + (f" (the first of {len(group)} alike)" if len(group) > 1 else "")
        for group in groups.values()
    ]
    rest = len(sentences) - LISTED
    more = (f"There are {rest} more {what}",) if rest > 0 else ()
    return (*sentences[:LISTED], *more)
