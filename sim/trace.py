"""A chip that writes what its signals do, as a waveform (VCD) for GTKWave or Surfer.

It is compiled apart, for a simulator that can trace is slower. To keep the file small, it has the
signals of the parts that are written out once, in the top's file, and not what is within the blocks
(regions and banks of the engine, tables, lanes), nor wires to which only a tool gave a name. A
cycle lasts 7 ns in the waveform, as at the clock of 1 GHz / 7.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.sim.library import compile_library, make_cache_folder, verilator_environment
from zynq_lstm.sim.simulator import Chip

_UNTRACED = """\
`verilator_config
tracing_off -file "*/{top}_*.v"
"""


def build(config: Config, report: Callable[[str], None] | None = None) -> Path:
    """Emit and compile an accelerator that can write waveforms; the library's path."""
    verilator_environment()
    make_cache_folder()
    from zynq_lstm.hw.verilog import TOP, write_verilog

    if report:
        report("Amaranth writes the Verilog")
    with tempfile.TemporaryDirectory() as folder:
        sources = write_verilog(config, folder)
        for path in sources:
            # Verilator leaves names out that begin with an underscore; a tool's begin with a $.
            path.write_text(path.read_text().replace("\\$", "\\_$"))
        untraced = Path(folder, "untraced.vlt")
        untraced.write_text(_UNTRACED.format(top=TOP))
        return compile_library([untraced, *sources], TOP, traced=True, report=report)


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

    @contextmanager
    def recording(self, path: Path) -> Iterator[None]:
        """Write a waveform of all that happens meanwhile.

        Raises
        ------
        UserError
            When the file cannot be written.
        """
        if not self._library.zl_trace(self._handle, str(path).encode()):
            raise UserError(f"Waveform {path} must be writable; it is not. Choose another folder")
        try:
            yield
        finally:
            self._library.zl_trace_end(self._handle)
