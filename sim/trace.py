"""A chip that writes what its signals do, as a waveform (VCD) for GTKWave or Surfer.

It is compiled apart, for a simulator that can trace is slower. To keep the file small, it has the
signals of the parts that are written out once, in the top's file, and not what is within the blocks
(regions and banks of the engine, tables, lanes), nor wires to which only a tool gave a name. A
cycle lasts 7 ns in the waveform, as at the clock of 1 GHz / 7.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.files import temporary_folder, unwritable, written_beside
from zynq_lstm.sim.library import HARNESS, compile_library, make_cache_folder, verilator_environment
from zynq_lstm.sim.simulator import Chip

_FILE = Path(__file__).with_name("waveform_file.cpp")
_UNTRACED = """\
`verilator_config
tracing_off -file "*/{top}_*.v"
"""


def build(config: Config, report: Callable[[str], None] | None = None) -> Path:
    """Emit and compile an accelerator that can write waveforms; the library's path."""
    verilator_environment()
    make_cache_folder()
    from zynq_lstm.hw.accelerator import require_hardware
    from zynq_lstm.hw.verilog import TOP, write_verilog

    require_hardware(config)
    if report:
        report("Amaranth writes the Verilog")
    with temporary_folder() as folder:
        sources = write_verilog(config, folder)
        for path in sources:
            # Verilator leaves names out that begin with an underscore; a tool's begin with a $.
            path.write_text(path.read_text().replace("\\$", "\\_$"))
        untraced = folder / "untraced.vlt"
        untraced.write_text(_UNTRACED.format(top=TOP))
        harness = folder / "harness.cpp"
        harness.write_text(_FILE.read_text() + HARNESS.read_text())
        return compile_library(
            [untraced, *sources], TOP, harness=harness, traced=True, report=report
        )


class TracedChip(Chip):
    """A chip that can write a waveform.

    Parameters
    ----------
    config : Config
    report : callable, optional
        Told what is being built.
    """

    def __init__(self, config: Config, report: Callable[[str], None] | None = None) -> None:
        super().__init__(config, build(config, report))
        self._library.zl_trace.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        self._library.zl_trace.restype = ctypes.c_uint32
        self._library.zl_trace_end.argtypes = [ctypes.c_void_p]
        self._library.zl_trace_end.restype = None
        self._library.zl_trace_error.argtypes = []
        self._library.zl_trace_error.restype = ctypes.c_int

    @contextmanager
    def recording(self, path: Path) -> Iterator[None]:
        """Write a waveform of all that happens meanwhile; it appears when it is whole.

        Raises
        ------
        UserError
            When the file cannot be written.
        """
        with written_beside(path) as part:
            self._library.zl_trace(self._handle, os.fsencode(part))
            try:
                yield
            finally:
                self._library.zl_trace_end(self._handle)
            if error := self._library.zl_trace_error():
                raise unwritable(path, OSError(error, os.strerror(error)))
