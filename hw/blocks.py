"""Blocks that are emitted once, and how a component places them.

Identical blocks appear once in the Verilog, however often they are instantiated. Most are also kept
as hierarchy by synthesis: tools merge equal registers and so undo fan-out trees, but a bank, a
region or a table that is a module of its own and kept (`keep_hierarchy`) keeps its input registers
to itself. In simulation (no platform) a block is an ordinary submodule; when Verilog is emitted,
`place` leaves an instance behind and the block waits in the platform to be emitted.
"""

from amaranth.hdl import ClockSignal, Instance, ResetSignal
from amaranth.lib import wiring


class VerilogPlatform:
    """Platform of an emission: collects the blocks that were placed."""

    def __init__(self):
        self.blocks = {}

    def add(self, component):
        """Remember a block; the first of each name stands for all."""
        return self.blocks.setdefault(component.block_name, component)


class Block(wiring.Component):
    """A component that is emitted as a module of its own.

    Subclasses have `block_name`, which must differ where their logic does.
    """

    kept = True
    """Synthesis keeps it as hierarchy; False where its logic should merge with what is around."""

    resets = False
    """Some of its registers have a reset."""

    @property
    def block_name(self):
        """Name of the Verilog module."""
        raise AttributeError(f"{type(self).__name__} must say its block_name")


class Primitive(wiring.Component):
    """A component that is an instance of a hand-written module when Verilog is emitted."""

    def instance(self):
        """Return the instance."""
        raise AttributeError(f"{type(self).__name__} must give its instance")


def ports(component):
    """(name, member, signal) of a component with flat ports."""
    for path, member, value in component.signature.flatten(component):
        yield "__".join(map(str, path)), member, value


def place(m, platform, name, block):
    """Add ``block`` to the module ``m`` as the submodule ``name``."""
    if not isinstance(platform, VerilogPlatform):
        m.submodules[name] = block
        return
    if isinstance(block, Primitive):
        m.submodules[name] = block.instance()
        block._MustUse__used = True
        return
    platform.add(block)
    block._MustUse__used = True  # emitted by its first namesake: no warning that this one is unused
    connections = {"i_clk": ClockSignal()}
    if block.resets:
        connections["i_rst"] = ResetSignal()
    for port, member, signal in ports(block):
        prefix = "i" if member.flow == wiring.In else "o"
        connections[f"{prefix}_{port}"] = signal
    m.submodules[name] = Instance(block.block_name, **connections)
