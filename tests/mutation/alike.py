"""Proofs that a fault changes nothing: in every state, whatever the inputs, all goes on as before.

From the place of a fault logic leads to registers, memories and outputs. With the fault and
without it each takes the same value, for any values of the registers, memories' outputs and inputs
that it depends on: then the two chips are the same. States that cannot be reached count here like
the others, so that a fault without such a proof may change nothing all the same.
"""

from collections.abc import Callable
from functools import reduce
from operator import and_, or_

import z3
from mutation.faults import Fault
from mutation.netlist import Bit, Cell, Netlist

LIMIT_MS = 20_000
STATEFUL = ("$dff", "$memrd", "$memrd_v2", "$memwr", "$memwr_v2")
"""Where logic begins and ends; a memory's output follows its address, which is compared."""


def is_alike(netlist: Netlist, fault: Fault) -> bool:
    """It is proved that a fault changes nothing; of stages nothing is."""
    if not fault.edits:
        return False
    cell = fault.cell
    edits = {(cell.name, port, bit): mode for port, bit, mode in fault.edits}
    if any(port in cell.outputs for port, *_ in fault.edits) and cell.kind in STATEFUL:
        return False
    right, wrong = _Logic(netlist, {}), _Logic(netlist, edits)
    solver = z3.Solver()
    solver.set("timeout", LIMIT_MS)
    ends = _ends(netlist, fault)
    solver.add(z3.Or([right.end(*end) != wrong.end(*end) for end in ends]))
    return bool(solver.check() == z3.unsat)


def _ends(netlist: Netlist, fault: Fault) -> list[tuple[str | None, str, int]]:
    """Bits of ports of registers and memories, and outputs, that a fault may reach."""
    ends: list[tuple[str | None, str, int]] = []
    if fault.cell.kind in STATEFUL:
        return [(fault.cell.name, port, bit) for port, bit, _ in fault.edits]
    level, seen = [fault.cell], {fault.cell.name}
    while level:
        driven = {bit for c in level for p in c.outputs for bit in c.ports[p]}
        ends += [(None, "", bit) for bit in driven if netlist.is_output(bit)]
        level = []
        for cell in netlist.readers(driven):
            if cell.kind in STATEFUL:
                for port, bits in cell.ports.items():
                    if port not in cell.outputs:
                        ends += [(cell.name, port, k) for k, b in enumerate(bits) if b in driven]
            elif cell.name not in seen:
                seen.add(cell.name)
                level.append(cell)
    return ends


class _Logic:
    """Values of nets, with some bits of ports edited."""

    def __init__(self, netlist: Netlist, edits: dict[tuple[str, str, int], str]) -> None:
        self._netlist, self._edits = netlist, edits
        self._values: dict[Bit, z3.BitVecRef] = {}

    def end(self, cell: str | None, port: str, bit: int) -> z3.BitVecRef:
        """What a bit of a port takes, or an output shows."""
        if cell is None:
            return self._net(bit)
        return self._edited(cell, port, bit, self._net(self._netlist.cell(cell).ports[port][bit]))

    def _edited(self, cell: str, port: str, bit: int, value: z3.BitVecRef) -> z3.BitVecRef:
        mode = self._edits.get((cell, port, bit))
        if mode is None:
            return value
        return ~value if mode == "inv" else z3.BitVecVal(int(mode == "const1"), 1)

    def _net(self, bit: Bit) -> z3.BitVecRef:
        if isinstance(bit, str):
            return z3.BitVecVal(int(bit == "1"), 1)
        if bit not in self._values:
            cell = self._netlist.driver(bit)
            if cell is None or cell.kind in STATEFUL:
                self._values[bit] = z3.BitVec(f"net{bit}", 1)
            else:
                self._evaluate(cell)
        return self._values[bit]

    def _evaluate(self, cell: Cell) -> None:
        (out,) = cell.outputs
        inputs = {}
        for port, bits in cell.ports.items():
            if port != out:
                nets = [self._edited(cell.name, port, k, self._net(b)) for k, b in enumerate(bits)]
                inputs[port] = z3.Concat(*reversed(nets)) if len(nets) > 1 else nets[0]
        value = _value(cell, inputs, len(cell.ports[out]))
        for k, bit in enumerate(cell.ports[out]):
            self._values[bit] = self._edited(cell.name, out, k, z3.Extract(k, k, value))


def _value(cell: Cell, i: dict[str, z3.BitVecRef], width: int) -> z3.BitVecRef:
    """What a cell of Yosys computes, as wide as its output."""
    signs = [cell.parameters[p] for p in ("A_SIGNED", "B_SIGNED") if p in cell.parameters]
    signed = all(int(sign, 2) for sign in signs)
    a = i["A"]
    if cell.kind == "$mux":
        return z3.If(i["S"] == 1, i["B"], a)
    if cell.kind == "$pmux":
        chosen = a
        for k in reversed(range(i["S"].size())):
            part = z3.Extract((k + 1) * width - 1, k * width, i["B"])
            chosen = z3.If(z3.Extract(k, k, i["S"]) == 1, part, chosen)
        return chosen
    if cell.kind in _OF_BITS:
        bits = [z3.Extract(k, k, a) for k in range(a.size())]
        return _wide(_OF_BITS[cell.kind](bits), width)
    if cell.kind in _COMPARISONS:
        most = max(a.size(), i["B"].size())
        answer = _COMPARISONS[cell.kind](*(_wide(v, most, signed) for v in (a, i["B"])), signed)
        return _wide(z3.If(answer, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)), width)
    if cell.kind == "$not":
        return ~_wide(a, width, signed)
    if cell.kind == "$shr":
        return z3.LShR(_wide(a, max(width, a.size())), _wide(i["B"], max(width, a.size())))
    return _ARITHMETIC[cell.kind](*(_wide(v, width, signed) for v in (a, i["B"])))


def _wide(value: z3.BitVecRef, width: int, signed: bool = False) -> z3.BitVecRef:
    more = width - value.size()
    if more <= 0:
        return z3.Extract(width - 1, 0, value)
    return z3.SignExt(more, value) if signed else z3.ZeroExt(more, value)


_OF_BITS: dict[str, Callable[[list[z3.BitVecRef]], z3.BitVecRef]] = {
    "$reduce_or": lambda bits: reduce(or_, bits),
    "$reduce_and": lambda bits: reduce(and_, bits),
    "$logic_not": lambda bits: ~reduce(or_, bits),
}
_COMPARISONS: dict[str, Callable[..., z3.BoolRef]] = {
    "$eq": lambda a, b, _: a == b,
    "$ne": lambda a, b, _: a != b,
    "$lt": lambda a, b, signed: a < b if signed else z3.ULT(a, b),
    "$ge": lambda a, b, signed: a >= b if signed else z3.UGE(a, b),
}
_ARITHMETIC: dict[str, Callable[..., z3.BitVecRef]] = {
    "$and": lambda a, b: a & b,
    "$or": lambda a, b: a | b,
    "$xor": lambda a, b: a ^ b,
    "$add": lambda a, b: a + b,
    "$sub": lambda a, b: a - b,
    "$mul": lambda a, b: a * b,
}
