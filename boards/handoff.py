"""A hand-off (.hwh) of our own for the block design, for where there is no Vivado to write it.

It holds what PYNQ's parsers look at, and no more: the blocks with their parameters, their buses
and clock, reset and interrupt pins, what these are connected to, and who sees what at which
address. With it and an empty .bit, an overlay opens on a device that is simulated.
"""

from __future__ import annotations

from xml.etree import ElementTree

from zynq_lstm.boards.definitions import Board
from zynq_lstm.boards.design import (
    CLOCK_DIVISOR,
    CLOCK_MHZ,
    INTERRUPTS,
    PS,
    STREAM_BITS,
    BlockDesign,
    Cell,
    block_design,
)
from zynq_lstm.quant.config import Config

PS_CLOCKS = {
    f"PCW_FCLK{clock}_PERIPHERAL_DIVISOR{divisor}": (
        str(CLOCK_DIVISOR) if (clock, divisor) == (0, 0) else "1"
    )
    for clock in range(4)
    for divisor in range(2)
} | {"PCW_CLK0_FREQ": str(round(CLOCK_MHZ * 1e6))}
"""What Vivado derives from the clock that is asked for; PYNQ sets the clocks by it."""


def hardware_handoff(board: Board, config: Config) -> str:
    """Return the hand-off of a board's block design as XML.

    Parameters
    ----------
    board : Board
    config : Config
        Sizes of the accelerator; the design is the same for all, so they are only written down.
    """
    design = block_design(board)
    root = ElementTree.Element("EDKSYSTEM", EDWVERSION="1.2")
    root.append(ElementTree.Comment(f" zynq-lstm on {board.title}: {config.describe()} "))
    ElementTree.SubElement(
        root,
        "SYSTEMINFO",
        ARCH="zynq",
        DEVICE=board.device,
        NAME="system",
        PACKAGE=board.package,
        SPEEDGRADE=f"-{board.speed_grade}",
    )
    ElementTree.SubElement(root, "EXTERNALPORTS")
    ElementTree.SubElement(root, "EXTERNALINTERFACES")
    modules = ElementTree.SubElement(root, "MODULES")
    for cell in design.cells:
        modules.append(_module(design, cell))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n{text}\n'


def _module(design: BlockDesign, cell: Cell) -> ElementTree.Element:
    _, _, kind, version = cell.vlnv.split(":")
    module = ElementTree.Element(
        "MODULE",
        FULLNAME=f"/{cell.name}",
        HWVERSION=version,
        INSTANCE=cell.name,
        IPTYPE="PERIPHERAL",
        IS_ENABLE="1",
        MODCLASS="PERIPHERAL",
        MODTYPE=kind,
        VLNV=cell.vlnv,
    )
    parameters = ElementTree.SubElement(module, "PARAMETERS")
    derived = PS_CLOCKS if cell.name == PS else _addresses(design, cell.name)
    for name, value in (dict(cell.parameters) | derived).items():
        ElementTree.SubElement(parameters, "PARAMETER", NAME=name, VALUE=value)
    _add_pins(module, design, cell.name)
    _add_buses(module, design, cell.name)
    _add_memory_map(module, design, cell.name)
    return module


def _addresses(design: BlockDesign, name: str) -> dict[str, str]:
    """Return a block's first and last address, which Vivado adds to its parameters."""
    for entry in design.ranges:
        if _split(entry.segment)[0] == name:
            last = entry.base + entry.size - 1
            return {"C_BASEADDR": _hexadecimal(entry.base), "C_HIGHADDR": _hexadecimal(last)}
    return {}


def _add_pins(module: ElementTree.Element, design: BlockDesign, name: str) -> None:
    """Add the pins that are no part of a bus, in a vector if they carry several interrupts."""
    pins = ElementTree.SubElement(module, "PORTS")
    for driver, driven in design.nets.items():
        net = driver.replace("/", "_")
        ends = [(driver, "O", driven), *((end, "I", (driver,)) for end in driven)]
        for end, direction, others in ends:
            owner, pin = _split(end)
            if owner != name:
                continue
            port = ElementTree.SubElement(
                pins, "PORT", DIR=direction, NAME=pin, SIGIS=_kind(pin), SIGNAME=net
            )
            if driver.startswith(f"{INTERRUPTS}/"):
                port.set("LEFT", str(_interrupts(design) - 1))
                port.set("RIGHT", "0")
            connections = ElementTree.SubElement(port, "CONNECTIONS")
            for other in others:
                instance, other_pin = _split(other)
                ElementTree.SubElement(connections, "CONNECTION", INSTANCE=instance, PORT=other_pin)


def _kind(pin: str) -> str:
    lower = pin.lower()
    if "clk" in lower:
        return "clk"
    return "rst" if "reset" in lower else "intr"


def _interrupts(design: BlockDesign) -> int:
    return sum(end.startswith(f"{INTERRUPTS}/") for ends in design.nets.values() for end in ends)


def _add_buses(module: ElementTree.Element, design: BlockDesign, name: str) -> None:
    buses = ElementTree.SubElement(module, "BUSINTERFACES")
    for master, slave in design.interfaces:
        net = master.replace("/", "_")
        is_stream = "axis" in _split(slave)[1].lower()
        for end, side in ((master, "MASTER"), (slave, "SLAVE")):
            owner, bus = _split(end)
            if owner != name:
                continue
            element = ElementTree.SubElement(
                buses,
                "BUSINTERFACE",
                BUSNAME=net,
                DATAWIDTH=str(STREAM_BITS if is_stream else _data_width(end)),
                NAME=bus,
                TYPE=side if not is_stream else {"MASTER": "INITIATOR", "SLAVE": "TARGET"}[side],
                VLNV=f"xilinx.com:interface:{'axis' if is_stream else 'aximm'}:1.0",
            )
            if is_stream:
                ElementTree.SubElement(
                    element, "PARAMETER", NAME="TDATA_NUM_BYTES", VALUE=str(STREAM_BITS // 8)
                )


def _data_width(bus: str) -> int:
    """Return 32 for what is on the way to registers, and the streams' width for memory."""
    return STREAM_BITS if any(part in bus for part in ("2S", "2MM", "HP0", "memory")) else 32


def _add_memory_map(module: ElementTree.Element, design: BlockDesign, name: str) -> None:
    memory_map = ElementTree.SubElement(module, "MEMORYMAP")
    for entry in design.ranges:
        owner, master = _split(entry.master)
        if owner != name:
            continue
        instance, slave, block = entry.segment.split("/")
        is_memory = instance == PS
        ElementTree.SubElement(
            memory_map,
            "MEMRANGE",
            ADDRESSBLOCK=block,
            BASENAME="C_BASEADDR",
            BASEVALUE=_hexadecimal(entry.base),
            HIGHNAME="C_HIGHADDR",
            HIGHVALUE=_hexadecimal(entry.base + entry.size - 1),
            INSTANCE=instance,
            IS_DATA="TRUE",
            IS_INSTRUCTION="FALSE",
            MASTERBUSINTERFACE=master,
            MEMTYPE="MEMORY" if is_memory else "REGISTER",
            SLAVEBUSINTERFACE=slave,
        )


def _split(name: str) -> tuple[str, str]:
    cell, _, pin = name.partition("/")
    return cell, pin


def _hexadecimal(address: int) -> str:
    return f"0x{address:08X}"
