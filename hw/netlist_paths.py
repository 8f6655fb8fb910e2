"""The longest paths from register to register in a flat netlist of 7-series cells.

Without the vendor's tools no delay is known, but what a delay is made of can be counted: the
LUTs on a path and the carry chain elements (CARRY4) on it. The rule is that a path passes at
most four LUTs, or one LUT and a carry chain of eight CARRY4.

A path starts at a top-level input or at an output of a flip-flop, a block memory, a DSP or a
LUT used as memory or shift register; the last two come out of a LUT and so begin with one. It
ends at a top-level output or at any input of those cells but the clock, unless it goes on
from there (`netlist_arcs`). A LUT counts as one, also as an inverter that is a cell of its own
or as a memory whose read address the path takes; MUXF7 and MUXF8 are counted apart. A LUT
that only a placer adds, where a register drives a select pin of a carry chain directly, is in
no netlist and not counted.

For each net there is the longest path without a carry chain, and the set of those through a
carry chain that no other exceeds in LUTs and in CARRY4 at once. The nets are visited in
topological order; a combinational loop is reported and cut somewhere.
"""

from dataclasses import dataclass

from zynq_lstm.hw.netlist import WIDE_MULTIPLEXERS, Cell, Netlist, summarize
from zynq_lstm.hw.netlist_arcs import Arc, net_bits, timing

MAX_LUTS = 4
MAX_CARRY_LUTS = 1
MAX_CARRY4 = 8

Arrival = tuple[int, int, int, "Arrival | None"]
"""A path up to a net: (LUTs, CARRY4, the net, the path before)."""


@dataclass(frozen=True)
class TimingPath:
    """One path from register to register.

    Parameters
    ----------
    luts, carry4, muxf : int
        Cells of each kind on it.
    steps : tuple[str, ...]
        The nets that it takes, or the cells where a net has no name of the source, and where it
        ends. First and last name the cells and pins, too.
    group : str
        The end without the index of its bit and the numbers of its instances.
    """

    luts: int
    carry4: int
    muxf: int
    steps: tuple[str, ...]
    group: str

    @property
    def is_too_long(self) -> bool:
        """Whether the path breaks the rule."""
        return _is_too_long(self.luts, self.carry4)

    @property
    def severity(self) -> tuple[bool, int, int]:
        """What paths of one kind are ordered by: the rule broken, LUTs, CARRY4."""
        return self.is_too_long, self.luts, self.carry4

    @property
    def rule(self) -> str:
        """The rule that paths of its kind must keep."""
        if self.carry4:
            return (
                f"A path through a carry chain must pass at most {MAX_CARRY_LUTS} LUT and "
                f"{MAX_CARRY4} CARRY4"
            )
        return f"A path must pass at most {MAX_LUTS} LUTs"

    def __str__(self) -> str:
        """What is counted and the way that the path takes, for a person."""
        kinds = ((self.luts, "LUT"), (self.carry4, "CARRY4"), (self.muxf, "MUXF"))
        counts = " and ".join(f"{n} {kind}" for n, kind in kinds if n)
        steps = self.steps
        if len(steps) > 14:
            steps = (*steps[:7], f"({len(steps) - 13} more)", *steps[-6:])
        return f"{counts or 'nothing'} on {' > '.join(steps)}"


@dataclass(frozen=True)
class PathReport:
    """The longest paths of a netlist.

    Parameters
    ----------
    logic : TimingPath | None
        With the most LUTs of those without a carry chain.
    carry : TimingPath | None
        The worst through a carry chain: one that breaks the rule before all others, then the
        one with the most LUTs, then the one with the most CARRY4.
    carry_limits : tuple[tuple[int, int], ...]
        (LUTs, CARRY4) of the paths through carry chains that no other exceeds in both.
    violations : tuple[str, ...]
        A sentence for each register that a path too long ends at, and for each loop.
    """

    logic: TimingPath | None
    carry: TimingPath | None
    carry_limits: tuple[tuple[int, int], ...]
    violations: tuple[str, ...]


def longest_paths(netlist: Netlist) -> PathReport:
    """Find the longest paths of a netlist and those that are too long."""
    search = _Search(netlist)
    worst: dict[bool, TimingPath] = {}
    limits: list[Arrival] = []
    broken: list[TimingPath] = []
    for cell, pin, bit in search.ends:
        through = search.carry.get(bit, [])
        limits = _front([*limits, *through])
        for arrival in (search.logic.get(bit), max(through, key=_severity, default=None)):
            if arrival is None:
                continue
            best = worst.get(arrival[1] > 0)
            is_worse = best is None or _severity(arrival) > best.severity
            if is_worse or _is_too_long(*arrival[:2]):
                path = search.path(arrival, cell, pin)
                if is_worse:
                    worst[path.carry4 > 0] = path
                if path.is_too_long:
                    broken.append(path)
    broken.sort(key=lambda path: path.severity, reverse=True)
    found = [(path.group + path.rule, f"{path.rule}, not {path}") for path in broken]
    return PathReport(
        worst.get(False),
        worst.get(True),
        tuple(arrival[:2] for arrival in limits),
        (
            *summarize([(loop, loop) for loop in search.loops], "combinational loops"),
            *summarize(found, "registers at which a path too long ends"),
        ),
    )


