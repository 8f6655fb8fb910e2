"""The hand-off of our own is of the same design as the script's; pynq reads it in tests/on_pynq."""

from xml.etree import ElementTree

import pytest

from zynq_lstm.boards.handoff import hardware_handoff
from zynq_lstm.quant.config import Config

CONFIG = Config()


@pytest.fixture
def modules(board):
    root = ElementTree.fromstring(hardware_handoff(board, CONFIG).encode())
    return {module.get("INSTANCE"): module for module in root.iter("MODULE")}


def parameters(module) -> dict[str, str]:
    return {p.get("NAME"): p.get("VALUE") for p in module.iterfind("PARAMETERS/PARAMETER")}


def test_it_names_the_chip_and_the_sizes(board) -> None:
    text = hardware_handoff(board, CONFIG)
    info = ElementTree.fromstring(text.encode()).find("SYSTEMINFO")
    assert f"xc{info.get('DEVICE')}{info.get('PACKAGE')}{info.get('SPEEDGRADE')}" == board.part
    assert CONFIG.describe() in text


def test_blocks_and_their_parameters_are_the_script_s(run, board, modules) -> None:
    vivado = run(board)
    assert modules.keys() == vivado.cells.keys()
    for name, cell in vivado.cells.items():
        vlnv = cell.vlnv.replace("module:zynq_lstm", "xilinx.com:module_ref:zynq_lstm:1.0")
        assert modules[name].get("VLNV") == vlnv
        assert cell.parameters.items() <= parameters(modules[name]).items()


def test_addresses_are_the_script_s(run, board, modules) -> None:
    ours = {
        (
            f"{name}/{entry.get('MASTERBUSINTERFACE')}",
            "/".join(entry.get(k) for k in ("INSTANCE", "SLAVEBUSINTERFACE", "ADDRESSBLOCK")),
            int(entry.get("BASEVALUE"), 16),
            int(entry.get("HIGHVALUE"), 16),
        )
        for name, module in modules.items()
        for entry in module.iter("MEMRANGE")
    }
    master = {"Data": "M_AXI_GP0", "Data_MM2S": "M_AXI_MM2S", "Data_S2MM": "M_AXI_S2MM"}
    assert ours == {
        (
            f"{a.space.split('/')[0]}/{master[a.space.split('/')[1]]}",
            a.segment,
            a.base,
            a.base + a.size - 1,
        )
        for a in run(board).addresses
    }


def test_nets_and_buses_are_the_script_s(run, board, modules) -> None:
    vivado = run(board)
    nets = set()
    for name, module in modules.items():
        for port in module.iter("PORT"):
            for end in port.iter("CONNECTION"):
                pair = (f"{name}/{port.get('NAME')}", f"{end.get('INSTANCE')}/{end.get('PORT')}")
                nets.add(pair if port.get("DIR") == "O" else pair[::-1])
    assert nets == set(vivado.nets)
    by_net = {}
    for name, module in modules.items():
        for bus in module.iter("BUSINTERFACE"):
            by_net.setdefault(bus.get("BUSNAME"), set()).add(f"bus:{name}/{bus.get('NAME')}")
    assert sorted(map(sorted, by_net.values())) == sorted(
        sorted(pair) for pair in vivado.buses if not pair[1].startswith("port:")
    )


def test_kinds_of_pins(modules) -> None:
    kinds = {
        f"{name}/{port.get('NAME')}": port.get("SIGIS")
        for name, module in modules.items()
        for port in module.iter("PORT")
    }
    assert kinds["zynq_lstm_0/aclk"] == "clk"
    assert kinds["zynq_lstm_0/aresetn"] == "rst"
    assert kinds["zynq_lstm_0/interrupt"] == "intr"
    vector = modules["processing_system7_0"].find("PORTS/PORT[@NAME='IRQ_F2P']")
    assert (vector.get("LEFT"), vector.get("RIGHT")) == ("2", "0")
