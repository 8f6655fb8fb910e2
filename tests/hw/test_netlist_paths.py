"""Tests of the longest paths, with the cell's arcs, on netlists that are made cell by cell."""

import itertools
import random

import pytest
from netlist_design import CLOCK, Design, multiplier

from zynq_lstm.hw.netlist import Cell, Netlist
from zynq_lstm.hw.netlist_arcs import timing
from zynq_lstm.hw.netlist_paths import longest_paths


@pytest.fixture
def design() -> Design:
    return Design()


@pytest.mark.parametrize("luts", [0, 1, 4, 5])
@pytest.mark.parametrize("pin", ["D", "CE", "R"])
def test_path_of_luts(design: Design, luts: int, pin: str) -> None:
    end = design.chain(design.register("0", "start"), luts)
    design.register(**({"d": "0"} | {pin.lower() if pin == "D" else pin: end}), name="end")
    found = longest_paths(design.netlist())
    assert found.logic is not None
    assert found.logic.luts == luts
    assert found.logic.steps[0] == "start (FDRE Q)"
    assert found.logic.steps[-1] == f"end (FDRE {pin})"
    assert found.carry is None
    assert len(found.violations) == (luts > 4)


def test_path_too_long_is_told(design: Design) -> None:
    for k in range(3):
        (q,) = design.nets(1)
        design.cell("FDRE", C=CLOCK, D=design.chain(design.register("0", f"a{k}"), 5 + k), Q=q)
        design.alias(f"unit{k}.b", [q])
        design.instance(f"unit{k}")
    (violation,) = longest_paths(design.netlist()).violations
    assert violation.startswith("A path must pass at most 4 LUTs, not 7 LUT on a2 (FDRE Q) > ")
    assert violation.endswith("> unit2.b (FDRE D) (the first of 3 alike)")


def test_ports_start_and_end_paths(design: Design) -> None:
    (start,) = design.port("go", "input")
    design.port("done", "output", [design.chain(start, 5)])
    path = longest_paths(design.netlist()).logic
    assert path is not None
    assert (path.luts, path.steps[0], path.steps[-1]) == (5, "go (input)", "output done")


def test_wide_multiplexer_is_no_lut(design: Design) -> None:
    first, second = design.nets(2)
    select = design.register("0")
    low = design.chain(select, 4)
    design.cell("MUXF7", I0=low, I1=low, S=select, O=first)
    design.cell("MUXF8", I0=first, I1=first, S=select, O=second)
    design.register(second)
    found = longest_paths(design.netlist())
    assert found.logic is not None
    assert (found.logic.luts, found.logic.muxf, found.violations) == (4, 2, ())


@pytest.mark.parametrize(
    ("before", "carry4", "after", "broken"),
    [(1, 8, 0, 0), (0, 8, 1, 0), (1, 9, 0, 1), (0, 9, 0, 1), (1, 8, 1, 1), (2, 1, 0, 1)],
)
def test_path_through_carry_chain(
    design: Design, before: int, carry4: int, after: int, broken: int
) -> None:
    first = design.chain(design.register("0"), before)
    total = design.carry(carry4, S=[first, "x", "x", "x"])
    design.register(design.chain(total[3], after))
    found = longest_paths(design.netlist())
    assert found.carry is not None
    assert (found.carry.luts, found.carry.carry4) == (before + after, carry4)
    assert found.carry_limits == ((before + after, carry4),)
    assert len(found.violations) == broken


def test_worst_carry_path_breaks_the_rule_first(design: Design) -> None:
    start = design.register("0")
    design.register(design.carry(8, CI=[design.lut(start)])[0])
    design.register(design.carry(9, CI=[start])[0])
    found = longest_paths(design.netlist())
    assert found.carry is not None
    assert (found.carry.luts, found.carry.carry4) == (0, 9)
    assert set(found.carry_limits) == {(1, 8), (0, 9)}