def _is_too_long(luts: int, carry4: int) -> bool:
    if carry4:
        return luts > MAX_CARRY_LUTS or carry4 > MAX_CARRY4
    return luts > MAX_LUTS


def _severity(arrival: Arrival) -> tuple[bool, int, int]:
    luts, carry4 = arrival[:2]
    return _is_too_long(luts, carry4), luts, carry4


def _front(arrivals: list[Arrival]) -> list[Arrival]:
    """Those that no other exceeds in LUTs and CARRY4 at once."""
    found: list[Arrival] = []
    for arrival in sorted(arrivals, key=lambda arrival: arrival[:2], reverse=True):
        if not found or arrival[1] > found[-1][1]:
            found.append(arrival)
    return found


class _Search:
    """The longest paths up to each net.

    Parameters
    ----------
    netlist : Netlist
        Where to search.

    Attributes
    ----------
    ends : list[tuple[Cell | None, str, int]]
        Where paths end: a cell and its pin, or an output of the top; and the net.
    logic : dict[int, Arrival]
        For each net the longest path without a carry chain.
    carry : dict[int, list[Arrival]]
        For each net the paths through a carry chain that no other exceeds.
    loops : list[str]
        A sentence for each combinational loop.
    """

    def __init__(self, netlist: Netlist) -> None:
        self._netlist = netlist
        self._arcs: dict[int, Arc] = {}
        self.ends: list[tuple[Cell | None, str, int]] = []
        self.logic: dict[int, Arrival] = {}
        self.carry: dict[int, list[Arrival]] = {}
        self.loops: list[str] = []
        for bits in netlist.inputs.values():
            for bit in net_bits(bits):
                self.logic[bit] = (0, 0, bit, None)
        for cell in netlist.cells:
            found = timing(cell)
            for arc in found.arcs:
                self._arcs.setdefault(arc[0], arc)
            for bit, luts in found.starts:
                self.logic[bit] = (luts, 0, bit, None)
            self.ends += [(cell, pin, bit) for pin, bit in found.ends]
        for port, bits in netlist.outputs.items():
            self.ends += [(None, port, bit) for bit in net_bits(bits)]
        self._visit_all()

    def _visit_all(self) -> None:
        """Visit the nets depth first, each after those that it comes from."""
        begun: set[int] = set()
        done: set[int] = set()
        for root in self._arcs:
            if root in begun:
                continue
            begun.add(root)
            stack = [(root, iter(self._arcs[root][3]))]
            while stack:
                bit, sources = stack[-1]
                for source in sources:
                    if source not in self._arcs or source in done:
                        continue
                    if source in begun:
                        self._add_loop([step for step, _ in stack], source)
                        continue
                    begun.add(source)
                    stack.append((source, iter(self._arcs[source][3])))
                    break
                else:
                    self._arrive(self._arcs[bit])
                    done.add(bit)
                    stack.pop()

    def _add_loop(self, stack: list[int], source: int) -> None:
        nets = [self._netlist.name(bit) for bit in reversed(stack[stack.index(source) :])]
        if len(nets) > 12:
            nets = [*nets[:11], f"({len(nets) - 11} more)"]
        names = " > ".join([*nets, nets[0]])
        self.loops.append(f"The netlist must have no combinational loop, but has {names}")

    def _arrive(self, arc: Arc) -> None:
        bit, luts, carry4, sources = arc
        best = self.logic.get(bit)
        through: list[Arrival] = []
        for source in sources:
            before = self.logic.get(source)
            if before is not None:
                arrival = (before[0] + luts, carry4, bit, before)
                if carry4:
                    through.append(arrival)
                elif best is None or arrival[0] > best[0]:
                    best = arrival
            for before in self.carry.get(source, ()):
                through.append((before[0] + luts, before[1] + carry4, bit, before))
        if best is not None:
            self.logic[bit] = best
        if through:
            self.carry[bit] = _front(through)

    def path(self, arrival: Arrival, cell: Cell | None, pin: str) -> TimingPath:
        """Put a path into words."""
        luts, carry4 = arrival[:2]
        bits = []
        step: Arrival | None = arrival
        while step is not None:
            bits.append(step[2])
            step = step[3]
        bits.reverse()
        drivers = [self._netlist.drivers.get(bit) for bit in bits]
        muxf = sum(driver is not None and driver.kind in WIDE_MULTIPLEXERS for driver in drivers)
        steps = [self._start(bits[0]), *map(self._step, bits[1:])]
        if cell is None:
            steps.append(f"output {pin}")
            group = pin
        else:
            title = self._netlist.title(cell)
            steps.append(f"{title} ({cell.kind} {pin})")
            group = f"{self._netlist.pattern(title)} {cell.kind} {pin}: "
        return TimingPath(luts, carry4, muxf, tuple(steps), group)

    def _start(self, bit: int) -> str:
        name = self._netlist.name(bit)
        cell = self._netlist.drivers.get(bit)
        if cell is None:
            return f"{name} (input)"
        pin = next(pin for pin, net in cell.output_nets() if net == bit)
        return f"{name} ({cell.kind} {pin})"

    def _step(self, bit: int) -> str:
        """A net's name, or the cell that drives it where only the tool has named it."""
        if self._netlist.is_public(bit):
            return self._netlist.name(bit)
        return self._netlist.drivers[bit].kind
