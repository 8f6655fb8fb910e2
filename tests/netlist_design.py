"""Netlists for tests, made cell by cell in the form of Yosys' JSON."""

import json
from collections.abc import Iterable

from zynq_lstm.hw.netlist import Netlist, from_module

OUTPUTS = {"O", "O5", "O6", "Q", "Q31", "CO", "P", "DOADO", "DOA", "DOB", "DOD", "SPO", "DPO"}
CLOCK = 2


class Design:
    """A module in the form of Yosys' JSON, built cell by cell; net 2 is the clock."""

    def __init__(self) -> None:
        self._next = CLOCK
        self.module: dict = {"ports": {}, "cells": {}, "netnames": {}}
        self.port("clk", "input")

    def nets(self, count: int, name: str = "") -> list[int]:
        bits = list(range(self._next, self._next + count))
        self._next += count
        if name:
            self.alias(name, bits)
        return bits

    def alias(self, name: str, bits: Iterable[int]) -> None:
        self.module["netnames"][name] = {"hide_name": int(name[0] == "$"), "bits": list(bits)}

    def port(self, name: str, direction: str, bits: list[int] | None = None) -> list[int]:
        bits = self.nets(1) if bits is None else bits
        self.module["ports"][name] = {"direction": direction, "bits": bits}
        self.alias(name, bits)
        return bits

    def cell(self, kind: str, name: str = "", parameters: dict | None = None, **pins) -> str:
        name = name or f"$cell{len(self.module['cells'])}"
        self.module["cells"][name] = {
            "type": kind,
            "parameters": parameters or {},
            "port_directions": {pin: "output" if pin in OUTPUTS else "input" for pin in pins},
            "connections": {
                pin: bits if isinstance(bits, list) else [bits] for pin, bits in pins.items()
            },
        }
        return name

    def instance(self, *paths: str) -> None:
        for path in paths:
            self.cell("$scopeinfo", path, {"TYPE": "module"})

    def register(self, d: int | str, name: str = "", cell: str = "", **pins) -> int:
        (q,) = self.nets(1, name)
        self.cell("FDRE", cell, C=CLOCK, Q=q, D=d, **{"CE": "1", "R": "0", **pins})
        return q

    def lut(self, *inputs: int | str) -> int:
        (o,) = self.nets(1)
        self.cell(f"LUT{len(inputs)}", O=o, **{f"I{k}": bit for k, bit in enumerate(inputs)})
        return o

    def chain(self, bit: int | str, luts: int) -> int | str:
        for _ in range(luts):
            bit = self.lut(bit)
        return bit

    def carry(self, count: int, **first: list[int | str]) -> list[int]:
        """A carry chain of some CARRY4; returns the last one's outputs."""
        pins = {"CI": ["0"], "CYINIT": ["0"], "S": ["x"] * 4, "DI": ["0"] * 4} | first
        for _ in range(count):
            total, out = self.nets(4), self.nets(4)
            self.cell("CARRY4", O=total, CO=out, **pins)
            pins = {"CI": [out[3]], "CYINIT": ["0"], "S": ["x"] * 4, "DI": ["0"] * 4}
        return total

    def netlist(self) -> Netlist:
        return from_module(json.loads(json.dumps(self.module)))


NUMBERS = ("AREG", "BREG", "CREG", "DREG", "MREG", "PREG", "OPMODEREG")


def multiplier(design: Design, parameters: dict[str, int | str], **pins) -> int:
    (out,) = design.nets(1)
    written = {k: f"{v:032b}" if k in NUMBERS else v for k, v in parameters.items()}
    operand = design.register("0")
    design.cell("DSP48E1", "mul", written, **{"A": operand, "B": operand, "P": out, **pins})
    return out
