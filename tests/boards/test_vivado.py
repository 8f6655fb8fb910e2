"""The Vivado scripts, run in a recorder: what they draw, and where they stop."""

import pytest
from small_tcl import TclError
from vivado_recorder import Outcome
from vivado_validation import problems

from zynq_lstm.boards.definitions import find_board
from zynq_lstm.boards.design import CLOCK_DIVISOR, CLOCK_MHZ, block_design, requested_mhz
from zynq_lstm.boards.vivado import BITSTREAM, HANDOFF, RESULTS, STEP

PS, DMA, TOP = "processing_system7_0", "axi_dma_0", "zynq_lstm_0"
RESET_NET = "connect_bd_net [get_bd_pins proc_sys_reset_0/peripheral_aresetn]"


@pytest.fixture
def pynq():
    return find_board("pynq-z2")


def test_the_design_is_right_on_every_board(run, board) -> None:
    vivado = run(board)
    assert problems(vivado) == []
    assert vivado.part == board.part
    assert {path.name for path in vivado.sources} == {
        "zynq_lstm.v",
        "zynq_lstm_ram.v",
        "zynq_lstm.xdc",
        "system_wrapper.v",
    }
    for name in RESULTS:
        assert (vivado.folder / name).is_file()
    assert (vivado.folder / HANDOFF).read_text() == "Vivado's hand-off"
    assert all(line.startswith(STEP) for line in vivado.output)


def test_the_design_is_the_one_that_is_described(run, board) -> None:
    vivado, design = run(board), block_design(board)
    assert [(a.space, a.segment, a.base, a.size) for a in vivado.addresses] == [
        (r.space, r.segment, r.base, r.size) for r in design.ranges
    ]
    assert {c.name: dict(c.parameters) for c in design.cells} == {
        name: cell.parameters for name, cell in vivado.cells.items()
    }


def test_addresses_parameters_and_clock(run, board) -> None:
    vivado = run(board)
    where = {a.segment: (a.base, a.size) for a in vivado.addresses}
    assert where[f"{DMA}/S_AXI_LITE/Reg"] == (0x4040_0000, 0x1_0000)
    assert where[f"{TOP}/s_axi/reg0"] == (0x43C0_0000, 0x1000)
    assert where[f"{PS}/S_AXI_HP0/HP0_DDR_LOWOCM"] == (0, board.memory_bytes)
    dma = vivado.cells[DMA].parameters
    assert (dma["c_include_sg"], dma["c_sg_length_width"]) == ("0", "26")
    assert {n: w for n, w in dma.items() if n.endswith("data_width")} == {
        "c_m_axi_mm2s_data_width": "64",
        "c_m_axis_mm2s_tdata_width": "64",
        "c_m_axi_s2mm_data_width": "64",
        "c_s_axis_s2mm_tdata_width": "64",
    }
    crystal = float(board.processing_system["CRYSTAL_PERIPHERAL_FREQMHZ"])
    assert round(1000 / crystal) * crystal == pytest.approx(1000, abs=0.001)


