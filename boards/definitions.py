"""The boards: a Zynq-7020 each, and what the processing system must know of what is around it.

PYNQ, like every Linux that is already running, was started by a boot loader of its own and loads
the programmable logic only. Of the settings below, such a bitstream depends on the clock and on
the ports towards the logic, and those are the same on all boards (`design.PS_FABRIC`). Memory,
console, card, network, USB and flash are written out all the same: Vivado then needs no board
files from elsewhere, and a boot loader that is made from the hardware description starts the board.

Sources: UG585 (the PS's peripherals and their MIO pins), the boards' reference manuals, and the
makers' presets, whose memory timing and board delays these are. Slew rates and pull-ups of the MIO
pins are left as Vivado sets them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from zynq_lstm.quant.errors import UserError

_PART = re.compile(r"xc(7z\d{3}s?)i?(\w+)-(\w+)")
"""Device, package and speed grade."""


@dataclass(frozen=True)
class Board:
    """A board.

    Parameters
    ----------
    name : str
        As it is written on the command line.
    title : str
    part : str
        The chip, a Zynq-7000, as Vivado names it.
    processing_system : mapping of str to str
        Parameters of the PS, without their prefix ``CONFIG.PCW_``.

    Raises
    ------
    UserError
        When the chip is of another family.
    """

    name: str
    title: str
    part: str
    processing_system: Mapping[str, str]

    def __post_init__(self) -> None:
        if not _PART.fullmatch(self.part):
            raise UserError(
                f"Part of the board {self.name} must be a Zynq-7000 as Vivado names it, such as "
                f"xc7z020clg400-1, not {self.part}"
            )

    @property
    def device(self) -> str:
        """The chip without package and speed, such as 7z020."""
        return _PART.sub(r"\1", self.part)

    @property
    def package(self) -> str:
        """The chip's package, such as clg400."""
        return _PART.sub(r"\2", self.part)

    @property
    def speed_grade(self) -> str:
        """The chip's speed grade, such as 1."""
        return _PART.sub(r"\3", self.part)

    @property
    def memory_bytes(self) -> int:
        """The DDR memory: its chips, side by side, times what one holds."""
        bus, chip, megabits = (
            int(self.processing_system[f"UIPARAM_DDR_{name}"].split()[0])
            for name in ("BUS_WIDTH", "DRAM_WIDTH", "DEVICE_CAPACITY")
        )
        return bus // chip * (megabits << 20) // 8


PERIPHERALS = {
    "PRESET_BANK0_VOLTAGE": "LVCMOS 3.3V",
    "PRESET_BANK1_VOLTAGE": "LVCMOS 1.8V",
    "QSPI_PERIPHERAL_ENABLE": "1",
    "QSPI_QSPI_IO": "MIO 1 .. 6",
    "QSPI_GRP_SINGLE_SS_ENABLE": "1",
    "QSPI_GRP_FBCLK_ENABLE": "1",
    "QSPI_GRP_FBCLK_IO": "MIO 8",
    "ENET0_PERIPHERAL_ENABLE": "1",
    "ENET0_ENET0_IO": "MIO 16 .. 27",
    "ENET0_GRP_MDIO_ENABLE": "1",
    "ENET0_GRP_MDIO_IO": "MIO 52 .. 53",
    "USB0_PERIPHERAL_ENABLE": "1",
    "USB0_USB0_IO": "MIO 28 .. 39",
    "SD0_PERIPHERAL_ENABLE": "1",
    "SD0_SD0_IO": "MIO 40 .. 45",
    "SD0_GRP_CD_ENABLE": "1",
    "SD0_GRP_CD_IO": "MIO 47",
    "SDIO_PERIPHERAL_FREQMHZ": "50",
    "GPIO_MIO_GPIO_ENABLE": "1",
    "UIPARAM_DDR_ENABLE": "1",
    "UIPARAM_DDR_MEMORY_TYPE": "DDR 3",
    "UIPARAM_DDR_DRAM_WIDTH": "16 Bits",
    "UIPARAM_DDR_SPEED_BIN": "DDR3_1066F",
    "UIPARAM_DDR_BANK_ADDR_COUNT": "3",
    "UIPARAM_DDR_COL_ADDR_COUNT": "10",
    "UIPARAM_DDR_CL": "7",
    "UIPARAM_DDR_CWL": "6",
    "UIPARAM_DDR_T_RCD": "7",
    "UIPARAM_DDR_T_RP": "7",
    "UIPARAM_DDR_TRAIN_WRITE_LEVEL": "1",
    "UIPARAM_DDR_TRAIN_READ_GATE": "1",
    "UIPARAM_DDR_TRAIN_DATA_EYE": "1",
}
"""What the boards below have in common."""

