"""The block design around the accelerator, as data; Tcl and hand-off are both made from it.

    PS ── M_AXI_GP0 ── control ─┬─ registers of the DMA
                                └─ registers of the accelerator
    PS ── S_AXI_HP0 ── memory ──── DMA ══ streams ══ accelerator

One clock drives everything, FCLK0 of the PS: its PLL of 1 GHz, which all boards have, divided by
`CLOCK_DIVISOR`. One port to memory carries both directions: a character is a byte or two, so the
DMA is idle nearly always. It works in simple mode, one transfer after the other, because a command
is one packet in and one packet out; scatter and gather would cost logic for nothing. There is no
realignment either, for PYNQ's buffers begin at pages. Interrupts go to the PS directly, the
accelerator's first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from zynq_lstm.boards.definitions import Board
from zynq_lstm.quant.protocol import STREAM_BITS

CLOCK_DIVISOR = 7
CLOCK_HZ = 1e9 / CLOCK_DIVISOR
CLOCK_MHZ = CLOCK_HZ / 1e6
"""FCLK0, a period of as many ns as the divisor: the IO PLL runs at 1 GHz on all boards."""


def requested_mhz(divisor: int) -> str:
    """Return the clock to ask the PS for, so that it divides its 1 GHz by `divisor`.

    It is rounded up to 0.01 MHz: neither rounding nor truncation then takes a greater divisor.
    """
    return f"{-(-100_000 // divisor) / 100:.2f}"


NAME = "zynq_lstm"
"""Verilog's top module, and the stem of the bitstream's name."""

PS, DMA, ACCELERATOR = "processing_system7_0", "axi_dma_0", "zynq_lstm_0"
CONTROL, MEMORY, RESET, INTERRUPTS = "axi_control", "axi_memory", "proc_sys_reset_0", "interrupts"

DMA_BASE, DMA_BYTES = 0x4040_0000, 0x1_0000
ACCELERATOR_BASE, ACCELERATOR_BYTES = 0x43C0_0000, 0x1000

LENGTH_BITS = 26
"""Width of the DMA's length registers: transfers of up to 64 MiB less a byte."""

PS_FABRIC = {
    "USE_M_AXI_GP0": "1",
    "USE_S_AXI_HP0": "1",
    "S_AXI_HP0_DATA_WIDTH": str(STREAM_BITS),
    "USE_FABRIC_INTERRUPT": "1",
    "IRQ_F2P_INTR": "1",
    "FPGA_FCLK0_ENABLE": "1",
    "FPGA_FCLK1_ENABLE": "0",
    "FPGA_FCLK2_ENABLE": "0",
    "FPGA_FCLK3_ENABLE": "0",
    "FCLK0_PERIPHERAL_CLKSRC": "IO PLL",
    "FPGA0_PERIPHERAL_FREQMHZ": requested_mhz(CLOCK_DIVISOR),
    "EN_CLK0_PORT": "1",
    "EN_RST0_PORT": "1",
}
"""The PS's side towards the logic, without the prefix ``CONFIG.PCW_``."""

DMA_PARAMETERS = {
    "c_include_sg": "0",
    "c_sg_include_stscntrl_strm": "0",
    "c_micro_dma": "0",
    "c_sg_length_width": str(LENGTH_BITS),
    "c_addr_width": "32",
    "c_include_mm2s": "1",
    "c_include_mm2s_dre": "0",
    "c_m_axi_mm2s_data_width": str(STREAM_BITS),
    "c_m_axis_mm2s_tdata_width": str(STREAM_BITS),
    "c_mm2s_burst_size": "16",
    "c_include_s2mm": "1",
    "c_include_s2mm_dre": "0",
    "c_m_axi_s2mm_data_width": str(STREAM_BITS),
    "c_s_axis_s2mm_tdata_width": str(STREAM_BITS),
    "c_s2mm_burst_size": "16",
}
"""AXI DMA 7.1 (PG021). Bursts of 16, since the PS's ports are AXI3 and know no longer ones."""


@dataclass(frozen=True)
class Cell:
    """A block of the design.

    Parameters
    ----------
    name : str
    vlnv : str
        Vendor, library, name and version.
    parameters : mapping of str to str
        Those that are not as the IP has them anyway.
    """

    name: str
    vlnv: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_module(self) -> bool:
        """Whether it is Verilog of ours rather than an IP."""
        return self.vlnv.split(":")[1] == "module_ref"


@dataclass(frozen=True)
class Range:
    """A range of addresses.

    Parameters
    ----------
    space : str
        Who sees it, as Vivado names it.
    master : str
        The bus by which it does.
    segment : str
        What is there.
    base, size : int
    """

    space: str
    master: str
    segment: str
    base: int
    size: int


