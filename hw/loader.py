"""The loader: an image's payload from the stream into the memories.

    header │ weights: address, bank │ scales: row │ biases: row │ table: symbol, unit │ CRC

`quant.layout` defines the order. The first word's hash must be that of this hardware; otherwise the
packet is swallowed and the model that was there stays. From the second word on that model is gone,
a built-in one for good: a reset does not bring back the memories. Nor does it touch what is known
of a model, which means nothing unless one is ``loaded``. Weights go with a check bit
(`memory_check`), which is known as soon as they are on the bus.
"""

from amaranth.hdl import C, Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.crc import CRC_BITS, Crc32
from zynq_lstm.hw.datapath import WriteBus
from zynq_lstm.hw.memory_check import joined
from zynq_lstm.hw.primitives import (
    counter,
    decremented,
    delay,
    equal_by_halves,
    greater,
    port_register,
    register,
    signals,
    wrapping_counter,
)
from zynq_lstm.hw.sampler import ROW_BITS, SYMBOL_BITS
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.layout import PAYLOAD_MAGIC
from zynq_lstm.quant.protocol import STREAM_BITS


class Loader(wiring.Component):
    """Loads while ``active``; where that ends before the packet, loading is abandoned.

    Parameters
    ----------
    config : Config
    symbols : int
        Symbols of the model that is in the memories at power-on; 0 for none.
    crc : int
        That model's CRC.

    Members
    -------
    active : In(1)
    i_valid, i_data, i_last : In; i_ready : Out
    invert : In(1)
        Write wrong check bits.
    write : Out
        `WriteBus`.
    done : Out(1)
        Pulse: the packet has ended.
    wrong : Out(1)
        With ``done``: header or length did not fit.
    corrupt : Out(1)
        With ``done``: the last word was not the CRC of those before it.
    loaded : Out(1)
        The memories hold a whole model.
    symbols : Out(9), last_row : Out(6), last_lane : Out(2)
        Of the loaded model: symbols, number of the last row of logits, its highest lane.
    crc : Out(32)
        Of the loaded model's payload; undefined while none is loaded.
    """

    def __init__(self, config, *, symbols=0, crc=0):
        self._config, self._symbols = config, symbols
        super().__init__(
            {
                "active": In(1),
                "i_valid": In(1),
                "i_data": In(STREAM_BITS),
                "i_last": In(1),
                "invert": In(1),
                "i_ready": Out(1),
                "write": Out(WriteBus(config)),
                "done": Out(1),
                "wrong": Out(1),
                "corrupt": Out(1),
                "loaded": Out(1),
                "symbols": Out(SYMBOL_BITS + 1, init=symbols),
                "last_row": Out(ROW_BITS, init=(symbols - 1) // GATES if symbols else 0),
                "last_lane": Out(2, init=(symbols - 1) % GATES),
                "crc": Out(CRC_BITS, init=crc),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c, bus = self._config, self.write
        base = c.matrices * c.hidden
        ready, taken = signals("ready taken")
        m.d.comb += self.i_ready.eq(ready)
        m.d.sync += taken.eq(ready & self.i_valid)  # its word still stands at the FIFO's end
        outer = Signal(max(len(bus.row), len(bus.symbol)))
        address = Signal.like(bus.address)
        # A word steps the innermost counter of its section; where it wraps, the next one.
        looking, group_wraps, outer_wraps = signals("looking group_wraps outer_wraps")
        bank_steps, unit_steps = signals("bank_steps unit_steps")
        bank, bank_ends = wrapping_counter(
            m, c.banks - 1, step=bank_steps, clear=looking, name="bank"
        )
        bank_wraps = bank_steps & bank_ends
        _, group_ends = wrapping_counter(
            m, c.groups - 1, step=bank_wraps, clear=looking, name="group"
        )
        unit, unit_ends = wrapping_counter(
            m, c.hidden - 1, step=unit_steps, clear=looking, name="unit"
        )
        counter(m, outer, step=group_wraps, clear=looking | outer_wraps)
        counter(m, address, step=bank_wraps, clear=looking)
        m.d.comb += [
            getattr(bus, name).eq(register(m, value, f"write_{name}"))
            for name, value in {
                "data": self.i_data,
                "bank": bank,
                "address": address,
                "row": outer,
                "symbol": outer,
                "unit": unit,
            }.items()
        ]
        # Both stand for two cycles, as the word does.
        covered = Cat(self.i_data, address, self.invert)
        m.d.comb += bus.check.eq(joined(m, covered, "write_check"))
        m.d.sync += [self.done.eq(0), self.wrong.eq(0), self.corrupt.eq(0)]

        # Of the model: these have no reset.
        symbols, last_row, last_lane, crc = (
            port_register(m, port)
            for port in (self.symbols, self.last_row, self.last_lane, self.crc)
        )
        symbol_last = register(m, decremented(symbols[:8]), "symbol_last")
        row_last = register(m, (last_row + base)[: len(outer)], "row_last")
        m.d.sync += [last_row.eq(symbol_last[2:]), last_lane.eq(symbol_last[:2])]
        was_loaded = Signal()
        built_in = Signal(init=int(self._symbols > 0), reset_less=True)
        m.d.comb += self.loaded.eq(was_loaded | built_in)

        m.submodules.crc32 = crc32 = Crc32()
        in_crc = Signal()
        m.d.comb += [
            crc32.clear.eq(looking),
            crc32.valid.eq(taken & ~in_crc),
            crc32.data.eq(self.i_data),
        ]
        checked = delay(m, taken & in_crc, Crc32.latency, "checked")
        upper = register(m, self.i_data[CRC_BITS:].any(), "upper")
        upper_set = Signal()
        fits_crc = equal_by_halves(m, crc, crc32.crc, "crc") & ~upper_set
        sections = [
            ("WEIGHTS", bus.weights_en, bank_steps, bank_ends & group_ends, row_last),
            ("SCALES", bus.scales_en, None, 1, row_last),
            ("BIASES", bus.biases_en, None, 1, row_last),
            ("TABLE", bus.table_en, unit_steps, unit_ends, symbol_last),
        ]
        followers = [name for name, *_ in sections[1:]] + ["CRC"]
        fits = Cat(
            self.i_data[48:] == c.layout_hash >> 16,
            self.i_data[32:48] == c.layout_hash & 0xFFFF,
            self.i_data[16:32] == PAYLOAD_MAGIC,
            greater(self.i_data[:16], C(1, 16)),
            greater(C(c.symbols + 1, 16), self.i_data[:16]),
        )
        fits_q = register(m, fits, "fits_q")  # known a cycle before the word is taken

        def finish(*, wrong):
            """End of the packet."""
            m.d.sync += [self.done.eq(1), self.wrong.eq(wrong), ready.eq(0)]
            m.next = "LOOK"

        def unless_abandoned():
            """Leave a packet that need not be finished."""
            with m.If(~self.active):
                m.next = "LOOK"

        with m.FSM(name="section"):
            with m.State("LOOK"):
                m.d.comb += looking.eq(1)
                with m.If(self.active & self.i_valid & ~self.done):
                    m.d.sync += ready.eq(1)
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += looking.eq(1)
                with m.If(taken):
                    m.next = "SURPLUS"
                    with m.If(fits_q.all()):
                        m.d.sync += [
                            symbols.eq(self.i_data),
                            was_loaded.eq(0),
                            built_in.eq(0),
                        ]
                        m.next = "WEIGHTS"
                    with m.If(self.i_last):
                        finish(wrong=1)
                unless_abandoned()
            for (name, enable, inner_steps, inner_ends, outer_last), follower in zip(
                sections, followers, strict=True
            ):
                # Words are two cycles apart: what the counters have reached is known in time.
                outer_ends = register(m, outer == outer_last, f"{name}_outer_ends")
                here = Signal(name=f"in_{name}")
                m.d.sync += enable.eq(here & taken)
                with m.State(name):
                    m.d.comb += here.eq(1)
                    whole = inner_ends & outer_ends
                    with m.If(taken):
                        m.d.comb += [group_wraps.eq(inner_ends), outer_wraps.eq(whole)]
                        if inner_steps is not None:
                            m.d.comb += inner_steps.eq(1)
                        with m.If(whole):
                            m.next = follower
                        with m.If(self.i_last):
                            finish(wrong=1)
                    unless_abandoned()
            with m.State("CRC"):
                m.d.comb += in_crc.eq(1)
                with m.If(taken):
                    m.d.sync += [crc.eq(self.i_data), upper_set.eq(upper)]
                    m.next = "SURPLUS"
                    with m.If(self.i_last):
                        m.d.sync += ready.eq(0)
                        m.next = "CHECK"
                unless_abandoned()
            with m.State("CHECK"):
                with m.If(checked):
                    finish(wrong=0)
                    m.d.sync += [was_loaded.eq(fits_crc), self.corrupt.eq(~fits_crc)]
                unless_abandoned()
            with m.State("SURPLUS"):
                with m.If(taken & self.i_last):
                    finish(wrong=1)
                unless_abandoned()
        with m.If(~self.active):
            m.d.sync += ready.eq(0)
        return m
