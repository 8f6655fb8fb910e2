"""A build of each board in a folder, and the ports that the accelerator has."""

from collections.abc import Callable
from pathlib import Path

import pytest
from vivado_recorder import Outcome, Vivado

from zynq_lstm.boards.definitions import BOARDS, Board
from zynq_lstm.boards.vivado import SCRIPT, VERILOG, write_build

PORTS = {
    "aclk": ("in", 1),
    "aresetn": ("in", 1),
    "s_axi_awaddr": ("in", 12),
    "s_axi_awvalid": ("in", 1),
    "s_axi_awready": ("out", 1),
    "s_axi_wdata": ("in", 32),
    "s_axi_wstrb": ("in", 4),
    "s_axi_wvalid": ("in", 1),
    "s_axi_wready": ("out", 1),
    "s_axi_bresp": ("out", 2),
    "s_axi_bvalid": ("out", 1),
    "s_axi_bready": ("in", 1),
    "s_axi_araddr": ("in", 12),
    "s_axi_arvalid": ("in", 1),
    "s_axi_arready": ("out", 1),
    "s_axi_rdata": ("out", 32),
    "s_axi_rresp": ("out", 2),
    "s_axi_rvalid": ("out", 1),
    "s_axi_rready": ("in", 1),
    "s_axis_tvalid": ("in", 1),
    "s_axis_tready": ("out", 1),
    "s_axis_tdata": ("in", 64),
    "s_axis_tkeep": ("in", 8),
    "s_axis_tlast": ("in", 1),
    "m_axis_tvalid": ("out", 1),
    "m_axis_tready": ("in", 1),
    "m_axis_tdata": ("out", 64),
    "m_axis_tkeep": ("out", 8),
    "m_axis_tlast": ("out", 1),
    "interrupt": ("out", 1),
}
"""What the block design expects; `test_top` holds the emitted Verilog to it."""


@pytest.fixture
def expected_ports() -> dict[str, tuple[str, int]]:
    return dict(PORTS)


@pytest.fixture(params=list(BOARDS.values()), ids=list(BOARDS))
def board(request: pytest.FixtureRequest) -> Board:
    return request.param


@pytest.fixture
def build(tmp_path: Path) -> Callable[[Board], Path]:
    """Write a build into a folder with a space in its name, and return the script."""

    def write(board: Board) -> Path:
        folder = tmp_path / "my build"
        (folder / VERILOG).mkdir(parents=True)
        verilog = [folder / VERILOG / name for name in ("zynq_lstm_ram.v", "zynq_lstm.v")]
        for path in verilog:
            path.write_text("")
        write_build(board, folder, verilog, "some sizes")
        return folder / SCRIPT

    return write


@pytest.fixture
def run(build) -> Callable[..., Vivado]:
    """Run a board's script in the recorder, with a change to its text if wanted."""

    def call(
        board: Board,
        old: str = "",
        new: str = "",
        *,
        outcome: Outcome | None = None,
        ports: dict[str, tuple[str, int]] = PORTS,
        own: bool = False,
    ) -> Vivado:
        script = build(board)
        if old:
            text = script.read_text()
            assert text.count(old) == 1, f"{old} must be in the script once"
            script.write_text(text.replace(old, new))
        vivado = Vivado(ports, outcome, own=own)
        vivado.folder = script.parent
        vivado.run(script)
        return vivado

    return call
