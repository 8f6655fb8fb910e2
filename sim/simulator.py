"""One simulated chip: the emitted Verilog behind plain method calls.

Python sets up a command and hands over its packet; the compiled harness clocks. Every call has a
limit of cycles, so that a fault in the hardware ends in a sentence, not in a hang.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.protocol import Error, Mode
from zynq_lstm.sim.library import compile_library, verilator_environment

Words = NDArray[np.uint64]
COUNTERS = ("cycles", "steps", "characters", "stalls", "startup", "saturations")
_STATUS = ("busy", "loaded", "error", *COUNTERS)
_CHUNK_CYCLES = 100_000


class HardwareError(RuntimeError):
    """The chip reported an error, or did not finish."""

    def __init__(self, text: str, error: Error = Error(0)) -> None:  # noqa: B008 - a constant
        super().__init__(text)
        self.error = error


def build(config: Config, report: Callable[[str], None] | None = None) -> Path:
    """Emit and compile an accelerator; the library's path."""
    verilator_environment()  # what is missing is said before the work begins
    from zynq_lstm.hw.verilog import TOP, write_verilog

    if report:
        report("Amaranth writes the Verilog")
    with tempfile.TemporaryDirectory() as folder:
        sources = write_verilog(config, folder)
        return compile_library(sources, TOP, report=report)


