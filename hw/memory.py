"""Block memories: one write port, one read port of one cycle.

Amaranth writes an initial value for each word of a memory, which for large ones takes minutes in
the tools after it. So Verilog gets an instance of `zynq_lstm_ram` (ram.v), which all tools infer as
block RAM, with an optional file of initial contents.
"""

from amaranth.hdl import ClockSignal, Instance, Module
from amaranth.lib import memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from zynq_lstm.hw.blocks import Primitive


class BlockRam(Primitive):
    """A memory of ``depth`` words of ``width`` bits.

    Parameters
    ----------
    depth, width : int
    init : sequence of int, optional
        Contents, for simulation of components.
    init_file : str
        Name of a `$readmemh` file, for emitted Verilog.

    Members
    -------
    w_en, w_addr, w_data : In
    r_addr : In
    r_data : Out
        One cycle after the address. A word written in the same cycle is not seen.
    """

    def __init__(self, depth, width, *, init=(), init_file=""):
        self._depth, self._width = depth, width
        self._init, self._init_file = init, init_file
        address = max(1, ceil_log2(depth))
        super().__init__(
            {
                "w_en": In(1),
                "w_addr": In(address),
                "w_data": In(width),
                "r_addr": In(address),
                "r_data": Out(width),
            }
        )

    def instance(self):
        """An instance of ram.v."""
        return Instance(
            "zynq_lstm_ram",
            p_DEPTH=self._depth,
            p_WIDTH=self._width,
            p_ADDRESS=len(self.r_addr),
            p_INIT_FILE=self._init_file,
            i_clk=ClockSignal(),
            i_w_en=self.w_en,
            i_w_addr=self.w_addr,
            i_w_data=self.w_data,
            i_r_addr=self.r_addr,
            o_r_data=self.r_data,
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.ram = ram = memory.Memory(
            shape=self._width, depth=self._depth, init=self._init
        )
        w = ram.write_port()
        r = ram.read_port()
        m.d.comb += [
            w.en.eq(self.w_en),
            w.addr.eq(self.w_addr),
            w.data.eq(self.w_data),
            r.addr.eq(self.r_addr),
            self.r_data.eq(r.data),
        ]
        return m
