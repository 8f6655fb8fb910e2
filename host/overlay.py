"""The accelerator and its DMA engine in a pynq overlay; the one module that needs pynq.

Blocks are found by what they are and what they are connected to, never by their names, so that the
accelerator may be a part of a larger design. pynq's metadata has no streams, so the connections
come out of the .hwh file itself.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pynq

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.protocol import STREAM_BITS
from zynq_lstm.quant.registers import REGISTERS, Access, Register

VLNV = "xilinx.com:module_ref:zynq_lstm:1.0"
DMA_VLNV = "xilinx.com:ip:axi_dma:7.1"

STREAM_IN, STREAM_OUT = "s_axis", "m_axis"
"""The accelerator's streams."""

WIDTHS = ("c_m_axis_mm2s_tdata_width", "c_s_axis_s2mm_tdata_width")
"""Parameters with the widths of the DMA's streams; the IP's default is 32."""
DEFAULT_WIDTH, DEFAULT_LENGTH_BITS = 32, 14

BIT_FILES = (Path("zynq_lstm.bit"), Path("/home/xilinx/zynq_lstm/zynq_lstm.bit"))
"""Where a bit file is looked for when none is named: the current folder, then the board's."""


class ZynqLstm(pynq.DefaultIP):
    """What pynq binds to the accelerator: its registers as attributes, ``status`` for STATUS."""

    bindto = [VLNV]  # noqa: RUF012 - the base class wants a list


def _attribute(register: Register) -> property:
    def get(self: ZynqLstm) -> int:
        return int(self.read(register.offset))

    def put(self: ZynqLstm, value: int) -> None:
        self.write(register.offset, int(value))

    return property(get, None if register.access is Access.RO else put, doc=register.meaning)


for _register in REGISTERS:
    setattr(ZynqLstm, _register.attribute, _attribute(_register))


@dataclass(frozen=True)
class Parts:
    """The accelerator and the DMA engine of an overlay.

    Parameters
    ----------
    overlay : pynq.Overlay
    accelerator_name, dma_name : str
        As in the overlay's ``ip_dict``.
    """

    overlay: Any
    accelerator_name: str
    dma_name: str

    def accelerator_registers(self) -> Any:
        """Return the accelerator's registers."""
        return self._registers(self.accelerator_name)

    def dma_registers(self) -> Any:
        """Return the engine's registers, without pynq's driver."""
        return self._registers(self.dma_name)

    def dma(self) -> Any:
        """Return pynq's driver of the engine; making it waits until the engine runs."""
        return functools.reduce(getattr, self.dma_name.split("/"), self.overlay)

    def allocate(self, size: int) -> Any:
        """Return a buffer of contiguous memory, uint8, shape (size,).

        Raises
        ------
        UserError
            When there is no such memory free.
        """
        try:
            return pynq.allocate((size,), "u1", target=self.overlay.device)
        except (RuntimeError, OSError, MemoryError) as error:
            raise UserError(
                f"The board must have {size:,} bytes of contiguous memory free; pynq says: "
                f"{error}. Shut down other notebooks that hold buffers, or start the board again"
            ) from error

    def _registers(self, name: str) -> Any:
        block = self.overlay.ip_dict[name]
        try:
            return pynq.MMIO(block["phys_addr"], block["addr_range"], device=self.overlay.device)
        except OSError as error:
            raise UserError(
                f"Registers of the accelerator must be accessible: {error} "
                "(a notebook on a PYNQ board runs as root, a shell needs sudo)"
            ) from error


def load(bitfile: str | os.PathLike[str] | None, device: Any) -> Any:
    """Load an overlay.

    Raises
    ------
    UserError
        When the bit file or its hand-off is missing, or pynq cannot load it.
    """
    path = Path(bitfile) if bitfile is not None else _default_bit_file()
    for needed in (path, _handoff(path)):
        if not needed.is_file():
            raise UserError(f"Overlay {path} must have a .bit and a .hwh file; {needed} is missing")
    try:
        return pynq.Overlay(str(path.resolve()), device=device)
    except Exception as error:  # Whatever pynq, its parsers or the system below them may raise.
        raise UserError(f"Overlay {path} must load; pynq says: {error}") from error


def find(overlay: Any, largest_packet: int) -> Parts:
    """Find the accelerator and its DMA engine.

    Parameters
    ----------
    overlay : pynq.Overlay
    largest_packet : int
        Bytes that a transfer must be able to have.

    Raises
    ------
    UserError
        When there is not one of each, or the engine does not fit.
    """
    name = Path(overlay.bitfile_name).name
    blocks = overlay.ip_dict
    ours = [block for block, details in blocks.items() if details["type"] == VLNV]
    if len(ours) != 1:
        raise UserError(
            f"Overlay {name} must hold one accelerator ({VLNV}), not {len(ours)}; "
            f"it holds {', '.join(sorted(blocks)) or 'nothing'}"
        )
    peers = dict(_peers(_handoff(Path(overlay.bitfile_name)), ours[0]))
    engines = {peers.get(STREAM_IN), peers.get(STREAM_OUT)}
    engine = peers.get(STREAM_IN, "")
    if len(engines) != 1 or engine not in blocks or blocks[engine]["type"] != DMA_VLNV:
        ends = (f"{bus} to {peers.get(bus, 'nothing')}" for bus in (STREAM_IN, STREAM_OUT))
        raise UserError(
            f"Overlay {name} must connect both streams of the accelerator to one AXI DMA "
            f"({DMA_VLNV}), not {' and '.join(ends)}"
        )
    _check(engine, blocks[engine]["parameters"], largest_packet)
    return Parts(overlay, ours[0], engine)


def clock_mhz() -> float:
    """Return the frequency of FCLK0, the accelerator's clock, as it is set now."""
    return float(pynq.Clocks.fclk0_mhz)


def _check(engine: str, parameters: dict[str, str], largest_packet: int) -> None:
    if int(parameters.get("c_include_sg", 1)):
        raise UserError(f"DMA {engine} must work in simple mode, not with scatter-gather")
    for parameter in WIDTHS:
        width = int(parameters.get(parameter, DEFAULT_WIDTH))
        if width != STREAM_BITS:
            raise UserError(
                f"DMA {engine} must have streams of {STREAM_BITS} bits; {parameter} is {width}"
            )
    bits = int(parameters.get("c_sg_length_width", DEFAULT_LENGTH_BITS))
    if largest_packet >> bits:
        raise UserError(
            f"DMA {engine} must have a length register of at least {largest_packet.bit_length()} "
            f"bits for packets of {largest_packet} bytes, not {bits} (c_sg_length_width)"
        )


def _peers(handoff: Path, block: str) -> Iterator[tuple[str, str]]:
    """Yield the names of a block's buses and of the blocks that they are connected to."""
    try:
        root = ElementTree.parse(handoff).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise UserError(f"Hand-off {handoff} must be readable; it is not: {error}") from error
    ends = [
        ((module.get("FULLNAME") or "").lstrip("/"), bus.get("NAME") or "", bus.get("BUSNAME"))
        for module in root.iter("MODULE")
        for bus in module.iter("BUSINTERFACE")
    ]
    for owner, name, net in ends:
        if owner == block:
            for other, _, other_net in ends:
                if other != owner and other_net == net:
                    yield name, other


def _handoff(bitfile: Path) -> Path:
    return bitfile.with_suffix(".hwh")


def _default_bit_file() -> Path:
    for path in BIT_FILES:
        if path.is_file():
            return path
    raise UserError(
        f"The accelerator's bit file must be {' or '.join(map(str, BIT_FILES))}, or be named with "
        "bitfile=; there is none"
    )
