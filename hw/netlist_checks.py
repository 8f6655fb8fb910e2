"""What a flat netlist takes up, and the rules of structure that it must keep.

On this chip long wires decide the clock, not arithmetic, so the rules are about what makes wires
long: fan-out, weight memories that share an address register, multipliers without registers of
their own. Each rule that is broken gives a sentence that names the place.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from zynq_lstm.hw.netlist import (
    BLOCK_RAMS,
    FLIP_FLOPS,
    KNOWN,
    LATCHES,
    LUT_RAMS,
    LUTS,
    SHIFT_REGISTERS,
    TAKES,
    WIDE_MULTIPLEXERS,
    Cell,
    Netlist,
    base,
    plain,
    summarize,
    within,
)

MAX_FANOUT = 64
"""Loads that a net may drive, clocks aside."""

WIDEST = 10
"""Nets in the list of those with the highest fan-out."""


@dataclass(frozen=True)
class Resources:
    """What the cells of a netlist take up.

    Parameters
    ----------
    dsp48e1, ff, carry4 : int
        Multipliers, flip-flops and carry chain elements.
    ramb36 : int
        Block memories of 36 Kbit; two of 18 Kbit count as one, an odd one as a whole one.
    lut : int
        LUTs of logic, of memories and of shift registers, and inverters that are cells of
        their own: the vendor's mapper and nextpnr make each a LUT1. Two small LUTs count as
        two, though a placer may put both into one LUT6.
    lut_feedthrough : int
        LUTs that are not in the netlist but that a placer adds: a select pin of a carry
        chain can be reached through the LUT beside it only, so one that a register drives
        takes up that LUT. Not part of `lut`.
    lutram, srl : int
        LUTs used as memories, and shift register cells (both also part of `lut`).
    muxf : int
        Wide multiplexers, MUXF7 and MUXF8.
    """

    dsp48e1: int
    ramb36: int
    lut: int
    lut_feedthrough: int
    ff: int
    carry4: int
    srl: int
    lutram: int
    muxf: int


def count_resources(netlist: Netlist) -> Resources:
    """Count what the netlist takes up."""
    kinds = Counter(cell.kind for cell in netlist.cells)

    def total(group: Iterable[str]) -> int:
        return sum(kinds[kind] for kind in group)

    taken: Counter[str] = Counter()
    for kind, (resource, amount) in TAKES.items():
        taken[resource] += kinds[kind] * amount
    return Resources(
        dsp48e1=taken["DSP48E1"],
        ramb36=math.ceil(taken["RAMB36"]),
        lut=taken["LUT"],
        lut_feedthrough=_feedthroughs(netlist),
        ff=taken["FF"],
        carry4=kinds["CARRY4"],
        srl=total(SHIFT_REGISTERS),
        lutram=sum(kinds[kind] * luts for kind, luts in LUT_RAMS.items()),
        muxf=total(WIDE_MULTIPLEXERS),
    )


def _feedthroughs(netlist: Netlist) -> int:
    count = 0
    for cell in netlist.cells:
        if cell.kind == "CARRY4":
            for bit in cell.inputs.get("S", ()):
                if isinstance(bit, int):
                    driver = netlist.drivers.get(bit)
                    count += driver is None or driver.kind not in LUTS | {"INV"}
    return count


def count_by_scope(netlist: Netlist, kinds: Iterable[str]) -> dict[str, int]:
    """Count cells of some kinds by the instance path that they lie in."""
    wanted = frozenset(kinds)
    counts = Counter(netlist.scope(cell) for cell in netlist.cells if cell.kind in wanted)
    return dict(sorted(counts.items()))


@dataclass(frozen=True)
class FanOut:
    """How many loads the nets drive.

    Parameters
    ----------
    widest : tuple[tuple[str, int], ...]
        Names and loads of the nets with the most, most first.
    clocks : tuple[str, ...]
        Nets that were left out because they are clocks.
    violations : tuple[str, ...]
        A sentence for each net that drives too many.
    """

    widest: tuple[tuple[str, int], ...]
    clocks: tuple[str, ...]
    violations: tuple[str, ...]


def fan_out(netlist: Netlist) -> FanOut:
    """Count the input pins that each net drives; one cell may count several times.

    A net is a clock where it drives a clock pin; clocks have wires of their own in the chip and
    are left out. Resets have none.
    """
    loads: Counter[int] = Counter()
    clocks: set[int] = set()
    for cell in netlist.cells:
        clock_pins = cell.clock_pins
        for pin, bit in cell.input_nets():
            loads[bit] += 1
            if pin in clock_pins:
                clocks.add(bit)
    counted = Counter({bit: n for bit, n in loads.items() if bit not in clocks})
    wide = [(bit, n) for bit, n in counted.most_common() if n > MAX_FANOUT]
    cells: dict[int, dict[str, str]] = {bit: {} for bit, _ in wide}
    for cell in netlist.cells:
        for pin, bit in cell.input_nets():
            if bit in cells:
                cells[bit].setdefault(cell.name, f"{netlist.title(cell)} ({cell.kind} {pin})")
    found = [
        (
            netlist.pattern(netlist.name(bit)),
            f"A net must drive at most {MAX_FANOUT} loads, but {netlist.label(bit)} drives {n}, "
            f"pins of {len(cells[bit])} cells such as {next(iter(cells[bit].values()))}",
        )
        for bit, n in wide
    ]
    return FanOut(
        tuple((netlist.label(bit), n) for bit, n in counted.most_common(WIDEST)),
        tuple(sorted(netlist.label(bit) for bit in clocks)),
        summarize(found, "nets with too many loads"),
    )


def check_cells(netlist: Netlist) -> tuple[str, ...]:
    """Find cells that the reports do not know, latches and nets with two drivers."""
    latches = [
        (netlist.pattern(cell.name), f"A design must have no latch, but {plain(cell.name)} is one")
        for cell in netlist.cells
        if cell.kind in LATCHES
    ]
    unknown = Counter(c.kind for c in netlist.cells if c.kind not in KNOWN | LATCHES)
    conflicts = [
        (netlist.pattern(name), f"A net must have one driver, but {name} has more")
        for name in map(netlist.name, netlist.conflicts)
    ]
    return (
        *summarize(latches, "latches"),
        *(
            f"A netlist must have cells of the 7-series only, but has {n} {kind}"
            for kind, n in sorted(unknown.items())
        ),
        *summarize(conflicts, "nets with several drivers"),
    )


def check_dsps(netlist: Netlist) -> tuple[str, ...]:
    """Find the DSP48E1 that lack a register at an operand, the product or the result."""
    found = []
    for cell in netlist.cells:
        if cell.kind == "DSP48E1" and (missing := _missing_registers(cell)):
            lacks = ", ".join(f"{name} = 0" for name in missing)
            sentence = (
                "A DSP48E1 must register its operands, its product and its result, but "
                f"{plain(cell.name)} has {lacks}"
            )
            found.append((netlist.pattern(cell.name) + lacks, sentence))
    return summarize(found, "DSP48E1 that lack a register")


def _missing_registers(cell: Cell) -> list[str]:
    missing = []
    for operand in "ABCD":
        pins = {operand}
        if cell.text(f"{operand}_INPUT", "DIRECT") == "CASCADE":
            pins = {operand + "CIN"}
        used = any(pin in pins for pin, _ in cell.input_nets())
        if used and not cell.number(f"{operand}REG", 1):
            missing.append(f"{operand}REG")
    if cell.text("USE_MULT", "MULTIPLY") != "NONE" and not cell.number("MREG", 1):
        missing.append("MREG")
    if not cell.number("PREG", 1):
        missing.append("PREG")
    return missing


def dsp_controls_without_register(netlist: Netlist) -> int:
    """Count the DSP48E1 whose mode a net sets that no register lies behind, down to the result."""
    controls = {"OPMODE": "OPMODEREG", "ALUMODE": "ALUMODEREG", "INMODE": "INMODEREG"}
    return sum(
        any(pin in controls and not cell.number(controls[pin], 1) for pin, _ in cell.input_nets())
        for cell in netlist.cells
        if cell.kind == "DSP48E1"
    )


@dataclass(frozen=True)
class Banks:
    """The weight memories.

    Parameters
    ----------
    instances, memories : int
        Instances that are banks, and block memories in them.
    violations : tuple[str, ...]
        A sentence for each memory whose address is not its bank's own.
    """

    instances: int
    memories: int
    violations: tuple[str, ...]


def check_banks(netlist: Netlist, pattern: str) -> Banks:
    """Check that each bank's memories are addressed by registers of that bank alone.

    Parameters
    ----------
    netlist : Netlist
        The netlist.
    pattern : str
        Regular expression that is found in an instance's own name where it is a bank. Of
        instances within each other the innermost counts.
    """
    name = re.compile(pattern)
    banks = {
        cell.name: bank
        for cell in netlist.cells
        if cell.kind in BLOCK_RAMS and (bank := _bank(netlist, netlist.scope(cell), name))
    }
    addressed: dict[int, set[str]] = defaultdict(set)
    memories = [cell for cell in netlist.cells if cell.name in banks]
    for cell in memories:
        for pin, bit in cell.input_nets():
            if pin.startswith("ADDR"):
                addressed[bit].add(banks[cell.name])
    found = []
    for cell in memories:
        bank = banks[cell.name]
        reasons: Counter[str] = Counter()
        for pin, bit in cell.input_nets():
            if pin.startswith("ADDR") and (reason := _fault(netlist, bit, bank, addressed[bit])):
                reasons[reason] += 1
        for reason, n in reasons.items():
            sentence = (
                f"A weight memory must be addressed by registers of its bank alone, but {n} "
                f"address pins of {plain(cell.name)} come from {reason}"
            )
            key = re.sub(r"\d+", "#", f"{netlist.pattern(cell.name)} {reason}")
            found.append((key, sentence))
    violations = summarize(found, "addresses of weight memories")
    return Banks(len(set(banks.values())), len(banks), violations)


def _bank(netlist: Netlist, scope: str, pattern: re.Pattern[str]) -> str:
    for place in netlist.chain(scope):
        parent = netlist.scope_of(place)
        if pattern.search(place[len(parent) :]):
            return place
    return ""


def _fault(netlist: Netlist, bit: int, bank: str, addressed: set[str]) -> str:
    """What is wrong with the net at an address pin; empty where it is as it must be."""
    driver = netlist.drivers.get(bit)
    if driver is None:
        return f"{netlist.name(bit)}, which no cell drives"
    if driver.kind not in FLIP_FLOPS:
        return f"{plain(driver.name)}, which is no flip-flop ({driver.kind})"
    if not within(netlist.scope(driver), bank):
        place = netlist.scope(driver) or "the top"
        return f"{base(netlist.name(bit))}, which lies in {place}"
    others = sorted(addressed - {bank})
    if others:
        return f"{base(netlist.name(bit))}, which also addresses {others[0]}"
    return ""