@dataclass(frozen=True)
class BlockDesign:
    """Cells and what connects them; pins are written CELL/PIN.

    Parameters
    ----------
    cells : tuple of Cell
    interfaces : tuple of (str, str)
        Master and slave of each bus.
    nets : mapping of str to tuple of str
        Driver to what it drives.
    external : mapping of str to (str, str)
        Buses to pins of the chip: port's name to the PS's pin and the bus's VLNV.
    ranges : tuple of Range
    """

    cells: tuple[Cell, ...]
    interfaces: tuple[tuple[str, str], ...]
    nets: Mapping[str, tuple[str, ...]]
    external: Mapping[str, tuple[str, str]]
    ranges: tuple[Range, ...]


def block_design(board: Board) -> BlockDesign:
    """Return the design for a board."""
    processing_system = {
        f"PCW_{name}": value for name, value in (board.processing_system | PS_FABRIC).items()
    }
    return BlockDesign(
        cells=(
            Cell(PS, "xilinx.com:ip:processing_system7:5.5", processing_system),
            Cell(DMA, "xilinx.com:ip:axi_dma:7.1", DMA_PARAMETERS),
            Cell(ACCELERATOR, f"xilinx.com:module_ref:{NAME}:1.0"),
            Cell(CONTROL, "xilinx.com:ip:smartconnect:1.0", {"NUM_SI": "1", "NUM_MI": "2"}),
            Cell(MEMORY, "xilinx.com:ip:smartconnect:1.0", {"NUM_SI": "2", "NUM_MI": "1"}),
            Cell(RESET, "xilinx.com:ip:proc_sys_reset:5.0", {"C_EXT_RESET_HIGH": "0"}),
            Cell(INTERRUPTS, "xilinx.com:ip:xlconcat:2.1", {"NUM_PORTS": "3"}),
        ),
        interfaces=(
            (f"{PS}/M_AXI_GP0", f"{CONTROL}/S00_AXI"),
            (f"{CONTROL}/M00_AXI", f"{DMA}/S_AXI_LITE"),
            (f"{CONTROL}/M01_AXI", f"{ACCELERATOR}/s_axi"),
            (f"{DMA}/M_AXI_MM2S", f"{MEMORY}/S00_AXI"),
            (f"{DMA}/M_AXI_S2MM", f"{MEMORY}/S01_AXI"),
            (f"{MEMORY}/M00_AXI", f"{PS}/S_AXI_HP0"),
            (f"{DMA}/M_AXIS_MM2S", f"{ACCELERATOR}/s_axis"),
            (f"{ACCELERATOR}/m_axis", f"{DMA}/S_AXIS_S2MM"),
        ),
        nets={
            f"{PS}/FCLK_CLK0": (
                f"{PS}/M_AXI_GP0_ACLK",
                f"{PS}/S_AXI_HP0_ACLK",
                f"{DMA}/s_axi_lite_aclk",
                f"{DMA}/m_axi_mm2s_aclk",
                f"{DMA}/m_axi_s2mm_aclk",
                f"{ACCELERATOR}/aclk",
                f"{CONTROL}/aclk",
                f"{MEMORY}/aclk",
                f"{RESET}/slowest_sync_clk",
            ),
            f"{PS}/FCLK_RESET0_N": (f"{RESET}/ext_reset_in",),
            f"{RESET}/peripheral_aresetn": (
                f"{DMA}/axi_resetn",
                f"{ACCELERATOR}/aresetn",
                f"{CONTROL}/aresetn",
                f"{MEMORY}/aresetn",
            ),
            f"{ACCELERATOR}/interrupt": (f"{INTERRUPTS}/In0",),
            f"{DMA}/mm2s_introut": (f"{INTERRUPTS}/In1",),
            f"{DMA}/s2mm_introut": (f"{INTERRUPTS}/In2",),
            f"{INTERRUPTS}/dout": (f"{PS}/IRQ_F2P",),
        },
        external={
            "DDR": (f"{PS}/DDR", "xilinx.com:interface:ddrx_rtl:1.0"),
            "FIXED_IO": (
                f"{PS}/FIXED_IO",
                "xilinx.com:display_processing_system7:fixedio_rtl:1.0",
            ),
        },
        ranges=(
            Range(
                f"{PS}/Data",
                f"{PS}/M_AXI_GP0",
                f"{DMA}/S_AXI_LITE/Reg",
                DMA_BASE,
                DMA_BYTES,
            ),
            Range(
                f"{PS}/Data",
                f"{PS}/M_AXI_GP0",
                f"{ACCELERATOR}/s_axi/reg0",
                ACCELERATOR_BASE,
                ACCELERATOR_BYTES,
            ),
            *(
                Range(
                    f"{DMA}/Data_{direction}",
                    f"{DMA}/M_AXI_{direction}",
                    f"{PS}/S_AXI_HP0/HP0_DDR_LOWOCM",
                    0,
                    board.memory_bytes,
                )
                for direction in ("MM2S", "S2MM")
            ),
        ),
    )