@lru_cache(maxsize=8)
def _load(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    p, u32, u64 = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
    signatures = {
        "zl_new": (p, []),
        "zl_free": (None, [p]),
        "zl_reset": (None, [p, u32]),
        "zl_start": (None, [p, u32, u32, u32, u32, u64]),
        "zl_cancel": (None, [p]),
        "zl_stalls": (None, [p, u32, u32, u32]),
        "zl_run": (u32, [p, p, u32, u32, u32, p, p, p, u32, u64]),
        "zl_cycles": (u64, [p]),
        "zl_read": (u32, [p, u32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Chip:
    """A chip in reset, then idle.

    Parameters
    ----------
    config : Config
    library : path, optional
        A compiled simulator of that configuration; without it, `build` makes one.
    report : callable, optional
        Told what is being built.
    """

    def __init__(
        self,
        config: Config,
        library: Path | None = None,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self.config = config
        self._handle = None
        self._library = _load(library or build(config, report))
        self._handle = self._library.zl_new()
        self.reset()

    def close(self) -> None:
        """Free the simulator."""
        if self._handle is not None:
            self._library.zl_free(self._handle)
            self._handle = None

    def __del__(self) -> None:
        self.close()

    def reset(self) -> None:
        """Hold the reset for a few cycles."""
        self._library.zl_reset(self._handle, 16)

    def stalls(self, into: float, out: float, seed: int) -> None:
        """Pause the streams at random: chances a cycle, 0 to 0.99."""
        chances = [int(256 * chance) for chance in (into, out)]
        self._library.zl_stalls(self._handle, *chances, seed)

    def status(self, what: str) -> int:
        """``busy``, ``loaded``, ``error`` or one of `COUNTERS`."""
        return int(self._library.zl_read(self._handle, _STATUS.index(what)))

    def counters(self) -> dict[str, int]:
        """All counters; they run on from reset, modulo 2^32."""
        return {name: self.status(name) for name in COUNTERS}

    @property
    def cycles(self) -> int:
        """Clock cycles simulated so far."""
        return int(self._library.zl_cycles(self._handle))

    def run(
        self,
        mode: Mode,
        packet: Words | None = None,
        last_bytes: int = 8,
        *,
        inputs: int = 0,
        outputs: int = 0,
        temperature: int = 0,
        seed: int = 1,
        most_cycles: int = 1_000_000,
    ) -> tuple[Words, NDArray[np.uint16]]:
        """Run a command to its end: `stream`, gathered.

        Returns
        -------
        (data, flags)
            Words that came out, uint64; TKEEP and, in bit 8, TLAST of each, uint16.
        """
        pieces = list(
            self.stream(
                mode,
                packet,
                last_bytes,
                inputs=inputs,
                outputs=outputs,
                temperature=temperature,
                seed=seed,
                most_cycles=most_cycles,
            )
        )
        data = [d for d, _ in pieces] or [np.zeros(0, np.uint64)]
        flags = [f for _, f in pieces] or [np.zeros(0, np.uint16)]
        return np.concatenate(data), np.concatenate(flags)

    def stream(
        self,
        mode: Mode,
        packet: Words | None = None,
        last_bytes: int = 8,
        *,
        inputs: int = 0,
        outputs: int = 0,
        temperature: int = 0,
        seed: int = 1,
        most_cycles: int = 1_000_000,
        words_a_call: int = 4096,
    ) -> Iterator[tuple[Words, NDArray[np.uint16]]]:
        """Start a command, feed its packet and yield words as they come.

        Parameters
        ----------
        packet : ndarray of uint64, optional
        last_bytes : int
            Bytes of the packet's last word.
        inputs, outputs, temperature, seed
            Of the command.
        most_cycles : int
            Limit of the whole run.
        words_a_call : int
            Most words to gather before they are yielded.

        Raises
        ------
        HardwareError
            When the chip reports an error or is still busy after ``most_cycles``. A run that is
            left early is cancelled.
        """
        words = np.zeros(0, np.uint64) if packet is None else np.ascontiguousarray(packet)
        self._library.zl_start(self._handle, int(mode), inputs, outputs, temperature, seed)
        try:
            yield from self._words(mode, words, last_bytes, most_cycles, words_a_call)
        finally:
            if self.status("busy"):
                self._abandon()
        if error := Error(self.status("error")):
            raise HardwareError(f"{mode.name} failed: {error!r}", error)

    def _words(
        self, mode: Mode, words: Words, last_bytes: int, most_cycles: int, words_a_call: int
    ) -> Iterator[tuple[Words, NDArray[np.uint16]]]:
        """Clock until the command has ended."""
        data = np.zeros(words_a_call, np.uint64)
        flags = np.zeros(words_a_call, np.uint16)
        taken = ctypes.c_uint32(0)
        start = self.cycles
        while True:
            came = self._library.zl_run(
                self._handle,
                words.ctypes.data,
                len(words),
                (1 << last_bytes) - 1,
                1,
                ctypes.byref(taken),
                data.ctypes.data,
                flags.ctypes.data,
                words_a_call,
                _CHUNK_CYCLES,
            )
            if came:
                yield data[:came].copy(), flags[:came].copy()
            idle = not self.status("busy") and taken.value == len(words)
            if idle and came < words_a_call:
                return
            if self.cycles - start > most_cycles:
                raise HardwareError(
                    f"{mode.name} must end within {most_cycles} cycles; the chip is still busy "
                    f"({taken.value} of {len(words)} words taken, error {self.status('error')})"
                )

    def _abandon(self) -> None:
        """Cancel a run that its caller has left, and clear its words out of the streams."""
        nothing = np.zeros(0, np.uint64)
        waste = np.zeros(4096, np.uint64)
        flags = np.zeros(4096, np.uint16)
        for _ in range(8):
            self._library.zl_cancel(self._handle)
            self._library.zl_run(
                self._handle,
                nothing.ctypes.data,
                0,
                0,
                0,
                ctypes.byref(ctypes.c_uint32(0)),
                waste.ctypes.data,
                flags.ctypes.data,
                4096,
                _CHUNK_CYCLES // 100,
            )
            if not self.status("busy"):
                return
        self.reset()

    def load(self, payload: Words) -> None:
        """Load an image's payload."""
        try:
            self.run(Mode.LOAD, payload)
        except HardwareError as error:
            if Error.IMAGE in error.error:
                raise UserError(
                    f"The image must be made for the simulated chip ({self.config.describe()}); "
                    "it is not"
                ) from None
            raise