ONE_CHIP_MEMORY = {
    "CRYSTAL_PERIPHERAL_FREQMHZ": "50",
    "APU_PERIPHERAL_FREQMHZ": "650",
    "UART0_PERIPHERAL_ENABLE": "1",
    "UART0_UART0_IO": "MIO 14 .. 15",
    "ENET0_RESET_ENABLE": "1",
    "ENET0_RESET_IO": "MIO 9",
    "USB0_RESET_ENABLE": "1",
    "USB0_RESET_IO": "MIO 46",
    "UIPARAM_DDR_FREQ_MHZ": "525",
    "UIPARAM_DDR_PARTNO": "MT41J256M16 RE-125",
    "UIPARAM_DDR_BUS_WIDTH": "16 Bit",
    "UIPARAM_DDR_DEVICE_CAPACITY": "4096 MBits",
    "UIPARAM_DDR_ROW_ADDR_COUNT": "15",
    "UIPARAM_DDR_T_RC": "48.91",
    "UIPARAM_DDR_T_RAS_MIN": "35.0",
    "UIPARAM_DDR_T_FAW": "40.0",
    "UIPARAM_DDR_USE_INTERNAL_VREF": "0",
    "UIPARAM_DDR_DQS_TO_CLK_DELAY_0": "0.040",
    "UIPARAM_DDR_DQS_TO_CLK_DELAY_1": "0.058",
    "UIPARAM_DDR_DQS_TO_CLK_DELAY_2": "-0.009",
    "UIPARAM_DDR_DQS_TO_CLK_DELAY_3": "-0.033",
    "UIPARAM_DDR_BOARD_DELAY0": "0.223",
    "UIPARAM_DDR_BOARD_DELAY1": "0.212",
    "UIPARAM_DDR_BOARD_DELAY2": "0.085",
    "UIPARAM_DDR_BOARD_DELAY3": "0.092",
}
"""PYNQ-Z1, PYNQ-Z2 and Arty Z7-20: one memory chip of 16 bits, a 50 MHz crystal, console on UART0.

The three are one design in this part.
"""

TWO_CHIP_MEMORY = {
    "CRYSTAL_PERIPHERAL_FREQMHZ": "33.333333",
    "APU_PERIPHERAL_FREQMHZ": "666.666667",
    "UART1_PERIPHERAL_ENABLE": "1",
    "UART1_UART1_IO": "MIO 48 .. 49",
    "SD0_GRP_WP_ENABLE": "1",
    "SD0_GRP_WP_IO": "MIO 46",
    "UIPARAM_DDR_FREQ_MHZ": "533.333313",
    "UIPARAM_DDR_PARTNO": "MT41J128M16 HA-15E",
    "UIPARAM_DDR_BUS_WIDTH": "32 Bit",
    "UIPARAM_DDR_DEVICE_CAPACITY": "2048 MBits",
    "UIPARAM_DDR_ROW_ADDR_COUNT": "14",
    "UIPARAM_DDR_T_RC": "49.5",
    "UIPARAM_DDR_T_RAS_MIN": "36.0",
    "UIPARAM_DDR_T_FAW": "45.0",
    "UIPARAM_DDR_USE_INTERNAL_VREF": "1",
    "UIPARAM_DDR_DQS_TO_CLK_DELAY_0": "0.025",
    "UIPARAM_DDR_DQS_TO_CLK_DELAY_1": "0.028",
    "UIPARAM_DDR_DQS_TO_CLK_DELAY_2": "0.001",
    "UIPARAM_DDR_DQS_TO_CLK_DELAY_3": "0.001",
    "UIPARAM_DDR_BOARD_DELAY0": "0.41",
    "UIPARAM_DDR_BOARD_DELAY1": "0.411",
    "UIPARAM_DDR_BOARD_DELAY2": "0.341",
    "UIPARAM_DDR_BOARD_DELAY3": "0.358",
}
"""ZedBoard: two memory chips side by side, a 33 MHz crystal, console on UART1."""

BOARDS = {
    board.name: board
    for board in (
        Board("pynq-z1", "PYNQ-Z1", "xc7z020clg400-1", PERIPHERALS | ONE_CHIP_MEMORY),
        Board("pynq-z2", "PYNQ-Z2", "xc7z020clg400-1", PERIPHERALS | ONE_CHIP_MEMORY),
        Board("arty-z7-20", "Arty Z7-20", "xc7z020clg400-1", PERIPHERALS | ONE_CHIP_MEMORY),
        Board("zedboard", "ZedBoard", "xc7z020clg484-1", PERIPHERALS | TWO_CHIP_MEMORY),
    )
}
"""The boards by name."""


def find_board(name: str) -> Board:
    """Return a board.

    Raises
    ------
    UserError
        When there is none of that name.
    """
    try:
        return BOARDS[name.lower()]
    except KeyError:
        raise UserError(f"Board must be one of {', '.join(BOARDS)}, not {name}") from None