def carry4_outputs(carry: int, select: tuple[int, ...], data: tuple[int, ...]) -> list[int]:
    """What a CARRY4 computes (7 Series CLB user guide): the four O, then the four CO."""
    total, out = [], []
    for s, d in zip(select, data, strict=True):
        total.append(s ^ carry)
        carry = carry if s else d
        out.append(carry)
    return total + out


@pytest.mark.parametrize("constants", [{}, {0: 0}, {1: 1}, {2: 0, 3: 1}, {0: 1, 1: 1, 2: 1, 3: 1}])
def test_carry4_arcs_are_what_the_cell_computes(constants: dict[int, int]) -> None:
    carry, select, data, outputs = 10, [11, 12, 13, 14], [21, 22, 23, 24], list(range(31, 39))
    pins = [str(constants[k]) if k in constants else bit for k, bit in enumerate(select)]
    inputs = {"CI": (carry,), "CYINIT": ("0",), "S": tuple(pins), "DI": tuple(data)}
    cell = Cell("c", "CARRY4", {}, inputs, {"O": tuple(outputs[:4]), "CO": tuple(outputs[4:])})
    expected: dict[int, set[int]] = {bit: set() for bit in outputs}
    order = [carry, *select, *data]
    for values in itertools.product((0, 1), repeat=9):
        if any(values[1 + k] != value for k, value in constants.items()):
            continue
        before = carry4_outputs(values[0], values[1:5], values[5:])
        for place, bit in enumerate(order):
            if bit in select and select.index(bit) in constants:
                continue
            changed = (*values[:place], 1 - values[place], *values[place + 1 :])
            after = carry4_outputs(changed[0], changed[1:5], changed[5:])
            for output, one, other in zip(outputs, before, after, strict=True):
                if one != other:
                    expected[output].add(bit)
    arcs = timing(cell).arcs
    assert {bit: set(sources) for bit, _, _, sources in arcs} == expected
    assert {arc[1:3] for arc in arcs} == {(0, 1)}


def all_paths(netlist: Netlist) -> set[tuple[int, int]]:
    """(LUTs, CARRY4) of every path, by going through all of them."""
    arcs = {arc[0]: arc for cell in netlist.cells for arc in timing(cell).arcs}

    def back(bit: int) -> set[tuple[int, int]]:
        if bit not in arcs:
            return {(0, 0)}
        _, luts, carry4, sources = arcs[bit]
        return {(a + luts, c + carry4) for source in sources for a, c in back(source)}

    ends = {bit for cell in netlist.cells for _, bit in timing(cell).ends}
    return set().union(*(back(bit) for bit in ends))


@pytest.mark.parametrize("seed", range(20))
def test_longest_paths_are_those_of_all_paths(seed: int) -> None:
    source = random.Random(seed)
    design = Design()
    bits = [design.register("0") for _ in range(3)]
    for _ in range(12):
        if source.random() < 0.6:
            bits.append(design.lut(*source.sample(bits, 2)))
        else:
            bits += source.sample(design.carry(1, S=[*source.sample(bits, 2), "x", "x"]), 2)
    for bit in bits[3:]:
        design.register(bit)
    netlist = design.netlist()
    paths, found = all_paths(netlist), longest_paths(netlist)
    assert (found.logic.luts if found.logic else 0) == max(a for a, c in paths if not c)
    through = {(a, c) for a, c in paths if c}
    front = {
        p for p in through if not any(q != p and q[0] >= p[0] and q[1] >= p[1] for q in through)
    }
    assert set(found.carry_limits) == front, f"seed {seed}"


def test_loop_is_reported_and_cut(design: Design) -> None:
    start = design.register("0")
    first, second = design.nets(1, "ring_a") + design.nets(1, "ring_b")
    design.cell("LUT2", I0=start, I1=second, O=first)
    design.cell("LUT1", I0=first, O=second)
    design.register(second)
    design.register(design.chain(start, 3))
    found = longest_paths(design.netlist())
    (violation,) = found.violations
    assert violation in (
        "The netlist must have no combinational loop, but has ring_b > ring_a > ring_b",
        "The netlist must have no combinational loop, but has ring_a > ring_b > ring_a",
    )
    assert found.logic is not None
    assert found.logic.luts == 3


