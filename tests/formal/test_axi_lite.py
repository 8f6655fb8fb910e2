"""The AXI4-Lite slave, proved by induction: every request is answered once, and none waits forever.

Of the master it is assumed that what it offers stays until it is taken, as AXI demands; when it
takes the answers is free, and so is `hold`.
"""

import pytest
from amaranth.hdl import Cat, Signal
from formal_proof import Bench, altered, prove, reached, refutes

from zynq_lstm.hw.system import WRITE_LATENCY

READ_LATENCY = 3
"""As of a system without options; any other is a parameter of the same source."""

AGE_BITS = 4
LATENCIES = [(WRITE_LATENCY, READ_LATENCY), (1, 1), (2, 5)]


class Channel:
    """One channel of requests: at most one of them is here, from its transfer to its answer."""

    def __init__(self, bench, dut, name, payload, answered):
        valid, ready = getattr(dut, f"s_axi_{name}valid"), getattr(dut, f"s_axi_{name}ready")
        given = Cat(getattr(dut, f"s_axi_{name}{part}") for part in payload)
        waits = bench.past(valid & ~ready)
        bench.assume(~waits | (valid & (given == bench.past(given))))
        self.here = here = Signal(name=f"{name}_is_here")
        self.kept = Signal(len(given), name=f"{name}_kept")
        with bench.m.If(valid & ready):
            bench.m.d.sync += [here.eq(1), self.kept.eq(given)]
        with bench.m.If(answered):
            bench.m.d.sync += here.eq(0)
        bench.holds(f"{name}: none is taken before the one before is answered", ~(ready & here))
        free = ~here & bench.past(~here)
        bench.holds(f"{name}: ready when none is here", ~free | ready)
        bench.invariant(bench.inside(f"{name}_here") == here)


def direction(bench, name, enable, valid, ready, here, hold, latency):
    """What holds of writes and reads alike; age of the pulse of an access under way, or 0."""
    m = bench.m
    age = Signal(AGE_BITS, name=f"{name}_age")
    answered = valid & ready
    with m.If(answered):
        m.d.sync += age.eq(0)
    with m.Elif((enable | (age != 0)) & (age != latency)):
        m.d.sync += age.eq(age + 1)
    waiting = Signal(AGE_BITS, name=f"{name}_waiting")
    due = here & ~valid & ~(hold & ~enable & (age == 0))
    m.d.sync += waiting.eq(0)
    with m.If(due & ~waiting.all()):
        m.d.sync += waiting.eq(waiting + 1)
    bench.holds(f"{name}: done once, when all of it is here", ~enable | (here & (age == 0)))
    bench.holds(
        f"{name}: answered when it has been done, and not before", valid == (age == latency)
    )
    bench.holds(f"{name}: the answer stands until taken", ~bench.past(valid & ~ready) | valid)
    bench.holds(f"{name}: answered in time", waiting <= latency + 1)
    under_way = bench.inside(f"{enable.name}_under_way")
    bench.invariant(under_way == (enable | (age != 0)))
    bench.invariant((age == 0) | here)
    bench.invariant(age <= latency)
    stages = bench.inside(f"{name}_due")
    for k, stage in enumerate(stages):
        bench.invariant(stage == (age == k + 1) if k + 1 < latency else ~stage | (age == latency))
    bench.invariant((age == 0) | (waiting <= age + 1))
    bench.invariant(~enable | (waiting <= 1))
    bench.invariant(enable | (age != 0) | (waiting == 0) | (waiting == 1))
    return age, answered


