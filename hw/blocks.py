"""Blocks that are emitted once and kept as hierarchy, and how a component places them.

Tools merge equal registers and so undo fan-out trees. A bank, a region or a table that is a module
of its own, emitted once and kept (`keep_hierarchy`), keeps its input registers to itself, however
often it is instantiated. In simulation (no platform) a block is an ordinary submodule; when Verilog
is emitted, `place` leaves an instance behind and the block waits in the platform to be emitted.
"""

from amaranth.hdl import ClockSignal, Instance
from amaranth.lib import wiring


class VerilogPlatform:
    """Platform of an emission: collects the blocks that were placed."""

    def __init__(self):
        self.blocks = {}

    def add(self, component):
        """Remember a block; the first of each name stands for all."""
        return self.blocks.setdefault(component.block_name, component)


class Block(wiring.Component):
    """A component without resets that is emitted as a module of its own.

    Subclasses have `block_name`, which must differ where their logic does.
    """

    @property
    def block_name(self):
        """Name of the Verilog module."""
        raise AttributeError(f"{type(self).__name__} must say its block_name")


def ports(component):
    """(name, member, signal) of a component with flat ports."""
    for path, member, value in component.signature.flatten(component):
        yield "__".join(map(str, path)), member, value


def place(m, platform, name, block):
    """Add ``block`` to the module ``m`` as the submodule ``name``."""
    if not isinstance(platform, VerilogPlatform):
        m.submodules[name] = block
        return
    platform.add(block)
    block._MustUse__used = True  # emitted by its first namesake: no warning that this one is unused
    connections = {"i_clk": ClockSignal()}
    for port, member, signal in ports(block):
        prefix = "i" if member.flow == wiring.In else "o"
        connections[f"{prefix}_{port}"] = signal
    m.submodules[name] = Instance(block.block_name, **connections)
