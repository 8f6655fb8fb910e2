"""Reading, writing and resetting the recurrent state, a unit at a time.

The chains of hidden states turn by one place a unit: what leaves at one end enters at the other
(reading), or the new value does (writing, resetting). Unit 0 comes first, and after all units the
chains stand as before. A unit takes 16 cycles, in which chains and counters settle; there is no
hurry, for 128 units take 15 us.
"""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.quant.protocol import STATE_C1_SHIFT, STATE_C2_SHIFT, STATE_H2_SHIFT

CYCLES_PER_UNIT = 16


class StatePort(wiring.Component):
    """Walks through all units once.

    Members
    -------
    start : In(1)
    write, zero : In(1)
        Write words of the stream; write zeros. Neither: read. Held while busy.
    busy : Out(1)
    done : Out(1)
        Pulse.
    i_valid, i_data : In; i_ready : Out
        Words to write.
    o_valid, o_byte, o_last : Out
        Bytes read, eight a unit.
    active, read, c_write, shift, load : Out(1)
        To `Datapath`'s ``state_*``.
    h1, h2, c1, c2 : Out
        Values to write.
    chain_h1, chain_h2, read_c1, read_c2 : In
        Values read.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "start": In(1),
                "write": In(1),
                "zero": In(1),
                "busy": Out(1),
                "done": Out(1),
                "i_valid": In(1),
                "i_data": In(64),
                "i_ready": Out(1),
                "o_valid": Out(1),
                "o_byte": Out(8),
                "o_last": Out(1),
                "read": Out(1),
                "c_write": Out(1),
                "shift": Out(1),
                "load": Out(1),
                "h1": Out(8),
                "h2": Out(8),
                "c1": Out(16),
                "c2": Out(16),
                "chain_h1": In(8),
                "chain_h2": In(8),
                "read_c1": In(16),
                "read_c2": In(16),
            }
        )

    def elaborate(self, platform):
        m = Module()
        unit = Signal(range(self._config.hidden))
        cycle = Signal(range(CYCLES_PER_UNIT))
        last = Signal()
        word = self.i_data
        old = (self.chain_h1, self.chain_h2, self.read_c1, self.read_c2)
        new = (
            word[:8],
            word.bit_select(STATE_H2_SHIFT, 8),
            word.bit_select(STATE_C1_SHIFT, 16),
            word.bit_select(STATE_C2_SHIFT, 16),
        )
        values = (self.h1, self.h2, self.c1, self.c2)
        m.d.sync += [
            last.eq(unit == self._config.hidden - 1),
            self.read.eq(0),
            self.c_write.eq(0),
            self.shift.eq(0),
            self.load.eq(0),
            self.done.eq(0),
            self.o_valid.eq(0),
        ]
        take = 4
        with m.FSM(name="state_port") as fsm:
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [unit.eq(0), cycle.eq(0)]
                    m.next = "UNITS"
            with m.State("UNITS"):
                waits = (cycle == 0) & self.write & ~self.i_valid
                with m.If(~waits):
                    m.d.sync += cycle.eq(cycle + 1)
                with m.Switch(cycle):
                    with m.Case(take):
                        m.d.comb += self.i_ready.eq(self.write)
                        for value, held, given in zip(values, old, new, strict=True):
                            m.d.sync += value.eq(Mux(self.write, given, held))
                        with m.If(self.zero):
                            m.d.sync += [value.eq(0) for value in values]
                    with m.Case(take + 1):
                        m.d.sync += [self.shift.eq(1), self.read.eq(1), self.c_write.eq(1)]
                    with m.Case(CYCLES_PER_UNIT - 1):
                        with m.If(last):
                            m.d.sync += [self.load.eq(1), self.done.eq(1)]
                            m.next = "IDLE"
                        m.d.sync += unit.eq(unit + 1)
                reading = ~self.write & ~self.zero
                for k in range(8):
                    with m.If(cycle == take + 2 + k):
                        m.d.sync += [
                            self.o_valid.eq(reading),
                            self.o_byte.eq(Cat(*values, 0).bit_select(8 * k, 8) if k < 6 else 0),
                            self.o_last.eq(last & (k == 7)),
                        ]
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
        return m
