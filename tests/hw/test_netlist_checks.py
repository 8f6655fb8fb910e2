"""Tests of the resource counts and the rules of structure, on netlists made cell by cell."""

import pytest
from netlist_design import CLOCK, Design, multiplier

from zynq_lstm.hw.netlist_checks import (
    check_banks,
    check_cells,
    check_dsps,
    count_by_scope,
    count_resources,
    dsp_controls_without_register,
    fan_out,
)


@pytest.fixture
def design() -> Design:
    return Design()


# Fan-out


@pytest.mark.parametrize(("loads", "broken"), [(64, 0), (65, 1), (70, 1)])
def test_fan_out_limit(design: Design, loads: int, broken: int) -> None:
    held = design.register("0", "select")
    for _ in range(loads):
        design.register("0", CE=held)
    found = fan_out(design.netlist())
    assert found.widest[0] == ("select", loads)
    assert len(found.violations) == broken
    assert found.clocks == ("clk",)
    if broken:
        assert found.violations[0] == (
            f"A net must drive at most 64 loads, but select drives {loads}, "
            f"pins of {loads} cells such as net 4 (FDRE CE)"
        )


def test_fan_out_counts_each_pin_of_a_cell(design: Design) -> None:
    sign = design.register("0", "sign")
    for k in range(3):
        design.cell("DSP48E1", f"mul{k}", A=[sign] * 30, B=["0"] * 18, P=design.nets(1), CLK=CLOCK)
    (violation,) = fan_out(design.netlist()).violations
    assert "sign drives 90, pins of 3 cells such as mul0 (DSP48E1 A)" in violation


def test_reset_is_a_net_like_others(design: Design) -> None:
    (reset,) = design.port("aresetn", "input")
    held = design.register(design.lut(reset), "held")
    for _ in range(65):
        design.register("1", R=held)
    (violation,) = fan_out(design.netlist()).violations
    assert "but held drives 65, pins of 65 cells such as" in violation
    assert violation.endswith("(FDRE R)")


# Multipliers


@pytest.mark.parametrize(
    ("parameters", "pins", "lacks"),
    [
        ({}, {}, ""),
        ({"AREG": 2, "BREG": 1, "MREG": 1, "PREG": 1}, {}, ""),
        ({"MREG": 0}, {}, "MREG = 0"),
        ({"AREG": 0, "PREG": 0}, {}, "AREG = 0, PREG = 0"),
        ({"BREG": 0, "CREG": 0}, {"C": "0"}, "BREG = 0"),
        ({"BREG": 0}, {"B": "1"}, ""),
        ({"CREG": 0}, {"C": CLOCK}, "CREG = 0"),
        ({"MREG": 0, "USE_MULT": "NONE"}, {}, ""),
        ({"AREG": 0, "A_INPUT": "CASCADE"}, {"A": "0", "ACIN": CLOCK}, "AREG = 0"),
        ({"AREG": 0, "A_INPUT": "CASCADE"}, {"ACIN": "0"}, ""),
    ],
)
def test_registers_of_multipliers(
    design: Design, parameters: dict[str, int | str], pins: dict, lacks: str
) -> None:
    multiplier(design, parameters, **pins)
    expected = "A DSP48E1 must register its operands, its product and its result, but mul has "
    assert check_dsps(design.netlist()) == ((expected + lacks,) if lacks else ())


def test_mode_without_register_is_counted(design: Design) -> None:
    multiplier(design, {"OPMODEREG": 0}, OPMODE=CLOCK)
    assert dsp_controls_without_register(design.netlist()) == 1
    assert check_dsps(design.netlist()) == ()


# Weight memories


def bank(design: Design, number: int, address: int) -> str:
    name = f"engine.bank{number}"
    design.instance(name, name + ".weights")
    pins = {"ADDRARDADDR": ["0", address, "1"], "ADDRBWRADDR": ["0"] * 3, "CLKARDCLK": CLOCK}
    return design.cell("RAMB36E1", name + ".weights.ram.0", DOADO=design.nets(1), **pins)


def kept(design: Design, number: int, d: int) -> int:
    name = f"engine.bank{number}"
    return design.register(d, name + ".address", rf"$flatten\engine.\bank{number}.$ff$1")


