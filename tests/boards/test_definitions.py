"""The boards' table."""

import pytest

from zynq_lstm.boards.definitions import BOARDS, find_board
from zynq_lstm.quant.errors import UserError


def test_the_chips_are_those_of_the_boards() -> None:
    assert {name: board.part for name, board in BOARDS.items()} == {
        "pynq-z1": "xc7z020clg400-1",
        "pynq-z2": "xc7z020clg400-1",
        "arty-z7-20": "xc7z020clg400-1",
        "zedboard": "xc7z020clg484-1",
    }
    assert [board.package for board in BOARDS.values()] == ["clg400"] * 3 + ["clg484"]


def test_memory_is_of_512_mebibytes(board) -> None:
    p = board.processing_system
    chips = int(p["UIPARAM_DDR_BUS_WIDTH"].split()[0]) // int(
        p["UIPARAM_DDR_DRAM_WIDTH"].split()[0]
    )
    assert chips * int(p["UIPARAM_DDR_DEVICE_CAPACITY"].split()[0]) == 512 * 8
    address = sum(int(p[f"UIPARAM_DDR_{n}_ADDR_COUNT"]) for n in ("BANK", "ROW", "COL"))
    assert chips * 2 << address == 512 << 20


def test_finds_a_board_however_it_is_written() -> None:
    assert find_board("PYNQ-Z2").name == "pynq-z2"


def test_refuses_an_unknown_board_and_lists_the_known() -> None:
    with pytest.raises(
        UserError,
        match="Board must be one of pynq-z1, pynq-z2, arty-z7-20, zedboard, not zybo",
    ):
        find_board("zybo")