def axi_bench(write_latency, read_latency, *changes, only=None):
    axi_lite = altered("axi_lite", *changes)
    dut = axi_lite.AxiLite(write_latency=write_latency, read_latency=read_latency)
    bench = Bench(dut, only=only)
    b, r = (getattr(dut, f"s_axi_{n}valid") & getattr(dut, f"s_axi_{n}ready") for n in "br")
    aw = Channel(bench, dut, "aw", ["addr", "prot"], b)
    w = Channel(bench, dut, "w", ["data", "strb"], b)
    ar = Channel(bench, dut, "ar", ["addr", "prot"], r)
    shift = axi_lite.WORD_SHIFT

    here = aw.here & w.here
    age, _ = direction(
        bench, "write", dut.w_en, dut.s_axi_bvalid, dut.s_axi_bready, here, dut.hold, write_latency
    )
    written = Cat(dut.w_addr, dut.w_data, dut.w_strb)
    asked = Cat(aw.kept[shift : shift + len(dut.w_addr)], w.kept)
    bench.holds("write: what was asked for", ~dut.w_en | (written == asked))

    taken = read_latency + 1
    age, _ = direction(
        bench, "read", dut.r_en, dut.s_axi_rvalid, dut.s_axi_rready, ar.here, dut.hold, taken
    )
    address = ar.kept[shift : shift + len(dut.r_addr)]
    bench.holds("read: the address stands", ~(dut.r_en | (age != 0)) | (dut.r_addr == address))
    comes = dut.s_axi_rvalid & (bench.past(age) == read_latency)
    bench.holds(
        "read: the data of their cycle", ~comes | (dut.s_axi_rdata == bench.past(dut.r_data))
    )
    waits = bench.past(dut.s_axi_rvalid & ~dut.s_axi_rready)
    same = dut.s_axi_rdata == bench.past(dut.s_axi_rdata)
    bench.holds("read: data stand until taken", ~waits | same)
    bench.holds("all is well", Cat(dut.s_axi_bresp, dut.s_axi_rresp) == 0)

    bench.invariant(~aw.here | (dut.w_addr == asked[: len(dut.w_addr)]))
    bench.invariant(~w.here | (Cat(dut.w_data, dut.w_strb) == w.kept))
    bench.invariant(~ar.here | (dut.r_addr == address))
    bench.reaches(dut.s_axi_bvalid & dut.s_axi_rvalid & ~dut.s_axi_bready & bench.past(dut.hold, 9))
    return bench


@pytest.mark.parametrize("latencies", LATENCIES)
def test_axi_lite(latencies, tmp_path):
    assert reached(axi_bench(*latencies), tmp_path, depth=24)
    print(prove(axi_bench(*latencies), tmp_path, depth=4))


TAKES = ("m.d.sync += [here.eq(1), ready.eq(0)]", "m.d.sync += here.eq(1)")
DEAF = ("with m.Elif(~here):", "with m.Elif(~here & valid):")
STUCK = ("m.d.sync += under_way.eq(0)", "pass")
EARLY = ('self._write_latency, "write"', 'self._write_latency - 1, "write"')
HASTY = ("_read_latency + 1", "_read_latency")
AGAIN = ("enable.eq(here & ~under_way & ~self.hold)", "enable.eq(here & ~self.hold)")
FLEETING = [
    (
        f"with m.Elif(answered):\n            m.d.sync += self.s_axi_{c}valid.eq(0)",
        f"with m.Else():\n            m.d.sync += self.s_axi_{c}valid.eq(0)",
    )
    for c in "br"
]
DATA = "data = port_register(m, self.s_axi_rdata)"
FAULTS = {
    "aw: none is taken before the one before is answered": TAKES,
    "w: none is taken before the one before is answered": TAKES,
    "ar: none is taken before the one before is answered": TAKES,
    "aw: ready when none is here": DEAF,
    "w: ready when none is here": DEAF,
    "ar: ready when none is here": DEAF,
    "write: done once, when all of it is here": ("address & data, answered)", "address, answered)"),
    "read: done once, when all of it is here": AGAIN,
    "write: answered when it has been done, and not before": EARLY,
    "read: answered when it has been done, and not before": HASTY,
    "write: the answer stands until taken": FLEETING[0],
    "read: the answer stands until taken": FLEETING[1],
    "write: answered in time": STUCK,
    "read: answered in time": STUCK,
    "write: what was asked for": ("given[WORD_SHIFT:]", "given[WORD_SHIFT + 1 :]"),
    "read: the address stands": ("with m.If(valid & ready):", "with m.If(valid):"),
    "read: the data of their cycle": ("data.eq(self.r_data)", "data.eq(self.r_data | 1)"),
    "read: data stand until taken": (
        DATA,
        f"{DATA}; m.d.sync += data.eq(self.r_data)",
    ),
    "all is well": ("OKAY = 0", "OKAY = 2"),
}


@pytest.mark.slow
@pytest.mark.parametrize("broken", FAULTS)
def test_axi_lite_faults(broken, tmp_path):
    bench = axi_bench(WRITE_LATENCY, READ_LATENCY, FAULTS[broken], only=broken)
    assert refutes(bench, tmp_path, depth=24)


def test_each_property_has_its_fault():
    assert set(FAULTS) == set(axi_bench(*LATENCIES[0]).properties)