def test_carry_chain_that_goes_around_a_cell_is_no_loop(design: Design) -> None:
    total, out = design.nets(4), design.nets(4)
    late = design.lut(total[0])
    design.cell("CARRY4", O=total, CO=out, CI="0", S=[design.register("0"), late, "0", "0"])
    design.register(total[1])
    found = longest_paths(design.netlist())
    assert found.carry_limits == ((1, 2),)
    assert found.violations == ()


def test_lut_memory_passes_its_read_address(design: Design) -> None:
    read, write, data = (design.register("0", name) for name in ("read", "write", "data"))
    (out,) = design.nets(1)
    deep = design.chain(write, 5)
    pins = {"ADDRA": [read], "ADDRD": [deep], "DIA": [data], "WE": ["1"], "WCLK": [CLOCK]}
    design.cell("RAM32M", "table", DOA=[out], **pins)
    design.register(out)
    ends = {end for cell in design.netlist().cells for end in timing(cell).ends}
    assert {("ADDRD", deep), ("DIA", data)} <= ends
    assert ("ADDRA", read) not in ends
    path = longest_paths(design.netlist()).logic
    assert path is not None
    assert (path.luts, path.steps[-1]) == (5, "table (RAM32M ADDRD)")


@pytest.mark.parametrize(
    ("kind", "read", "output"),
    [("RAM64X1D", "DPRA3", "DPO"), ("RAM64X1D", "A2", "SPO"), ("RAM64M", "ADDRB", "DOB")],
)
def test_read_address_counts_as_one_lut(design: Design, kind: str, read: str, output: str) -> None:
    (out,) = design.nets(1)
    address = design.chain(design.register("0", "read"), 2)
    design.cell(kind, WCLK=CLOCK, D="0", WE="1", **{read: address, output: out})
    design.register(out)
    path = longest_paths(design.netlist()).logic
    assert path is not None
    assert (path.luts, path.steps[0]) == (3, "read (FDRE Q)")


def test_shift_register_begins_with_its_lut(design: Design) -> None:
    out, last = design.nets(2)
    design.cell("SRLC32E", CLK=CLOCK, D=design.register("0"), A=["1"] * 5, Q=out, Q31=last)
    design.register(design.chain(out, 4), "end")
    found = longest_paths(design.netlist())
    assert found.logic is not None
    assert (found.logic.luts, found.logic.steps[0]) == (5, f"net {out} (SRLC32E Q)")
    assert len(found.violations) == 1


def test_block_memory_starts_and_ends_paths(design: Design) -> None:
    (out,) = design.nets(1)
    address = design.chain(design.register("0"), 2)
    design.cell("RAMB36E1", "ram", ADDRARDADDR=address, CLKARDCLK=CLOCK, DOADO=out)
    design.register(design.lut(out))
    path = longest_paths(design.netlist()).logic
    assert path is not None
    assert (path.luts, path.steps[-1]) == (2, "ram (RAMB36E1 ADDRARDADDR)")


@pytest.mark.parametrize(("parameters", "luts"), [({"PREG": 0}, 1), ({"PREG": 0, "MREG": 0}, 1)])
def test_registered_multiplier_starts_a_path(design: Design, parameters: dict, luts: int) -> None:
    design.register(design.lut(multiplier(design, parameters)))
    path = longest_paths(design.netlist()).logic
    assert path is not None
    assert path.luts == luts


def test_path_goes_on_through_a_multiplier_without_registers(design: Design) -> None:
    parameters: dict[str, int | str] = dict.fromkeys(("AREG", "MREG", "PREG"), 0)
    operand = design.chain(design.register("0", "start"), 3)
    design.register(design.chain(multiplier(design, parameters, A=operand), 2))
    found = longest_paths(design.netlist())
    assert found.logic is not None
    assert (found.logic.luts, found.logic.steps[0]) == (5, "start (FDRE Q)")
    assert len(found.violations) == 1
