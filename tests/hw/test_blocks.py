"""Blocks: submodules in simulation, instances of one module each in Verilog."""

import pytest
from amaranth.hdl import Instance, Module, signed
from amaranth.lib.wiring import In, Out
from component_simulation import assert_follows, examined, trace

from zynq_lstm.hw.blocks import Block, VerilogPlatform, place, ports
from zynq_lstm.hw.primitives import register


class Negated(Block):
    block_name = "negated"

    def __init__(self):
        super().__init__({"i": In(signed(4)), "o": Out(signed(5))})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(register(m, -self.i, "negative"))
        return m


class Twice(Block):
    """Two of the same block in a row."""

    block_name = "twice"

    def __init__(self):
        super().__init__({"i": In(signed(4)), "o": Out(signed(5))})

    def elaborate(self, platform):
        m = Module()
        first, second = Negated(), Negated()
        place(m, platform, "first", first)
        place(m, platform, "second", second)
        m.d.comb += [first.i.eq(self.i), second.i.eq(first.o), self.o.eq(second.o)]
        return m


def test_a_placed_block_is_simulated():
    values = list(range(-7, 8))
    assert_follows(trace(Twice(), {"i": values}, ["o"], after=2)["o"], values, 2)


def test_a_placed_block_is_an_instance_in_verilog():
    platform = VerilogPlatform()
    m = examined(Twice()).elaborate(platform)
    instances = [getattr(m.submodules, name) for name in ("first", "second")]
    assert all(isinstance(i, Instance) and i.type == "negated" for i in instances)
    assert list(platform.blocks) == ["negated"]
    for instance in instances:
        assert set(instance.ports) == {"clk", "i", "o"}
        assert instance.ports["o"][1] == "o"
    examined(m)


def test_the_first_of_each_name_stands_for_all():
    platform = VerilogPlatform()
    first, second = examined(Negated()), examined(Negated())
    assert platform.add(first) is first
    assert platform.add(second) is first
    assert platform.blocks == {"negated": first}


def test_ports():
    block = examined(Negated())
    assert [(name, member.flow) for name, member, _ in ports(block)] == [("i", In), ("o", Out)]
    assert [signal for _, _, signal in ports(block)] == [block.i, block.o]


def test_a_block_must_have_a_name():
    class Nameless(Block):
        def __init__(self):
            super().__init__({"i": In(1)})

    with pytest.raises(AttributeError, match="Nameless must say its block_name"):
        _ = examined(Nameless()).block_name
