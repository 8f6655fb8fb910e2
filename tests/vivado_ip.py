"""What the documentation of the IP says: pins, buses, parameters, addresses.

Written down apart from `boards`, so that a name which is wrong there is found. Sources:

- Processing System 7 5.5: PG082; names and values of PCW_* as Vivado's write_bd_tcl exports them.
- AXI DMA 7.1: PG021, port descriptions and user parameters.
- SmartConnect 1.0: PG247. Processor System Reset 5.0: PG164. Concat 2.1: its IP-XACT.
- Tcl commands and their options: UG835.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

IN, OUT = "in", "out"
MASTER, SLAVE = "master", "slave"


@dataclass(frozen=True)
class Pins:
    """What a cell has when its parameters are set as they are.

    Parameters
    ----------
    scalars : mapping of str to str
        Pin to its direction.
    required : frozenset of str
        Inputs that must be driven; the others have a value of their own.
    clocks : frozenset of str
    resets : frozenset of str
        Inputs that are resets.
    buses : mapping of str to (str, str)
        Bus to its kind and side.
    spaces : frozenset of str
    segments : mapping of str to int
        Segment to its largest size.
    """

    scalars: Mapping[str, str]
    required: frozenset[str]
    clocks: frozenset[str] = frozenset()
    resets: frozenset[str] = frozenset()
    buses: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    spaces: frozenset[str] = frozenset()
    segments: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Ip:
    """An IP: patterns of its parameters and their values, their defaults, and its pins."""

    parameters: Mapping[str, str]
    defaults: Mapping[str, str]
    pins: Callable[[Mapping[str, str]], Pins]

    def wrong_parameters(self, given: Mapping[str, str]) -> list[str]:
        """Return what is wrong with parameters."""
        wrong = []
        for name, value in given.items():
            patterns = [v for n, v in self.parameters.items() if re.fullmatch(n, name)]
            if not patterns:
                wrong.append(f"no parameter {name}")
            elif not any(re.fullmatch(pattern, value) for pattern in patterns):
                wrong.append(f"{name} cannot be {value}")
        return wrong


SWITCH = "[01]"
REAL = r"-?\d+(\.\d+)?"
MIO = r"MIO \d+( \.\. \d+)?"
VOLTAGE = r"LVCMOS (1\.8|2\.5|3\.3)V"

PS7_PARAMETERS = {
    r"PCW_PRESET_BANK[01]_VOLTAGE": VOLTAGE,
    r"PCW_(QSPI|SD[01]|UART[01]|ENET[01]|USB[01]|TTC0)_PERIPHERAL_ENABLE": SWITCH,
    r"PCW_QSPI_QSPI_IO": r"MIO 1 \.\. 6",
    r"PCW_QSPI_GRP_(SINGLE_SS|SS1|IO1|FBCLK)_ENABLE": SWITCH,
    r"PCW_QSPI_GRP_FBCLK_IO": "MIO 8",
    r"PCW_ENET0_ENET0_IO": r"MIO 16 \.\. 27",
    r"PCW_ENET0_GRP_MDIO_ENABLE": SWITCH,
    r"PCW_ENET0_GRP_MDIO_IO": r"MIO 52 \.\. 53",
    r"PCW_(ENET0|USB0)_RESET_ENABLE": SWITCH,
    r"PCW_(ENET0|USB0)_RESET_IO": MIO,
    r"PCW_USB0_USB0_IO": r"MIO 28 \.\. 39",
    r"PCW_SD0_SD0_IO": r"MIO (16 \.\. 21|28 \.\. 33|40 \.\. 45)",
    r"PCW_SD0_GRP_(CD|WP|POW)_ENABLE": SWITCH,
    r"PCW_SD0_GRP_(CD|WP|POW)_IO": MIO,
    r"PCW_UART0_UART0_IO": r"MIO (10 \.\. 11|14 \.\. 15|18 \.\. 19|22 \.\. 23|26 \.\. 27|30 \.\. 31"
    r"|34 \.\. 35|38 \.\. 39|42 \.\. 43|46 \.\. 47|50 \.\. 51)",
    r"PCW_UART1_UART1_IO": r"MIO (8 \.\. 9|12 \.\. 13|16 \.\. 17|20 \.\. 21|24 \.\. 25|28 \.\. 29"
    r"|32 \.\. 33|36 \.\. 37|40 \.\. 41|44 \.\. 45|48 \.\. 49|52 \.\. 53)",
    r"PCW_(SDIO|APU|CRYSTAL|FPGA[0-3])_PERIPHERAL_FREQMHZ": REAL,
    r"PCW_GPIO_MIO_GPIO_ENABLE": SWITCH,
    r"PCW_UIPARAM_DDR_(ENABLE|USE_INTERNAL_VREF)": SWITCH,
    r"PCW_UIPARAM_DDR_TRAIN_(WRITE_LEVEL|READ_GATE|DATA_EYE)": SWITCH,
    r"PCW_UIPARAM_DDR_MEMORY_TYPE": r"DDR 2|DDR 3|DDR 3 \(Low Voltage\)|LPDDR 2",
    r"PCW_UIPARAM_DDR_PARTNO": r"Custom|MT41[JK]\d+M\d+ \S+",
    r"PCW_UIPARAM_DDR_BUS_WIDTH": "(16|32) Bit",
    r"PCW_UIPARAM_DDR_DRAM_WIDTH": "(8|16|32) Bits",
    r"PCW_UIPARAM_DDR_DEVICE_CAPACITY": r"\d+ MBits",
    r"PCW_UIPARAM_DDR_SPEED_BIN": "DDR3_1066[EFG]",
    r"PCW_UIPARAM_DDR_(BANK|ROW|COL)_ADDR_COUNT": r"\d+",
    r"PCW_UIPARAM_DDR_(CL|CWL|T_RCD|T_RP)": r"\d+",
    r"PCW_UIPARAM_DDR_(T_RC|T_RAS_MIN|T_FAW|FREQ_MHZ)": REAL,
    r"PCW_UIPARAM_DDR_DQS_TO_CLK_DELAY_[0-3]": REAL,
    r"PCW_UIPARAM_DDR_BOARD_DELAY[0-3]": REAL,
    r"PCW_USE_(M_AXI_GP[01]|S_AXI_GP[01]|S_AXI_HP[0-3]|S_AXI_ACP|FABRIC_INTERRUPT)": SWITCH,
    r"PCW_S_AXI_HP[0-3]_DATA_WIDTH": "32|64",
    r"PCW_IRQ_F2P_INTR": SWITCH,
    r"PCW_FPGA_FCLK[0-3]_ENABLE": SWITCH,
    r"PCW_FCLK[0-3]_PERIPHERAL_CLKSRC": "(IO|ARM|DDR) PLL|External",
    r"PCW_EN_(CLK|RST)[0-3]_PORT": SWITCH,
}


def ps7_pins(p: Mapping[str, str]) -> Pins:
    scalars, buses, segments = {}, {"DDR": ("ddr", MASTER), "FIXED_IO": ("fixed_io", MASTER)}, {}
    clocks = set()
    for n in range(4):
        if p.get(f"PCW_EN_CLK{n}_PORT") == "1" and p.get(f"PCW_FPGA_FCLK{n}_ENABLE") == "1":
            scalars[f"FCLK_CLK{n}"] = OUT
        if p.get(f"PCW_EN_RST{n}_PORT") == "1":
            scalars[f"FCLK_RESET{n}_N"] = OUT
        if p.get(f"PCW_USE_S_AXI_HP{n}") == "1":
            buses[f"S_AXI_HP{n}"] = ("aximm", SLAVE)
            segments[f"S_AXI_HP{n}/HP{n}_DDR_LOWOCM"] = 1 << 30
            clocks.add(f"S_AXI_HP{n}_ACLK")
    if p.get("PCW_USE_M_AXI_GP0") == "1":
        buses["M_AXI_GP0"] = ("aximm", MASTER)
        clocks.add("M_AXI_GP0_ACLK")
    scalars |= dict.fromkeys(clocks, IN)
    required = set(clocks)
    if p.get("PCW_USE_FABRIC_INTERRUPT") == "1" and p.get("PCW_IRQ_F2P_INTR") == "1":
        scalars["IRQ_F2P"] = IN
        required.add("IRQ_F2P")
    return Pins(
        scalars,
        frozenset(required),
        clocks=frozenset(clocks),
        buses=buses,
        spaces=frozenset({"Data"}),
        segments=segments,
    )


DMA_PARAMETERS = {
    "c_(include_sg|micro_dma|sg_include_stscntrl_strm)": SWITCH,
    "c_include_(mm2s|s2mm)(_dre)?": SWITCH,
    "c_sg_length_width": "[89]|1[0-9]|2[0-6]",
    "c_addr_width": "3[2-9]|[45][0-9]|6[0-4]",
    "c_m_axi_(mm2s|s2mm)_data_width": "32|64|128|256|512|1024",
    "c_(m_axis_mm2s|s_axis_s2mm)_tdata_width": "8|16|32|64|128|256|512|1024",
    "c_(mm2s|s2mm)_burst_size": "2|4|8|16|32|64|128|256",
}
DMA_DEFAULTS = {
    "c_include_sg": "1",
    "c_sg_include_stscntrl_strm": "1",
    "c_include_mm2s": "1",
    "c_include_s2mm": "1",
}


def dma_pins(p: Mapping[str, str]) -> Pins:
    clocks = {"s_axi_lite_aclk"}
    scalars = {"axi_resetn": IN}
    buses = {"S_AXI_LITE": ("aximm", SLAVE)}
    spaces = set()
    if p["c_include_sg"] == "1":
        clocks.add("m_axi_sg_aclk")
        buses["M_AXI_SG"] = ("aximm", MASTER)
        spaces.add("Data_SG")
    for direction, stream, side in (
        ("mm2s", "M_AXIS_MM2S", MASTER),
        ("s2mm", "S_AXIS_S2MM", SLAVE),
    ):
        if p[f"c_include_{direction}"] == "1":
            clocks.add(f"m_axi_{direction}_aclk")
            scalars[f"{direction}_introut"] = OUT
            scalars[f"{direction}_prmry_reset_out_n"] = OUT
            buses[f"M_AXI_{direction.upper()}"] = ("aximm", MASTER)
            buses[stream] = ("axis", side)
            spaces.add(f"Data_{direction.upper()}")
    return Pins(
        scalars | dict.fromkeys(clocks, IN),
        frozenset(clocks | {"axi_resetn"}),
        clocks=frozenset(clocks),
        resets=frozenset({"axi_resetn"}),
        buses=buses,
        spaces=frozenset(spaces),
        segments={"S_AXI_LITE/Reg": 1 << 16},
    )


def smartconnect_pins(p: Mapping[str, str]) -> Pins:
    return Pins(
        {"aclk": IN, "aresetn": IN},
        frozenset({"aclk", "aresetn"}),
        clocks=frozenset({"aclk"}),
        resets=frozenset({"aresetn"}),
        buses={f"S{n:02}_AXI": ("aximm", SLAVE) for n in range(int(p["NUM_SI"]))}
        | {f"M{n:02}_AXI": ("aximm", MASTER) for n in range(int(p["NUM_MI"]))},
    )


def reset_pins(p: Mapping[str, str]) -> Pins:
    inputs = ("slowest_sync_clk", "ext_reset_in", "aux_reset_in", "mb_debug_sys_rst", "dcm_locked")
    outputs = (
        "mb_reset",
        "bus_struct_reset",
        "peripheral_reset",
        "interconnect_aresetn",
        "peripheral_aresetn",
    )
    return Pins(
        dict.fromkeys(inputs, IN) | dict.fromkeys(outputs, OUT),
        frozenset({"slowest_sync_clk", "ext_reset_in"}),
        clocks=frozenset({"slowest_sync_clk"}),
    )


def concat_pins(p: Mapping[str, str]) -> Pins:
    inputs = [f"In{n}" for n in range(int(p["NUM_PORTS"]))]
    return Pins(dict.fromkeys(inputs, IN) | {"dout": OUT}, frozenset(inputs))


IPS = {
    "xilinx.com:ip:processing_system7:5.5": Ip(PS7_PARAMETERS, {}, ps7_pins),
    "xilinx.com:ip:axi_dma:7.1": Ip(DMA_PARAMETERS, DMA_DEFAULTS, dma_pins),
    "xilinx.com:ip:smartconnect:1.0": Ip(
        {"NUM_[SM]I": r"[1-9]|1[0-6]", "NUM_CLKS": r"\d"},
        {"NUM_SI": "2", "NUM_MI": "1"},
        smartconnect_pins,
    ),
    "xilinx.com:ip:proc_sys_reset:5.0": Ip(
        {"C_(EXT|AUX)_RESET_HIGH": SWITCH, "C_NUM_PERP_ARESETN": r"\d+"}, {}, reset_pins
    ),
    "xilinx.com:ip:xlconcat:2.1": Ip(
        {"NUM_PORTS": r"[1-9]|[12]\d|3[0-2]", r"IN\d+_WIDTH": r"\d+"},
        {"NUM_PORTS": "2"},
        concat_pins,
    ),
}

AXI_LITE = {
    "awaddr",
    "awvalid",
    "awready",
    "wdata",
    "wstrb",
    "wvalid",
    "wready",
    "bresp",
    "bvalid",
    "bready",
    "araddr",
    "arvalid",
    "arready",
    "rdata",
    "rresp",
    "rvalid",
    "rready",
}
AXI_STREAM = {"tvalid", "tready", "tdata", "tkeep", "tlast"}
BUS_SIGNALS = {"s_axi": AXI_LITE, "s_axis": AXI_STREAM, "m_axis": AXI_STREAM}


def module_pins(ports: Mapping[str, tuple[str, int]]) -> Pins:
    """Return what Vivado makes of a module's ports: buses, where all signals of one are there.

    Parameters
    ----------
    ports : mapping of str to (str, int)
        Direction and width.
    """
    scalars, found = {}, {}
    for name, (direction, width) in ports.items():
        bus, _, signal = name.rpartition("_")
        if bus in BUS_SIGNALS:
            found.setdefault(bus, {})[signal] = (direction, width)
        else:
            scalars[name] = direction
    buses, segments = {}, {}
    for bus, signals in found.items():
        if not BUS_SIGNALS[bus] <= signals.keys() <= BUS_SIGNALS[bus] | {"awprot", "arprot"}:
            continue
        side = SLAVE if bus.startswith("s_") else MASTER
        buses[bus] = ("aximm" if bus == "s_axi" else "axis", side)
        if bus == "s_axi":
            segments["s_axi/reg0"] = 1 << signals["awaddr"][1]
    return Pins(
        scalars,
        frozenset(name for name, direction in scalars.items() if direction == IN),
        clocks=frozenset({"aclk"} & scalars.keys()),
        resets=frozenset({"aresetn"} & scalars.keys()),
        buses=buses,
        segments=segments,
    )


COMMANDS: dict[str, dict[str, int]] = {
    "create_project": {"-force": 0, "-part": 1},
    "add_files": {"-norecurse": 0, "-fileset": 1},
    "update_compile_order": {"-fileset": 1},
    "create_bd_design": {},
    "create_bd_cell": {"-type": 1, "-vlnv": 1, "-reference": 1},
    "create_bd_intf_port": {"-mode": 1, "-vlnv": 1},
    "connect_bd_intf_net": {},
    "connect_bd_net": {},
    "assign_bd_address": {"-offset": 1, "-range": 1, "-target_address_space": 1, "-force": 0},
    "validate_bd_design": {},
    "save_bd_design": {},
    "generate_target": {},
    "make_wrapper": {"-files": 1, "-top": 0},
    "launch_runs": {"-jobs": 1},
    "wait_on_run": {},
    "open_run": {},
    "report_timing_summary": {"-file": 1},
    "report_utilization": {"-hierarchical": 0, "-file": 1},
    "write_bitstream": {"-force": 0},
    "set_property": {"-dict": 1},
    "get_property": {},
    "current_project": {},
    "get_bd_cells": {},
    "get_bd_pins": {},
    "get_bd_intf_pins": {},
    "get_bd_intf_ports": {},
    "get_bd_addr_spaces": {},
    "get_bd_addr_segs": {},
    "get_files": {},
    "get_filesets": {},
    "get_runs": {},
    "get_clocks": {},
}
"""Vivado's commands that a script may use, and how many values follow each of their options."""
