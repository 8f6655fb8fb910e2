"""Reading, writing and resetting the recurrent state, a unit at a time.

The chains of hidden states turn by one place a unit: what leaves at one end enters at the other
(reading), or the new value does (writing, resetting). Unit 0 comes first, and after all units the
chains stand as before. A unit takes 16 cycles, in which chains and counters settle; there is no
hurry, for 128 units take 15 us.
"""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.primitives import port_register, register, signals, wrapping_counter
from zynq_lstm.quant.formats import CELL, HIDDEN
from zynq_lstm.quant.protocol import (
    STATE_C1_SHIFT,
    STATE_C2_SHIFT,
    STATE_H2_SHIFT,
    STREAM_BITS,
    STREAM_BYTES,
)

CYCLES_PER_UNIT = 16
TAKE = 4
"""Cycle of a unit in which its values, old or new, are taken."""
SEND = 6
"""Cycle from which its eight bytes leave."""


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
    hurry : In(1)
        No more words come: the units that are left keep their state.
    short : Out(1)
        Pulse: a unit has had no word.
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
                "i_data": In(STREAM_BITS),
                "i_ready": Out(1),
                "hurry": In(1),
                "short": Out(1),
                "o_valid": Out(1),
                "o_byte": Out(8),
                "o_last": Out(1),
                "read": Out(1),
                "c_write": Out(1),
                "shift": Out(1),
                "load": Out(1),
                "h1": Out(HIDDEN.bits),
                "h2": Out(HIDDEN.bits),
                "c1": Out(CELL.bits),
                "c2": Out(CELL.bits),
                "chain_h1": In(HIDDEN.bits),
                "chain_h2": In(HIDDEN.bits),
                "read_c1": In(CELL.bits),
                "read_c2": In(CELL.bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        cycle = Signal(CYCLES_PER_UNIT, init=1)  # one-hot
        word = self.i_data
        old = (self.chain_h1, self.chain_h2, self.read_c1, self.read_c2)
        new = (
            word[: HIDDEN.bits],
            word.bit_select(STATE_H2_SHIFT, HIDDEN.bits),
            word.bit_select(STATE_C1_SHIFT, CELL.bits),
            word.bit_select(STATE_C2_SHIFT, CELL.bits),
        )
        values = [port_register(m, port) for port in (self.h1, self.h2, self.c1, self.c2)]
        turning, reading, taken = signals("turning reading taken")
        waits = cycle[0] & self.write & ~self.i_valid & ~self.hurry
        writing = Signal()  # the unit has a word
        with m.If(cycle[0]):
            m.d.sync += writing.eq(self.write & ~self.hurry)
        m.d.comb += taken.eq(turning & cycle[TAKE])
        _, last = wrapping_counter(
            m, self._config.hidden - 1, step=turning & cycle[-1], clear=self.start, name="unit"
        )
        m.d.sync += [
            reading.eq(~self.write & ~self.zero),
            self.i_ready.eq(taken & writing),
            self.short.eq(taken & self.write & ~writing),
            self.read.eq(taken),
            self.c_write.eq(taken),
            self.shift.eq(taken),
            self.load.eq(0),
            self.done.eq(0),
            self.o_valid.eq(turning & reading & cycle[SEND : SEND + STREAM_BYTES].any()),
            self.o_last.eq(last & cycle[SEND + STREAM_BYTES - 1]),
        ]
        with m.If(taken):
            for value, held, given in zip(values, old, new, strict=True):
                m.d.sync += value.eq(Mux(writing, given, held & (~self.zero).replicate(CELL.bits)))
        octets = Cat(*values)
        sent = [octets.word_select(k, 8) & cycle[SEND + k].replicate(8) for k in range(6)]
        m.d.comb += self.o_byte.eq(register(m, reduce(or_, sent), "byte"))
        with m.If(turning & ~waits):
            m.d.sync += cycle.eq(cycle.rotate_left(1))
        with m.FSM(name="state_port"):
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [turning.eq(1), self.busy.eq(1)]
                    m.next = "UNITS"
            with m.State("UNITS"):
                with m.If(cycle[-1] & last):
                    m.d.sync += [
                        self.load.eq(1),
                        self.done.eq(1),
                        turning.eq(0),
                        self.busy.eq(0),
                    ]
                    m.next = "IDLE"
        return m
