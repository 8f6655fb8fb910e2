"""AXI4-Lite slave: five channels on one side, single pulses of writes and reads on the other.

    AW ─ address ─┐                      AR ─ address ─ read pulse ··· latency ··· data ─ R
    W ─── data ───┴─ write pulse ··· latency ··· B

One access is under way in each direction, so every valid and ready is a register of its own and
no path leads from one channel into another; a register access costs some ten cycles, of which a
run needs a handful. The latencies give decoder and read multiplexer room for pipeline stages, and
make sure that a write has had its effect when it is answered. All answers are OKAY.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.primitives import port_register
from zynq_lstm.quant.registers import ADDRESS_BITS, DATA_BITS, WORD_BYTES

OKAY = 0
WORD_SHIFT = (WORD_BYTES - 1).bit_length()
"""Bits of a byte address below the word."""

PROTECTION_BITS = 3


def axi_lite_members(prefix="s_axi"):
    """Ports of a slave, as Vivado names them."""
    channels = {
        "aw": {"addr": In(ADDRESS_BITS), "prot": In(PROTECTION_BITS)},
        "w": {"data": In(DATA_BITS), "strb": In(WORD_BYTES)},
        "b": {"resp": Out(2)},
        "ar": {"addr": In(ADDRESS_BITS), "prot": In(PROTECTION_BITS)},
        "r": {"data": Out(DATA_BITS), "resp": Out(2)},
    }
    members = {}
    for channel, payload in channels.items():
        request = next(iter(payload.values())).flow == In
        members[f"{prefix}_{channel}valid"] = In(1) if request else Out(1)
        members[f"{prefix}_{channel}ready"] = Out(1) if request else In(1)
        members |= {f"{prefix}_{channel}{name}": member for name, member in payload.items()}
    return members


class AxiLite(wiring.Component):
    """AXI4-Lite slave of 32 bits.

    Parameters
    ----------
    write_latency : int
        Cycles from ``w_en`` to the answer, at least 1.
    read_latency : int
        Cycles from ``r_en`` to the one in which ``r_data`` is taken, at least 1.

    Members
    -------
    s_axi_*
        The bus. AW and W come in any order.
    w_en : Out(1), w_addr : Out(10), w_data : Out(32), w_strb : Out(4)
        A write, for one cycle; address of a word.
    r_en : Out(1), r_addr : Out(10), r_data : In(32)
        A read, for one cycle; ``r_addr`` stands until the data are taken.
    hold : In(1)
        Requests that have come wait.

    Raises
    ------
    ValueError
        When a latency is below 1.
    """

    def __init__(self, *, write_latency, read_latency):
        for name, value in (("Write", write_latency), ("Read", read_latency)):
            if value < 1:
                raise ValueError(f"{name} latency must be at least 1 cycle, not {value}")
        self._write_latency, self._read_latency = write_latency, read_latency
        super().__init__(
            {
                **axi_lite_members(),
                "w_en": Out(1),
                "w_addr": Out(ADDRESS_BITS - WORD_SHIFT),
                "w_data": Out(DATA_BITS),
                "w_strb": Out(WORD_BYTES),
                "r_en": Out(1),
                "r_addr": Out(ADDRESS_BITS - WORD_SHIFT),
                "r_data": In(DATA_BITS),
                "hold": In(1),
            }
        )

    @property
    def write_latency(self):
        """Cycles from ``w_en`` to the answer."""
        return self._write_latency

    @property
    def read_latency(self):
        """Cycles from ``r_en`` to the one in which ``r_data`` is taken."""
        return self._read_latency

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [self.s_axi_bresp.eq(OKAY), self.s_axi_rresp.eq(OKAY)]
        self._writes(m)
        self._reads(m)
        return m

    def _writes(self, m):
        answered = Signal()
        m.d.comb += answered.eq(self.s_axi_bvalid & self.s_axi_bready)
        address = self._take(m, "aw", {"addr": self.w_addr}, answered)
        data = self._take(m, "w", {"data": self.w_data, "strb": self.w_strb}, answered)
        self._issue(m, self.w_en, address & data, answered)
        due = self._after(m, self.w_en, self._write_latency, "write")
        with m.If(due):
            m.d.sync += self.s_axi_bvalid.eq(1)
        with m.Elif(answered):
            m.d.sync += self.s_axi_bvalid.eq(0)

    def _reads(self, m):
        answered = Signal()
        m.d.comb += answered.eq(self.s_axi_rvalid & self.s_axi_rready)
        address = self._take(m, "ar", {"addr": self.r_addr}, answered)
        self._issue(m, self.r_en, address, answered)
        due = self._after(m, self.r_en, self._read_latency + 1, "read")
        data = port_register(m, self.s_axi_rdata)
        with m.If(due):
            m.d.sync += [self.s_axi_rvalid.eq(1), data.eq(self.r_data)]
        with m.Elif(answered):
            m.d.sync += self.s_axi_rvalid.eq(0)

    def _take(self, m, channel, payload, answered):
        """Take one transfer of a channel, and none more until it is answered; whether it is here.

        The word of a byte address is kept.
        """
        valid = getattr(self, f"s_axi_{channel}valid")
        ready = getattr(self, f"s_axi_{channel}ready")
        here = Signal(name=f"{channel}_here")
        kept = {name: port_register(m, port) for name, port in payload.items()}
        with m.If(valid & ready):
            m.d.sync += [here.eq(1), ready.eq(0)]
            for name, q in kept.items():
                given = getattr(self, f"s_axi_{channel}{name}")
                m.d.sync += q.eq(given[WORD_SHIFT:] if name == "addr" else given)
        with m.Elif(answered):
            m.d.sync += here.eq(0)
        with m.Elif(~here):
            m.d.sync += ready.eq(1)
        return here

    def _issue(self, m, enable, here, answered):
        """Pulse ``enable`` once for a request that is here."""
        under_way = Signal(name=f"{enable.name}_under_way")
        m.d.sync += enable.eq(here & ~under_way & ~self.hold)
        with m.If(answered):
            m.d.sync += under_way.eq(0)
        with m.Elif(here & ~self.hold):
            m.d.sync += under_way.eq(1)

    def _after(self, m, pulse, cycles, name):
        """A pulse so many cycles later, minus the one of the register that it sets."""
        stages = Signal(max(1, cycles - 1), name=f"{name}_due")
        m.d.sync += stages.eq((stages << 1) | pulse)
        return stages[cycles - 2] if cycles > 1 else pulse
