"""The tree of resets: what each copy resets, how large its part is, that no tool merges copies."""

from collections import Counter

import pytest
from amaranth.hdl import ClockDomain, Fragment, Instance, Module, Signal
from amaranth.sim import Simulator

from zynq_lstm.hw.blocks import VerilogPlatform
from zynq_lstm.hw.netlist_checks import MAX_FANOUT
from zynq_lstm.hw.resets import ResetCopy, reset_domains
from zynq_lstm.hw.system import System
from zynq_lstm.hw.verilog import convert
from zynq_lstm.quant.config import Config

LARGEST = Config(hidden=128, layers=2, symbols=256, multipliers=64)
"""The widest counters and addresses; the engine, which has no reset, may be small."""
NAMES = ("left", "right")


def fragments(fragment):
    """A design's fragments, from the top down."""
    yield fragment
    for inner, *_ in fragment.subfragments:
        yield from fragments(inner)


def registers_with_reset(design):
    """Bits of registers that are reset, by clock domain."""
    registers = {}
    for fragment in fragments(design):
        for domain, statements in fragment.statements.items():
            if domain != "comb":
                written = {id(s): s for each in statements for s in each._lhs_signals()}
                registers.setdefault(domain, {}).update(written)
    return Counter(
        {
            domain: sum(len(signal) for signal in signals.values() if not signal.reset_less)
            for domain, signals in registers.items()
        }
    )


def test_each_part_is_as_large_as_a_net_may_have_loads():
    parts = registers_with_reset(Fragment.get(System(LARGEST), None))
    assert len(parts) > 20
    assert {domain: n for domain, n in parts.items() if n > MAX_FANOUT} == {}


def test_all_roots_together_drive_no_more():
    design = Fragment.get(System(LARGEST), VerilogPlatform())
    kinds = Counter(f.type for f in fragments(design) if isinstance(f, Instance))
    domains = set(registers_with_reset(design))
    assert len(domains) - 1 <= kinds[ResetCopy.block_name] <= MAX_FANOUT  # `sync` needs no copy


@pytest.mark.parametrize("first", [0, 1])
def test_the_copies_reset_together_and_from_power_on(first):
    clock, root = Signal(), Signal(init=first)
    m = Module()
    m.domains.sync = sync = ClockDomain("sync", reset_less=True)
    m.d.comb += sync.clk.eq(clock)
    reset_domains(m, None, NAMES, clock=clock, reset=root)
    counts = {name: Signal(8, name=name) for name in NAMES}
    forgetful = Signal(8, reset_less=True)
    for name, count in counts.items():
        m.d[name] += count.eq(count + 1)
    m.d.left += forgetful.eq(forgetful + 1)
    seen = []

    async def bench(ctx):
        for reset in (first, 0, 0, 0, 1, 1, 0, 0, 0):
            ctx.set(root, reset)
            await ctx.delay(1e-6)
            ctx.set(clock, 1)
            await ctx.delay(1e-6)
            ctx.set(clock, 0)
            seen.append([ctx.get(count) for count in counts.values()])
        assert ctx.get(forgetful) == 9

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    # The first edge finds the copies as at power-on; from then on they are a cycle behind the root.
    start = [0, 0, 1, 2, 3] if first else [0, 1, 2, 3, 4]
    assert seen == [[n, n] for n in [*start, 0, 0, 1, 2]]


def test_a_copy_is_a_module_that_is_kept():
    text = convert(Config(hidden=16, layers=1, symbols=8, multipliers=64))
    name = ResetCopy.block_name
    assert f'(* keep_hierarchy = "yes" *)\nmodule {name}(' in text[f"{name}.v"]
    assert "= 1'h1;" in text[f"{name}.v"], "in reset from power-on"
    assert len([line for line in text["zynq_lstm.v"].splitlines() if f"  {name} " in line]) > 20
