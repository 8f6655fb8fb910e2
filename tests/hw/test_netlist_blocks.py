"""Resources by block: by path, LUTs without a name by what they drive, nothing lost."""

import pytest
from netlist_design import Design

from zynq_lstm.hw.netlist_blocks import BLOCKS, block_of, resources_by_block
from zynq_lstm.hw.netlist_checks import count_resources

DATAPATH = "accelerator.datapath"


@pytest.mark.parametrize(
    ("path", "block"),
    [
        (f"{DATAPATH}.engine.region3.bank7.pair1", "engine"),
        (f"{DATAPATH}.lane2$4", "scaling, stored sums"),
        (f"{DATAPATH}.sums.ram", "scaling, stored sums"),
        (f"{DATAPATH}.surprisal$7.lane0.exponential", "surprisal"),
        (f"{DATAPATH}.table.gate2.ram4", "input table"),
        (f"{DATAPATH}.elementwise.table0", "element-wise unit"),
        ("accelerator.i_fifo.ram", "streams, loader, state"),
        ("accelerator.sampler_reset", "control"),
        (DATAPATH, "control"),
        ("bus", "registers, bus"),
        ("", "registers, bus"),
    ],
)
def test_blocks_of_paths(path: str, block: str) -> None:
    assert block_of(path) == block


@pytest.fixture
def design() -> Design:
    made = Design()
    made.instance("bus", "accelerator", DATAPATH, f"{DATAPATH}.sampler", f"{DATAPATH}.engine")
    return made


def test_an_unnamed_lut_belongs_to_what_it_drives(design: Design) -> None:
    source = design.register("0", "bus.q", "bus.r")
    shared = design.lut(source)  # Drives two of the sampler and one of the bus.
    for name in (f"{DATAPATH}.sampler.a", f"{DATAPATH}.sampler.b", "bus.c"):
        design.register(design.chain(shared, 3), name, f"{name}$r")
    design.lut(source)  # Drives nothing.
    found = resources_by_block(design.netlist())
    assert {
        name: (used["LUT"], used["FF"]) for name, used in found.items() if any(used.values())
    } == {
        "sampler": (7, 2),
        "registers, bus": (4, 2),
    }


def test_nothing_is_lost(design: Design) -> None:
    engine = f"{DATAPATH}.engine"
    q = design.register("0", f"{engine}.q", f"{engine}.r")
    design.cell("DSP48E1", f"{engine}.mul", A=q, P=design.nets(1))
    design.cell("RAMB36E1", f"{engine}.ram", DOADO=design.nets(1))
    for k in range(2):
        design.cell("RAMB18E1", f"bus.ram{k}", DOADO=design.nets(1))
    design.cell("SRL16E", "bus.srl", D=q, Q=design.nets(1))
    design.cell("RAM32M", "bus.lutram", DOA=design.nets(1))
    design.register(design.lut(q), f"{DATAPATH}.sampler.x", f"{DATAPATH}.sampler.r")
    netlist = design.netlist()
    found, whole = resources_by_block(netlist), count_resources(netlist)
    assert list(found) == list(BLOCKS)
    total = {kind: sum(used[kind] for used in found.values()) for kind in found["engine"]}
    assert total == {
        "DSP48E1": whole.dsp48e1,
        "RAMB36": whole.ramb36,
        "LUT": whole.lut,
        "FF": whole.ff,
    }


def test_a_loop_ends(design: Design) -> None:
    one, other = design.nets(2)
    design.cell("LUT1", I0=one, O=other)
    design.cell("LUT1", I0=other, O=one)
    assert resources_by_block(design.netlist())["registers, bus"]["LUT"] == 2
