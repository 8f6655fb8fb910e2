"""The arithmetic operators of the emitted Verilog, compiled, with numpy arrays in and out."""

import ctypes
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.hw.activation import Activation
from zynq_lstm.hw.logarithm import Close
from zynq_lstm.hw.multiplier import PAIR_LATENCY
from zynq_lstm.hw.requantizer import Lane
from zynq_lstm.hw.sampler import Noise
from zynq_lstm.hw.surprisal_lane import Exponential
from zynq_lstm.hw.verilog import write_verilog
from zynq_lstm.quant.config import Config
from zynq_lstm.sim.library import compile_library

FOLDER = Path(__file__).with_name("exhaustive")
SMALLEST = Config(hidden=16, layers=1, symbols=4, multipliers=64)
"""The operators are the same blocks in every configuration; the smallest is emitted quickly."""

SELECTS = {
    "dsp_pair": (0, PAIR_LATENCY),
    "lut_pair": (1, PAIR_LATENCY),
    "activation": (2, Activation.latency),
    "exponential": (3, Exponential.latency),
    "close": (4, Close.latency),
    "lane": (5, Lane.latency),
    "noise": (6, Noise.latency),
}
"""Number in operators.v, and latency."""

LAYOUTS = {
    "dsp_pair": (16, 8),
    "lut_pair": (16, 8),
    "activation": (16,),
    "exponential": (16, 1),
    "close": (29, 16),
    "lane": (22, 16, 18),
    "noise": (15, 16),
}
"""Widths of the fields of an input word, lowest first."""


class Operators:
    """The compiled operators."""

    def __init__(self, folder: Path, *, alter=lambda name, text: text):
        """Compile; ``alter`` may plant a fault in the text of a file."""
        sources = write_verilog(SMALLEST, folder)
        for path in sources:
            path.write_text(alter(path.name, path.read_text()))
        top = sources[-1].read_text()
        ((close, ports),) = re.findall(r"^module (\\\S+\.close) \((.*?)\);", top, re.M | re.S)
        (clk,), (rst,) = (re.findall(rf"\w+_{end}\b", ports) for end in ("clk", "rst"))
        definitions = f"`define CLOSE {close} \n`define CLOSE_CLK {clk}\n`define CLOSE_RST {rst}\n"
        definitions += f"`define ADDEND_AFTER {Lane.ADDEND_AFTER}\n"
        wrapper = folder / "operators.v"
        wrapper.write_text(definitions + (FOLDER / "operators.v").read_text())
        library = compile_library(
            [*sources, wrapper], "operators", harness=FOLDER / "operators.cpp"
        )
        self._library = ctypes.CDLL(str(library))
        self._library.op_new.restype = ctypes.c_void_p
        self._library.op_free.argtypes = [ctypes.c_void_p]
        self._library.op_play.argtypes = [
            ctypes.c_void_p,
            ctypes.c_uint32,
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_size_t,
            ctypes.c_uint32,
        ]
        self._chip = self._library.op_new()

    def close(self) -> None:
        """Free the simulation."""
        self._library.op_free(self._chip)

    def __call__(self, name: str, *fields) -> NDArray[np.int64]:
        """Output word of the operator for each row of its fields (broadcast, then flattened)."""
        x = np.zeros(np.broadcast_shapes(*(np.shape(f) for f in fields)), np.int64)
        place = 0
        for field, width in zip(fields, LAYOUTS[name], strict=True):
            x |= (np.asarray(field, np.int64) & ((1 << width) - 1)) << place
            place += width
        select, latency = SELECTS[name]
        hold = latency + 1 if name == "close" else 1
        lead = 0 if name == "close" else latency
        x = np.concatenate([x.ravel(), np.repeat(x.ravel()[-1:], lead)])
        y = np.empty_like(x)
        self._library.op_play(self._chip, select, x.ctypes.data, y.ctypes.data, len(x), hold)
        return y[lead:]


def signed(words: NDArray[np.int64], low: int, bits: int) -> NDArray[np.int64]:
    """A signed field of output words."""
    field = (words >> low) & ((1 << bits) - 1)
    return field - ((field >> (bits - 1)) << bits)


def assert_equal(found, expected, **inputs) -> None:
    """Equality; says how many differ, and with which inputs the first does."""
    expected = np.broadcast_to(expected, np.shape(expected)).ravel()
    wrong = np.flatnonzero(found != expected)
    if len(wrong):
        at = int(wrong[0])
        shape = np.broadcast_shapes(*(np.shape(v) for v in inputs.values()))
        cause = {n: int(np.broadcast_to(v, shape).ravel()[at]) for n, v in inputs.items()}
        raise AssertionError(
            f"{len(wrong)} of {len(expected)} differ, first: found {found[at]}, "
            f"expected {expected[at]}, with {cause}"
        )
