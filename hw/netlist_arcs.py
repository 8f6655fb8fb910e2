"""How signals pass the cells of a 7-series netlist.

The ways through a cell are arcs from its input nets to an output net, each with the LUTs and the
CARRY4 that they pass. Only the arcs that a cell has are given: a CARRY4 takes its carry
upwards only, and a select pin that is constant cuts off what it cuts off in the silicon (0 the
carry from below, 1 the data). LUTs used as memories pass a read address to their output. A DSP
passes an operand to its result where no register lies between.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from zynq_lstm.hw.netlist import (
    BUFFERS,
    LUT_RAMS,
    LUTS,
    SHIFT_REGISTERS,
    WIDE_MULTIPLEXERS,
    Bit,
    Cell,
)

Arc = tuple[int, int, int, tuple[int, ...]]
"""From some nets to one: (the net, LUTs passed, CARRY4 passed, from which nets)."""

_DSP_STAGES = {
    "A": ("AREG", "ADREG", "MREG", "PREG"),
    "ACIN": ("AREG", "ADREG", "MREG", "PREG"),
    "D": ("DREG", "ADREG", "MREG", "PREG"),
    "B": ("BREG", "MREG", "PREG"),
    "BCIN": ("BREG", "MREG", "PREG"),
    "C": ("CREG", "PREG"),
    "CARRYIN": ("CARRYINREG", "PREG"),
    "ALUMODE": ("ALUMODEREG", "PREG"),
    "OPMODE": ("OPMODEREG", "PREG"),
    "CARRYINSEL": ("CARRYINSELREG", "PREG"),
    "INMODE": ("INMODEREG", "MREG", "PREG"),
    "PCIN": ("PREG",),
    "CARRYCASCIN": ("PREG",),
    "MULTSIGNIN": ("PREG",),
}
"""The registers between each data or control input of a DSP48E1 and its result."""


def dsp_is_registered(cell: Cell, pin: str) -> bool:
    """Whether a register lies between an input of a DSP48E1 and its result."""
    if pin not in _DSP_STAGES:
        return True  # clock enables and resets end at the register that they control
    skipped = set()
    if cell.text("USE_DPORT", "FALSE") != "TRUE":
        skipped.add("ADREG")
    if cell.text("USE_MULT", "MULTIPLY") == "NONE":
        skipped.add("MREG")
    return any(cell.number(stage, 1) for stage in _DSP_STAGES[pin] if stage not in skipped)


@dataclass
class Timing:
    """How signals pass one cell.

    Parameters
    ----------
    arcs : list[Arc]
        Combinational ways through it.
    starts : list[tuple[int, int]]
        Nets at which a path starts, with the LUTs that it begins with.
    ends : list[tuple[str, int]]
        Pins and nets at which a path ends.
    """

    arcs: list[Arc] = field(default_factory=list)
    starts: list[tuple[int, int]] = field(default_factory=list)
    ends: list[tuple[str, int]] = field(default_factory=list)


def timing(cell: Cell) -> Timing:
    """Describe how signals pass a cell."""
    kind = cell.kind
    if kind in LUTS or kind == "INV":
        return Timing(arcs=_through(cell, 1))
    if kind in WIDE_MULTIPLEXERS or kind in BUFFERS:
        return Timing(arcs=_through(cell, 0))
    if kind == "CARRY4":
        return Timing(arcs=_carry_arcs(cell))
    if kind in SHIFT_REGISTERS or kind in LUT_RAMS:
        return _lut_memory(cell)
    if kind == "DSP48E1":
        return _dsp(cell)
    return _register(cell)


def net_bits(bits: Iterable[Bit]) -> tuple[int, ...]:
    """Those bits that are nets and no constants."""
    return tuple(bit for bit in bits if isinstance(bit, int))


def _through(cell: Cell, luts: int) -> list[Arc]:
    inputs = tuple(bit for _, bit in cell.input_nets())
    return [(bit, luts, 0, inputs) for _, bit in cell.output_nets()]


def _register(cell: Cell) -> Timing:
    clocks = cell.clock_pins
    return Timing(
        starts=[(bit, 0) for _, bit in cell.output_nets()],
        ends=[(pin, bit) for pin, bit in cell.input_nets() if pin not in clocks],
    )


def _carry_arcs(cell: Cell) -> list[Arc]:
    arcs: list[Arc] = []
    carry = net_bits([*cell.inputs.get("CI", ()), *cell.inputs.get("CYINIT", ())])
    for place in range(4):
        select, data = (_pin(cell.inputs, pin, place) for pin in ("S", "DI"))
        total, out = (_pin(cell.outputs, pin, place) for pin in ("O", "CO"))
        if isinstance(total, int):
            arcs.append((total, 0, 1, (*carry, *net_bits([select]))))
        if select == "0":
            carry = net_bits([data])
        elif select != "1":
            carry = (*carry, *net_bits([select, data]))
        if isinstance(out, int):
            arcs.append((out, 0, 1, carry))
    return arcs


def _pin(pins: Mapping[str, tuple[Bit, ...]], pin: str, place: int) -> Bit:
    bits = pins.get(pin, ())
    return bits[place] if place < len(bits) else "x"


def _lut_memory(cell: Cell) -> Timing:
    found = Timing(starts=[(bit, 1) for _, bit in cell.output_nets()])
    for pin, bit in cell.output_nets():
        address = [net for name, net in cell.input_nets() if _addresses(cell.kind, name, pin)]
        if address:
            found.arcs.append((bit, 1, 0, tuple(address)))
    written = {"RAM32M": "ADDRD", "RAM64M": "ADDRD"}.get(cell.kind, "A")
    for pin, bit in cell.input_nets():
        is_read = pin.startswith(("A", "DPRA"))
        is_write = cell.kind in LUT_RAMS and pin.rstrip("0123456789") == written
        if pin not in cell.clock_pins and (not is_read or is_write):
            found.ends.append((pin, bit))
    return found


def _addresses(kind: str, pin: str, output: str) -> bool:
    """Whether an input pin of a LUT memory or shift register is a read address of an output."""
    if kind in ("RAM32M", "RAM64M"):
        return pin == "ADDR" + output.removeprefix("DO")
    if output in ("Q15", "Q31"):
        return False
    return pin.rstrip("0123456789") == ("DPRA" if output == "DPO" else "A")


def _dsp(cell: Cell) -> Timing:
    found = _register(cell)
    unregistered = [
        bit
        for pin, bit in cell.input_nets()
        if pin not in cell.clock_pins and not dsp_is_registered(cell, pin)
    ]
    if unregistered:
        found.arcs = [(bit, 0, 0, tuple(unregistered)) for _, bit in cell.output_nets()]
        found.ends = [(pin, bit) for pin, bit in found.ends if dsp_is_registered(cell, pin)]
    return found
