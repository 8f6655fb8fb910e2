"""The boards' table; what is asked of each holds for one that is added, too."""

import re
from pathlib import Path

import pytest

from zynq_lstm.boards.definitions import BOARDS, Board, find_board
from zynq_lstm.quant.errors import UserError

SHIPPED = {
    "pynq-z1": ("7z020", "clg400"),
    "pynq-z2": ("7z020", "clg400"),
    "arty-z7-20": ("7z020", "clg400"),
    "zedboard": ("7z020", "clg484"),
}
PAGE = (Path(__file__).parents[2] / "docs" / "boards.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_boards(name) -> None:
    board = BOARDS[name]
    assert (board.device, board.package) == SHIPPED[name]
    assert board.part == "xc" + "".join(SHIPPED[name]) + "-1"
    assert board.memory_bytes == 512 << 20


def test_the_page_lists_boards_as_they_are() -> None:
    rows = re.findall(r"^\| `([\w-]+)` +\| (.+?) +\| (\w+-\w+) +\|$", PAGE, re.MULTILINE)
    assert len(rows) >= len(SHIPPED)
    for name, title, part in rows:
        assert (BOARDS[name].title, BOARDS[name].part) == (title, part)


def test_a_board_has_the_name_by_which_it_is_found(board) -> None:
    assert find_board(board.name) is board
    assert find_board(board.name.upper()) is board


def test_memory_is_what_its_addresses_reach(board) -> None:
    """And a power of two within what the port sees, as a range of addresses must be."""
    p = board.processing_system
    bus_bytes = int(p["UIPARAM_DDR_BUS_WIDTH"].split()[0]) // 8
    address = sum(int(p[f"UIPARAM_DDR_{n}_ADDR_COUNT"]) for n in ("BANK", "ROW", "COL"))
    assert board.memory_bytes == bus_bytes << address
    assert board.memory_bytes.bit_count() == 1
    assert board.memory_bytes <= 1 << 30


@pytest.mark.parametrize(
    ("part", "parts"),
    [
        ("xc7z010clg225-2", ("7z010", "clg225", "2")),
        ("xc7z014sclg484-1", ("7z014s", "clg484", "1")),
        ("xc7z020iclg400-1L", ("7z020", "clg400", "1L")),
    ],
)
def test_parts_of_a_chip_s_name(part, parts) -> None:
    board = Board("b", "B", part, {})
    assert (board.device, board.package, board.speed_grade) == parts


def test_refuses_a_chip_of_another_family() -> None:
    with pytest.raises(
        UserError,
        match=r"^Part of the board b must be a Zynq-7000 as Vivado names it, such as "
        r"xc7z020clg400-1, not xczu7ev-ffvc1156-2-e$",
    ):
        Board("b", "B", "xczu7ev-ffvc1156-2-e", {})


def test_refuses_an_unknown_board_and_lists_the_known() -> None:
    with pytest.raises(
        UserError, match=f"^Board must be one of {', '.join(BOARDS)}, not no-such-board$"
    ):
        find_board("no-such-board")
