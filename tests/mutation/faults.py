"""Which faults are planted: some of each kind that a designer makes, and some in each part.

Nothing is drawn by a generator, for one draw more would change all that follow. What is chosen are
the places whose names have the smallest digests: a change of the design changes the faults of the
places that it changes.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import sqrt

from mutation.netlist import Cell, Netlist

MODES = ("inv", "const0", "const1")
"""Of Yosys' ``mutate``: a bit inverted, stuck at 0, stuck at 1."""
STAGES = ("stage more", "stage less")
"""A register followed by another one; a register that is passed by."""
CLOCK = "CLK"


@dataclass(frozen=True)
class Fault:
    """A fault.

    Parameters
    ----------
    kind : str
    name : str
        The place, and what is wrong there.
    cell : Cell
    edits : tuple of (str, int, str)
        Port, bit and one of `MODES`, of each bit that is changed; none where a stage is.
    stage : str or None
        One of `STAGES`.
    """

    kind: str
    name: str
    cell: Cell
    edits: tuple[tuple[str, int, str], ...] = ()
    stage: str | None = None


@dataclass(frozen=True)
class Kind:
    """Faults of one kind that a designer makes.

    Parameters
    ----------
    name : str
    places : str
        Regular expression of the places.
    ports : str
        Ports, a letter each or one in full.
    count : int
    modes : tuple of str
        Of `MODES` or `STAGES`.
    whole : bool
        All bits of the port.
    constants : bool
        Only bits of a constant.
    """

    name: str
    places: str
    ports: tuple[str, ...]
    count: int
    modes: tuple[str, ...] = MODES
    whole: bool = False
    constants: bool = False


KINDS = (
    Kind("adder tree", r"engine(\.region\d)?(\.bank\d)?: \$add to sum", ("Y",), 8),
    Kind("rounding constant", r"\$add to .*rounded", ("B",), 7, ("inv",), constants=True),
    Kind("constant of a DSP", r"pair\d: \$add to p0", ("B",), 2, ("inv",), constants=True),
    Kind("stage more", r"\$dff to (sum\d|product|scaled|row_done|write_data|distance)",
         ("Q",), 8, ("stage more",)),
    Kind("stage less", r"\$dff to (sum\d|product|scaled|word|write_data|distance|terms|total)",
         ("Q",), 8, ("stage less",)),
    Kind("address line", r"\$mem(rd|wr)(_v2)? to", ("ADDR",), 12),
    Kind("handshake", r"(fifo|packer|state_port|bus|loader): \$(and|or|not) to "
         r"(w|r|.*valid|.*ready|.*taken|w_en.*|r_en.*|answered|short|pop)\b", ("A", "B"), 14,
         ("const1", "inv")),
    Kind("select of h1 or h2", r"(bank\d: \$dff to select|\$dff to layer)", ("Q",), 8),
    Kind("operand bit of a DSP", r"\$mul to (product|ig|fc|part_exact|term_exact)", ("A", "B"), 8,
         ("const0", "const1")),
    Kind("operand of a DSP", r"pair\d: \$mul to product", ("A", "B"), 6, ("const0", "const1"),
         whole=True),
)  # fmt: skip


def faults(netlist: Netlist, sampled: int) -> list[Fault]:
    """Some ``sampled`` all over the netlist and those of each kind, no two in the same cell."""
    chosen = _all_over(netlist, sampled)
    for kind in KINDS:
        used = {fault.cell.name for fault in chosen}
        places = [
            c for c in netlist.cells if re.search(kind.places, c.place) and c.name not in used
        ]
        found = _at_each(netlist, kind, places)
        if len(found) != kind.count:
            raise ValueError(f"{kind.name} must have {kind.count} places, not {len(found)}")
        chosen += found
    return chosen


def _all_over(netlist: Netlist, count: int) -> list[Fault]:
    """From each part about as many as the root of its cells says."""
    parts = defaultdict(list)
    for cell in netlist.cells:
        parts[cell.part].append(cell)
    share = count / sum(sqrt(len(cells)) for cells in parts.values())
    found = []
    for cells in parts.values():
        kind = Kind("all over", "", (), max(1, round(share * sqrt(len(cells)))))
        found += _at_each(netlist, kind, cells)
    return found


def _at_each(netlist: Netlist, kind: Kind, cells: list[Cell]) -> list[Fault]:
    """As many as are wanted, each in another cell."""
    found: list[Fault] = []
    for cell in sorted(cells, key=lambda c: _digest(kind.name, c.place)):
        found += islice(_in_cell(netlist, kind, cell), 1)
        if len(found) == kind.count:
            break
    return found


def _in_cell(netlist: Netlist, kind: Kind, cell: Cell) -> Iterator[Fault]:
    """All faults of a kind that change something, in the order of their digests."""
    if kind.modes[0] in STAGES:
        if not netlist.is_loop(cell):
            yield Fault(kind.name, f"{cell.place}: {kind.modes[0]}", cell, stage=kind.modes[0])
        return
    ports = [p for p in kind.ports or cell.ports if p in cell.ports and p != CLOCK]
    choices = [(p, m) for p in ports for m in kind.modes]
    if kind.whole:
        sites = [(p, range(len(cell.ports[p])), m) for p, m in choices]
    else:
        sites = [(p, [k], m) for p, m in choices for k in range(len(cell.ports[p]))]
    for port, bits, mode in sorted(sites, key=lambda s: _digest(kind.name, cell.place, *s)):
        if any(_matters(netlist, cell, port, k, mode, kind) for k in bits):
            where = port if kind.whole else f"{port}[{bits[0]}]"
            edits = tuple((port, k, mode) for k in bits)
            yield Fault(kind.name, f"{cell.place}: {where} {mode}", cell, edits)


def _matters(netlist: Netlist, cell: Cell, port: str, k: int, mode: str, kind: Kind) -> bool:
    """A change of a bit is a change, leads to an output, and is not one of a sign's copies."""
    net = cell.ports[port][k]
    if port not in cell.outputs and cell.driven:
        results = [n for n, r in enumerate(cell.driven) if r in netlist.live]
        if not any(k in range(*cell.decides(port, n).indices(k + 1)) for n in results):
            return False
    if kind.constants:
        return net == "1"
    if port in cell.outputs:
        return net in netlist.live
    is_copy = k > 0 and net == cell.ports[port][k - 1] and net not in ("0", "1")
    return net != "x" and mode != f"const{net}" and not is_copy


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