def test_bank_with_its_own_address(design: Design) -> None:
    (d,) = design.port("d", "input")
    design.instance("engine")
    for number in range(2):
        own = kept(design, number, d)
        design.alias(f"engine.seen{number}", [own])  # an output of the bank, too
        bank(design, number, own)
    found = check_banks(design.netlist(), r"bank\d+$")
    assert (found.instances, found.memories, found.violations) == (2, 2, ())


@pytest.mark.parametrize("how", ["shared", "outside", "logic", "port", "parent's name"])
def test_bank_without_its_own_address(design: Design, how: str) -> None:
    (d,) = design.port("d", "input")
    design.instance("engine")
    own = kept(design, 0, d)
    if how == "outside":
        own = design.register(d, "engine.address")
    elif how == "parent's name":  # flattened early: the register has the name of the bank's port
        own = design.register(d, "engine.address")
        design.alias("engine.bank0.r_addr", [own])
    elif how == "logic":
        own = design.lut(own)
    elif how == "port":
        own = d
    bank(design, 0, own)
    bank(design, 1, own if how == "shared" else kept(design, 1, d))
    expected = {
        "shared": [
            "engine.bank0.address, which also addresses engine.bank1",
            "engine.bank0.address, which lies in engine.bank0",
        ],
        "outside": ["engine.address, which lies in engine"],
        "parent's name": ["engine.address, which lies in engine"],
        "logic": [", which is no flip-flop (LUT1)"],
        "port": ["d, which no cell drives"],
    }[how]
    found = check_banks(design.netlist(), "bank").violations
    assert len(found) == len(expected)
    for violation, end in zip(found, expected, strict=True):
        assert violation.startswith(
            "A weight memory must be addressed by registers of its bank alone, but 1 address pins "
        )
        assert end in violation


def test_memories_outside_banks_are_free(design: Design) -> None:
    (d,) = design.port("d", "input")
    design.cell("RAMB36E1", "table.ram.0", ADDRARDADDR=d, CLKARDCLK=CLOCK)
    found = check_banks(design.netlist(), "bank")
    assert (found.memories, found.violations) == (0, ())


# Resources


def test_resources(design: Design) -> None:
    for kind, count in {
        "LUT1": 1, "LUT6": 2, "INV": 1, "FDRE": 1, "FDSE": 1, "FDCE": 1, "FDPE": 1, "CARRY4": 3,
        "RAMB36E1": 2, "RAMB18E1": 3, "DSP48E1": 2, "RAM64M": 1, "RAM32M": 1, "RAM64X1D": 1,
        "RAM32X1D": 1, "RAM128X1D": 1, "SRL16E": 1, "SRLC32E": 2, "MUXF7": 1, "GND": 1,
    }.items():  # fmt: skip
        for _ in range(count):
            design.cell(kind, O=design.nets(1))
    used = count_resources(design.netlist())
    assert (used.dsp48e1, used.ramb36, used.ff, used.carry4) == (2, 4, 4, 3)
    assert (used.lutram, used.srl, used.muxf) == (16, 3, 1)
    assert used.lut == 4 + 16 + 3


def test_lut_beside_a_carry_chain_is_counted_apart(design: Design) -> None:
    start = design.register("0")
    design.carry(1, S=[start, design.lut(start), "0", start])
    used = count_resources(design.netlist())
    assert (used.lut, used.lut_feedthrough) == (1, 2)


def test_shift_registers_are_counted_by_instance(design: Design) -> None:
    design.instance("tree", "tree.leaf")
    for name in ("tree.leaf.q", "tree.q", "q"):
        design.cell("SRL16E", CLK=CLOCK, Q=design.nets(1, name), D="0")
    design.cell("SRL16E", r"$flatten\tree.$srl$1", CLK=CLOCK, Q=design.nets(1), D="0")
    assert count_by_scope(design.netlist(), ["SRL16E"]) == {"": 1, "tree": 2, "tree.leaf": 1}


def test_what_no_report_knows_is_told(design: Design) -> None:
    (net,) = design.nets(1, "twice")
    design.cell("LDCE", "holds", G=CLOCK, D="0", Q=net)
    design.cell("$_AND_", A="0", O=design.nets(1))
    design.register("0")
    design.cell("LUT1", I0=CLOCK, O=net)
    assert check_cells(design.netlist()) == (
        "A design must have no latch, but holds is one",
        "A netlist must have cells of the 7-series only, but has 1 $_AND_",
        "A net must have one driver, but twice has more",
    )
