"""What pynq takes the hand-off of our own for."""

import pytest
from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
from pynqmetadata.frontends import Metadata

from zynq_lstm.boards.definitions import BOARDS
from zynq_lstm.boards.design import CLOCK_DIVISOR
from zynq_lstm.boards.handoff import hardware_handoff
from zynq_lstm.quant.config import Config


@pytest.mark.parametrize("board", BOARDS.values(), ids=list(BOARDS))
def test_pynq_reads_the_hand_off(board, tmp_path) -> None:
    path = tmp_path / "zynq_lstm.hwh"
    path.write_text(hardware_handoff(board, Config()))
    found = RuntimeMetadataParser(Metadata(input=str(path)))
    dma, accelerator = found.ip_dict["axi_dma_0"], found.ip_dict["zynq_lstm_0"]
    assert (dma["type"], dma["phys_addr"], dma["addr_range"]) == (
        "xilinx.com:ip:axi_dma:7.1",
        0x4040_0000,
        0x1_0000,
    )
    assert (accelerator["type"], accelerator["phys_addr"], accelerator["addr_range"]) == (
        "xilinx.com:module_ref:zynq_lstm:1.0",
        0x43C0_0000,
        0x1000,
    )
    assert dma["parameters"]["c_include_sg"] == "0"
    assert dma["parameters"]["c_sg_length_width"] == "26"
    assert found.ip_dict["processing_system7_0"]["type"] == "xilinx.com:ip:processing_system7:5.5"
    assert found.clock_dict[0] == {"enable": 1, "divisor0": CLOCK_DIVISOR, "divisor1": 1}
    assert set(found.ip_dict) == {"axi_dma_0", "zynq_lstm_0", "processing_system7_0"}
    assert found.interrupt_pins == {}