def test_the_accelerator_has_the_first_interrupt(run, pynq) -> None:
    nets = dict(reversed(pair) for pair in run(pynq).nets)
    assert [nets[f"interrupts/In{n}"] for n in range(3)] == [
        f"{TOP}/interrupt",
        f"{DMA}/mm2s_introut",
        f"{DMA}/s2mm_introut",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (f"{TOP}/m_axis]", f"{TOP}/m_axi]", f"no bus {TOP}/m_axi"),
        (f"{DMA}/axi_resetn", f"{DMA}/aresetn", f"no pin {DMA}/aresetn"),
        ("axi_memory/S01_AXI", "axi_memory/S02_AXI", "no bus axi_memory/S02_AXI"),
        ("interrupts/In2", "interrupts/In3", "no pin interrupts/In3"),
        ("CONFIG.c_include_sg ", "CONFIG.c_has_sg ", "no parameter c_has_sg"),
        ("c_sg_length_width {26}", "c_sg_length_width {27}", "c_sg_length_width cannot be 27"),
        ("PCW_USE_S_AXI_HP0 {1}", "PCW_USE_S_AXI_HP1 {1}", f"no bus {PS}/S_AXI_HP0"),
        ("axi_dma:7.1", "axi_dma:7.2", "no IP xilinx.com:ip:axi_dma:7.2"),
        ("-reference zynq_lstm ", "-reference zynq_gru ", "no module zynq_gru"),
        ("save_bd_design", "save_design", 'invalid command name "save_design"'),
        ("launch_runs synth_1 -jobs", "launch_runs synth_1 -threads", "no option -threads"),
        (f"{TOP}/s_axi/reg0", f"{TOP}/s_axi/Reg", f"no segment {TOP}/s_axi/Reg"),
        (f"{DMA}/Data_MM2S", f"{DMA}/Data", f"no space {DMA}/Data"),
        (" zynq_lstm.v}", " missing.v}", "no file"),
        (
            f"FPGA0_PERIPHERAL_FREQMHZ {{{requested_mhz(CLOCK_DIVISOR)}}}",
            f"FPGA0_PERIPHERAL_FREQMHZ {{{requested_mhz(CLOCK_DIVISOR + 1)}}}",
            "FCLK0",
        ),
        ("c_s_axis_s2mm_tdata_width {64}", "c_s_axis_s2mm_tdata_width {32}", "must be 64, not 32"),
    ],
)
def test_a_wrong_name_stops_the_script(run, pynq, old, new, message) -> None:
    with pytest.raises(TclError, match=message.replace("[", r"\[")):
        run(pynq, old, new)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            f"connect_bd_net [get_bd_pins {PS}/FCLK_CLK0] [get_bd_pins {DMA}/m_axi_s2mm_aclk]\n",
            "",
            f"{DMA}/m_axi_s2mm_aclk is driven by nothing",
        ),
        (
            f"{RESET_NET} [get_bd_pins {TOP}/aresetn]\n",
            "",
            f"{TOP}/aresetn is driven by nothing",
        ),
        (
            f"{RESET_NET} [get_bd_pins {TOP}/aresetn]",
            "connect_bd_net [get_bd_pins proc_sys_reset_0/peripheral_reset]"
            f" [get_bd_pins {TOP}/aresetn]",
            f"{TOP}/aresetn is not reset by a reset of its clock, low when active",
        ),
        (
            "interrupts/In2",
            "interrupts/In1",
            f"interrupts/In1 is driven by {DMA}/mm2s_introut and {DMA}/s2mm_introut",
        ),
        (
            f"[get_bd_pins {PS}/FCLK_CLK0] [get_bd_pins {TOP}/aclk]",
            f"[get_bd_pins {TOP}/interrupt] [get_bd_pins {TOP}/aclk]",
            f"{TOP}/interrupt drives clocks but is none",
        ),
        (
            f"[get_bd_pins {PS}/FCLK_RESET0_N] [get_bd_pins proc_sys_reset_0/ext_reset_in]",
            f"[get_bd_pins {TOP}/aclk] [get_bd_pins proc_sys_reset_0/ext_reset_in]",
            f"{TOP}/aclk and proc_sys_reset_0/ext_reset_in are both inputs",
        ),
        (
            f"connect_bd_intf_net [get_bd_intf_pins {DMA}/M_AXIS_MM2S]"
            f" [get_bd_intf_pins {TOP}/s_axis]\n",
            "",
            f"bus:{TOP}/s_axis is not connected",
        ),
        (
            f"[get_bd_intf_pins {DMA}/M_AXIS_MM2S] [get_bd_intf_pins {TOP}/s_axis]",
            f"[get_bd_intf_pins {DMA}/M_AXIS_MM2S] [get_bd_intf_pins {TOP}/m_axis]",
            f"bus:{TOP}/m_axis is connected 2 times",
        ),
        ("NUM_SI {1}", "NUM_SI {2}", "bus:axi_control/S01_AXI is not connected"),
        ("CONFIG.c_include_sg {0}", "CONFIG.c_include_sg {1}", "m_axi_sg_aclk is driven by"),
        ("-offset 0x43C00000", "-offset 0x40400000", "overlap"),
        ("-offset 0x43C00000", "-offset 0x93C00000", "is not behind M_AXI_GP0"),
        ("-range 0x00001000", "-range 0x00002000", "does not fit 0x1000"),
        ("PCW_USB0_RESET_IO {MIO 46}", "PCW_USB0_RESET_IO {MIO 47}", "MIO 47 is used by"),
    ],
)
def test_a_mistake_in_the_drawing_is_found(run, pynq, old, new, problem) -> None:
    found = problems(run(pynq, old, new))
    assert any(problem in sentence for sentence in found), found


def test_ports_that_make_no_bus_are_found(run, pynq, expected_ports) -> None:
    del expected_ports["s_axis_tlast"]
    with pytest.raises(TclError, match=f"no bus {TOP}/s_axis"):
        run(pynq, ports=expected_ports)


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (Outcome(wns="-0.001"), r"Timing must be met, but WNS \(setup\) is -0.001 ns"),
        (Outcome(whs="-0.2"), r"Timing must be met, but WHS \(hold\) is -0.2 ns"),
        (Outcome(tpws="-1.5"), r"Timing must be met, but TPWS \(pulse width\) is -1.5 ns"),
        (Outcome(wns=""), "Timing must be known, but Vivado tells no WNS"),
        (Outcome(period="17.000"), f"Timing must be constrained by a clock of {CLOCK_MHZ:.3f} MHz"),
        (Outcome(clocks=""), f"Timing must be constrained by a clock of {CLOCK_MHZ:.3f} MHz"),
        (Outcome(progress="40%"), "Run synth_1 must finish, but it stopped at 40%"),
        (Outcome(mhz="76.000000"), f"FCLK0 must be {CLOCK_MHZ:.3f} MHz, not 76.000000 MHz"),
    ],
)
@pytest.mark.parametrize("own", [False, True])
def test_no_bitstream_without_timing(run, build, pynq, outcome, message, own, tmp_path) -> None:
    with pytest.raises(TclError, match=message):
        run(pynq, outcome=outcome, own=own)
    assert not list(tmp_path.rglob(BITSTREAM))
    assert not list(tmp_path.rglob(HANDOFF))


def test_a_slack_of_nothing_is_enough(run, pynq) -> None:
    assert (run(pynq, outcome=Outcome(wns="0.000", whs="0.000")).folder / BITSTREAM).is_file()


def test_results_of_an_earlier_build_are_removed_first(build, pynq, expected_ports) -> None:
    from vivado_recorder import Vivado

    script = build(pynq)
    for name in RESULTS:
        (script.parent / name).write_text("earlier")
    with pytest.raises(TclError):
        Vivado(expected_ports, Outcome(progress="0%")).run(script)
    assert not [name for name in RESULTS if (script.parent / name).exists()]
