"""Which overlays are taken, and what is said of those that are not."""

import re

import pynq
import pytest

from zynq_lstm.boards.definitions import BOARDS
from zynq_lstm.host.board import open_link
from zynq_lstm.host.overlay import VLNV, ZynqLstm, find
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.registers import IDENTITY, register


@pytest.fixture
def files(board, tmp_path):
    """A bit file with its hand-off, changed where a test wants it."""

    def write(*changes: tuple[str, str], name: str = "any_name.bit"):
        text = board.handoff()
        for old, new in changes:
            assert re.search(old, text), f"{old} must be in the hand-off"
            text = re.sub(old, new, text)
        path = tmp_path / name
        path.touch()
        path.with_suffix(".hwh").write_text(text)
        return path

    return write


def opened(board, path, **options):
    return open_link(path, device=board, sleep=board.sleep, monotonic=board.monotonic, **options)


def test_versions_of_pynq_that_are_supported() -> None:
    assert pynq.__version__ in {"3.0.1", "3.1.1", "3.1.2"}


@pytest.mark.parametrize("name", BOARDS)
def test_each_board_s_design_is_taken(make_board, name) -> None:
    link = make_board(board=name).open_link()
    assert link.read(register("IDENTITY").offset) == IDENTITY
    link.close()


def test_the_driver_is_bound_and_has_the_registers(board, files) -> None:
    overlay = pynq.Overlay(str(files()), device=board)
    driver = overlay.zynq_lstm_0
    assert isinstance(driver, ZynqLstm)
    assert driver.identity == IDENTITY
    driver.scratch = 17
    assert driver.scratch == 17
    with pytest.raises(AttributeError):
        driver.identity = 0
    assert ZynqLstm.status.__doc__ == register("STATUS").meaning


def test_an_overlay_that_is_loaded_already_is_taken_twice(board, files) -> None:
    overlay = pynq.Overlay(str(files()), device=board)
    for _ in range(2):
        link = open_link(overlay=overlay, sleep=board.sleep, monotonic=board.monotonic)
        assert link.read(register("IDENTITY").offset) == IDENTITY
        link.close()


def test_names_of_blocks_do_not_matter(board, files) -> None:
    path = files(("axi_dma_0", "mover"), ("zynq_lstm_0", "writer"))
    link = opened(board, path)
    assert link.read(register("IDENTITY").offset) == IDENTITY
    link.close()


def test_blocks_may_lie_in_a_hierarchy(board, files) -> None:
    path = files(
        ('FULLNAME="/axi_dma_0"', 'FULLNAME="/text/axi_dma_0"'),
        ('FULLNAME="/zynq_lstm_0"', 'FULLNAME="/text/zynq_lstm_0"'),
    )
    link = opened(board, path)
    assert link.read(register("IDENTITY").offset) == IDENTITY
    link.close()


def test_the_clock_is_the_processing_system_s(board, files) -> None:
    link = opened(board, files())
    before = link.elapsed()
    link.wait(1000)
    assert 998 <= link.elapsed() - before <= 1002
    link.close()


@pytest.mark.parametrize(
    "changes, text",
    [
        (
            [(re.escape(VLNV), "xilinx.com:module_ref:other:1.0")],
            r"^Overlay any_name.bit must hold one accelerator \(xilinx.com:module_ref:zynq_lstm:"
            r"1\.0\), not 0; it holds axi_dma_0, processing_system7_0, zynq_lstm_0$",
        ),
        (
            [("axi_dma:7.1", "axi_other:7.1")],
            r"must connect both streams of the accelerator to one AXI DMA \(xilinx.com:ip:axi_dma:"
            r"7.1\), not s_axis to axi_dma_0 and m_axis to axi_dma_0$",
        ),
        (
            [('BUSNAME="zynq_lstm_0_m_axis"([^>]*"S_AXIS_S2MM")', r'BUSNAME="none"\1')],
            "not s_axis to axi_dma_0 and m_axis to nothing$",
        ),
        (
            [('(NAME="c_include_sg" VALUE=)"0"', r'\1"1"')],
            "^DMA axi_dma_0 must work in simple mode, not with scatter-gather$",
        ),
        (
            [('(NAME="c_m_axis_mm2s_tdata_width" VALUE=)"64"', r'\1"32"')],
            "must have streams of 64 bits; c_m_axis_mm2s_tdata_width is 32$",
        ),
        (
            [('(NAME="c_s_axis_s2mm_tdata_width" VALUE=)"64"', r'\1"128"')],
            "must have streams of 64 bits; c_s_axis_s2mm_tdata_width is 128$",
        ),
        (
            [('(NAME="c_sg_length_width" VALUE=)"26"', r'\1"20"')],
            "must have a length register of at least 21 bits for packets of 1048576 bytes, not 20",
        ),
    ],
    ids=["accelerator", "dma", "connection", "scatter-gather", "into", "out", "length"],
)
def test_designs_that_do_not_fit_are_refused(board, files, changes, text) -> None:
    with pytest.raises(UserError, match=text):
        opened(board, files(*changes))
    assert board.memory.allocated == 0


def test_a_short_length_register_is_enough_for_short_packets(board, files) -> None:
    changes = ('(NAME="c_sg_length_width" VALUE=)"26"', r'\1"14"')
    opened(board, files(changes), largest_packet=(1 << 14) - 1).close()
    overlay = pynq.Overlay(str(files(changes)), device=board)
    with pytest.raises(UserError, match="at least 15 bits"):
        find(overlay, 1 << 14)


def test_missing_files_are_named(board, files, tmp_path, monkeypatch) -> None:
    with pytest.raises(UserError, match=r"absent\.bit is missing$"):
        opened(board, tmp_path / "absent.bit")
    path = files()
    path.with_suffix(".hwh").unlink()
    with pytest.raises(UserError, match=r"any_name\.hwh is missing$"):
        opened(board, path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^The accelerator's bit file must be zynq_lstm\.bit or "):
        opened(board, None)


def test_the_bit_file_in_the_current_folder_is_found(board, files, tmp_path, monkeypatch) -> None:
    files(name="zynq_lstm.bit")
    monkeypatch.chdir(tmp_path)
    opened(board, None).close()


def test_a_hand_off_that_is_none_is_refused(board, files) -> None:
    path = files()
    path.with_suffix(".hwh").write_text("nothing")
    with pytest.raises(UserError, match=r"^Overlay .*any_name\.bit must load; pynq says: "):
        opened(board, path)


def test_either_a_file_or_an_overlay(board, files) -> None:
    overlay = pynq.Overlay(str(files()), device=board)
    with pytest.raises(UserError, match=r"not both$"):
        open_link("other.bit", overlay)
