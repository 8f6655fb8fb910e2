"""Cells of the 7 series in one top, compiled once: pins in, pins out, cycle by cycle."""

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.sim.library import compile_library
from zynq_lstm.sim.netlist import CELLS, REFUSALS

HARNESS = Path(__file__).with_name("cells.cpp")


@dataclass
class Instance:
    """A cell with some parameters, and what it should do.

    Parameters
    ----------
    kind : str
    reference : callable
        Makes the reference.
    inputs, outputs : Mapping[str, int]
        Widths of the pins that are driven at random and of those that are compared.
    parameters : Mapping[str, int or str]
    clock : tuple of str
        Pins that the clock drives.
    tied : Mapping[str, int]
        Pins of one value.
    addresses : Mapping[str, list of int]
        Of pins that have few values.
    """

    kind: str
    reference: Callable[[], Any]
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    parameters: Mapping[str, int | str] = field(default_factory=dict)
    clock: tuple[str, ...] = ()
    tied: Mapping[str, int] = field(default_factory=dict)
    addresses: Mapping[str, list[int]] = field(default_factory=dict)

    def verilog(self, name: str, x: int, y: int) -> str:
        """The instance, its pins at places of a wide input and a wide output."""
        pins = [f".{pin}(clk)" for pin in self.clock]
        pins += [f".{pin}({value})" for pin, value in self.tied.items()]
        for pins_of, vector, place in ((self.inputs, "x", x), (self.outputs, "y", y)):
            for pin, width in pins_of.items():
                pins.append(f".{pin}({vector}[{place}+:{width}])")
                place += width
        parameters = [f".{n}({_literal(v)})" for n, v in self.parameters.items()]
        return f"{self.kind} #({', '.join(parameters)}) {name} ({', '.join(pins)});"

    def draw(self, rng: np.random.Generator) -> dict[str, int]:
        """Values of the driven pins in a cycle."""
        return {
            pin: int(rng.choice(self.addresses[pin]))
            if pin in self.addresses
            # Resets are rare, lest they hide everything.
            else int(rng.random() < 0.1)
            if pin.startswith("R") and width == 1
            else int.from_bytes(rng.bytes(8), "little") % (1 << width)
            for pin, width in self.inputs.items()
        }


def _literal(value: int | str) -> str:
    """A parameter's value; a number without a size has 32 bits."""
    if isinstance(value, str):
        return f'"{value}"'
    return str(value) if value < 1 << 31 else f"{max(256, value.bit_length())}'h{value:x}"


class Played:
    """All cells in one compiled top."""

    def __init__(
        self, folder: Path, instances: list[Instance], cells: Sequence[Path] = CELLS
    ) -> None:
        self._instances = instances
        lines, x, y = [], 0, 0
        for k, instance in enumerate(instances):
            lines.append(instance.verilog(f"cell{k}", x, y))
            x += sum(instance.inputs.values())
            y += sum(instance.outputs.values())
        self._words = [-(-bits // 32) for bits in (x, y)]
        text = "\n".join(lines)
        path = folder / "cells.v"
        path.write_text(
            f"module cells (input clk, input [{x - 1}:0] x, output [{y - 1}:0] y);\n"
            f"{text}\nendmodule\n"
        )
        self.library = compile_library([*cells, path], "cells", harness=HARNESS, flags=REFUSALS)

    def packed(self, drawn: list[list[dict[str, int]]]) -> NDArray[np.uint32]:
        """Words of the top's input in each cycle."""
        wide = self._words[0]
        x = np.zeros((len(drawn), wide), "<u4")
        for row, cycle in zip(x, drawn, strict=True):
            value = place = 0
            for instance, pins in zip(self._instances, cycle, strict=True):
                for pin, width in instance.inputs.items():
                    value |= pins[pin] << place
                    place += width
            row[:] = np.frombuffer(value.to_bytes(4 * wide, "little"), "<u4")
        return x

    def __call__(self, drawn: list[list[dict[str, int]]]) -> list[list[dict[str, int]]]:
        """Outputs of each instance in each cycle."""
        x, y = self.packed(drawn), np.zeros((len(drawn), self._words[1]), "<u4")
        library = ctypes.CDLL(str(self.library))
        library.cells_new.restype = ctypes.c_void_p
        library.cells_free.argtypes = [ctypes.c_void_p]
        library.cells_play.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_uint32]
        top = library.cells_new()
        library.cells_play(top, x.ctypes.data, y.ctypes.data, len(drawn))
        library.cells_free(top)
        shown = []
        for row in y:
            value = int.from_bytes(row.tobytes(), "little")
            shown.append([])
            for instance in self._instances:
                shown[-1].append({})
                for pin, width in instance.outputs.items():
                    shown[-1][-1][pin] = value & ((1 << width) - 1)
                    value >>= width
        return shown
