"""The accelerator after mapping to the 7 series' cells, compiled in the place of the Verilog.

    emitted Verilog ─ Yosys ─ netlist ─┬─ Verilator ─ library of a `Chip`
    xc7_logic.v, xc7_dsp.v, xc7_block_ram.sv ┘

The netlist is the one whose resources `zynq-lstm synth` reports. The cells' behaviour is this
project's own, written from the vendor's user guides; it knows no time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import Image
from zynq_lstm.sim.library import compile_library

CELLS = tuple(
    Path(__file__).with_name(name) for name in ("xc7_logic.v", "xc7_dsp.v", "xc7_block_ram.sv")
)
"""Verilog of all cells that netlists consist of."""

REFUSALS = ("-Werror-USERERROR",)
"""Flags with which Verilator ends where a cell says that it does not model something."""


def write_netlist(
    config: Config,
    folder: Path,
    *,
    image: Image | None = None,
    report: Callable[[str], None] | None = None,
) -> Path:
    """Emit an accelerator and map it.

    Parameters
    ----------
    config : Config
    folder : Path
        For everything that is made; it must exist.
    image : Image, optional
        A model to be there at power-on.
    report : callable, optional
        Told what is being done.

    Returns
    -------
    Path
        The netlist, as Verilog.

    Raises
    ------
    UserError
        When Yosys is missing or fails, or the image is of another configuration.
    """
    from zynq_lstm.hw.mapping import NETLIST, mapping_script, run_yosys
    from zynq_lstm.hw.verilog import TOP, write_verilog

    emitted = folder / "emitted"
    verilog = write_verilog(config, emitted, image=image)
    contents = sorted(emitted.glob("*.hex"))
    run_yosys(folder, mapping_script(verilog, TOP), [*verilog, *contents], report)
    return folder / NETLIST


def compile_netlist(netlist: Path, report: Callable[[str], None] | None = None) -> Path:
    """Compile a netlist for a `Chip`; the library's path.

    Raises
    ------
    UserError
        When a tool is missing or fails, or the netlist uses a cell in a way that is not modelled.
    """
    from zynq_lstm.hw.verilog import TOP

    return compile_library([*CELLS, netlist], TOP, flags=REFUSALS, report=report)
