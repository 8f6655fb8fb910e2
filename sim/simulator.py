"""One simulated chip: the emitted Verilog, and what stands around it in a block design.

A register access or `Chip.clock` lets the chip's clock go on; whatever does, the compiled harness
serves both streams at each cycle from a queue of its own. Every call has a limit of cycles, so that
a fault in the hardware ends in a sentence, not in a hang.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from enum import IntFlag
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import temporary_folder
from zynq_lstm.sim.library import compile_library, make_cache_folder, verilator_environment

Words = NDArray[np.uint64]
Flags = NDArray[np.uint16]

TLAST = 1 << 8
"""In a word's flags, above the eight bits of its TKEEP: the packet's end."""

_RESET_CYCLES = 32
_CHUNK_CYCLES = 100_000
"""Cycles of one call of the harness, in which Python does not hear Ctrl-C: less than a second."""
_CHUNK_WORDS = 4096


class Until(IntFlag):
    """What `Chip.clock` may wait for."""

    INTERRUPT = 1
    """The interrupt is high."""
    TAKEN = 2
    """The chip has taken all words that were offered."""
    ENDED = 4
    """The sink takes no more: TLAST has come, or its room is used up."""


class HardwareError(RuntimeError):
    """The chip does not do what any chip must."""


def build(config: Config, report: Callable[[str], None] | None = None) -> Path:
    """Emit and compile an accelerator; the library's path."""
    verilator_environment()  # what is missing is said before the work begins
    make_cache_folder()
    from zynq_lstm.hw.accelerator import require_hardware
    from zynq_lstm.hw.verilog import TOP, write_verilog

    require_hardware(config)
    if report:
        report("Amaranth writes the Verilog")
    with temporary_folder() as folder:
        sources = write_verilog(config, folder)
        return compile_library(sources, TOP, report=report)


@lru_cache(maxsize=8)
def _load(path: Path) -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise UserError(
            f"Simulator {path} must be a library that loads: {error}; delete it, and it is "
            "compiled again"
        ) from None
    p, u32, u64 = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
    signatures = {
        "zl_new": (p, []),
        "zl_free": (None, [p]),
        "zl_reset": (None, [p, u32]),
        "zl_stalls": (None, [p, u32, u32, u32, u32]),
        "zl_write": (u32, [p, u32, u32]),
        "zl_read": (u32, [p, u32, p]),
        "zl_offer": (None, [p, p, u32, u32, u32]),
        "zl_offered": (u32, [p]),
        "zl_withdraw": (None, [p]),
        "zl_accept": (None, [p, u32]),
        "zl_collect": (u32, [p, p, p, u32]),
        "zl_clock": (u64, [p, u64, u32]),
        "zl_cycles": (u64, [p]),
        "zl_interrupt": (u32, [p]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Chip:
    """A chip after reset, between an AXI4-Lite master, a stream source and a stream sink.

    Parameters
    ----------
    config : Config
    library : path, optional
        A compiled simulator of that configuration; without it, `build` makes one.
    report : callable, optional
        Told what is being built.
    """

    _opened: int | None = None
    """What the library calls the chip; a chip that could not be built has none."""

    def __init__(
        self,
        config: Config,
        library: Path | None = None,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self.config = config
        self._library = _load(library or build(config, report))
        self._opened = self._library.zl_new()
        self.reset()

    def close(self) -> None:
        """Free the simulator; it may be called twice, and nothing else afterwards."""
        opened, self._opened = self._opened, None
        if opened is not None:
            self._library.zl_free(opened)

    def __del__(self) -> None:
        self.close()

    @property
    def _handle(self) -> int:
        """The harness's chip; it would not survive a call without one."""
        if self._opened is None:
            raise RuntimeError("Chip must not be used after it has been closed")
        return self._opened

    def reset(self) -> None:
        """Hold ``aresetn`` low for a few cycles; source and sink forget what they have."""
        self._library.zl_reset(self._handle, _RESET_CYCLES)

    def stalls(self, into: float, out: float, seed: int, *, registers: float = 0.0) -> None:
        """Pause at random: chances in a cycle, 0 to 0.99; with 1 nothing goes on.

        Parameters
        ----------
        into, out : float
            Of the stream into the chip and of the one out of it.
        seed : int
        registers : float
            Of each valid and ready of the AXI4-Lite master.
        """
        chances = [int(256 * chance) for chance in (into, out, registers)]
        self._library.zl_stalls(self._handle, *chances, seed)

    def write(self, offset: int, value: int) -> None:
        """Write 32 bits to the register at a byte offset.

        Raises
        ------
        HardwareError
            When the write is not answered.
        """
        if not self._library.zl_write(self._handle, offset, value):
            raise HardwareError(f"A write to register 0x{offset:02X} must be answered; it is not")

    def read(self, offset: int) -> int:
        """Return the register at a byte offset.

        Raises
        ------
        HardwareError
            When the read is not answered.
        """
        value = ctypes.c_uint32(0)
        if not self._library.zl_read(self._handle, offset, ctypes.byref(value)):
            raise HardwareError(f"A read of register 0x{offset:02X} must be answered; it is not")
        return value.value

    def offer(self, words: Words, last_bytes: int = 8, *, ends: bool = True) -> None:
        """Append words to what goes into the chip.

        Parameters
        ----------
        words : ndarray of uint64, shape (n,)
        last_bytes : int
            Bytes of the last word that count, 1 to 8: its TKEEP.
        ends : bool
            The packet ends with the last word (TLAST).
        """
        data = np.ascontiguousarray(words, np.uint64)
        keep = (1 << last_bytes) - 1
        self._library.zl_offer(self._handle, data.ctypes.data, len(data), keep, ends)

    @property
    def offered(self) -> int:
        """Words that the chip has not yet taken."""
        return int(self._library.zl_offered(self._handle))

    def withdraw(self) -> None:
        """Drop the words that the chip has not yet taken."""
        self._library.zl_withdraw(self._handle)

    def accept(self, words: int) -> None:
        """Let the sink take so many words more, or fewer where a packet ends before."""
        self._library.zl_accept(self._handle, words)

    def collect(self) -> tuple[Words, Flags]:
        """Move out the words that have come.

        Returns
        -------
        words : ndarray of uint64, shape (n,)
        flags : ndarray of uint16, shape (n,)
            TKEEP of each in bits 0-7, TLAST in bit 8.
        """
        words, flags = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint16)]
        came = _CHUNK_WORDS
        while came == _CHUNK_WORDS:
            data, kept = np.zeros(_CHUNK_WORDS, np.uint64), np.zeros(_CHUNK_WORDS, np.uint16)
            came = self._library.zl_collect(
                self._handle, data.ctypes.data, kept.ctypes.data, _CHUNK_WORDS
            )
            words.append(data[:came])
            flags.append(kept[:came])
        return np.concatenate(words), np.concatenate(flags)

    def clock(self, cycles: int, until: Until = Until(0)) -> int:  # noqa: B008 - a constant
        """Clock, until one of some things is so or the cycles have passed.

        Returns
        -------
        int
            The cycles clocked; 0 where it was so already.
        """
        passed = 0
        while passed < cycles:
            chunk = min(cycles - passed, _CHUNK_CYCLES)
            clocked = self._library.zl_clock(self._handle, chunk, until)
            passed += clocked
            if clocked < chunk:
                break
        return passed

    @property
    def cycles(self) -> int:
        """Clock cycles simulated so far."""
        return int(self._library.zl_cycles(self._handle))

    @property
    def interrupt(self) -> bool:
        """The interrupt is high."""
        return bool(self._library.zl_interrupt(self._handle))
