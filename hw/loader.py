"""The loader: an image's payload from the stream into the memories.

    header │ weights: address, bank │ scales: row │ biases: row │ table: symbol, unit

`quant.layout` defines the order. The first word's hash must be that of this
hardware; otherwise the packet is swallowed and the model that was there stays.
"""

from amaranth.hdl import C, Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.datapath import WriteBus
from zynq_lstm.hw.primitives import decremented, greater, incremented, register
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.layout import PAYLOAD_MAGIC


class Loader(wiring.Component):
    """Loads while ``active``.

    Parameters
    ----------
    config : Config
    symbols : int
        Symbols of the model that is in the memories from the start; 0 for none.

    Members
    -------
    active : In(1)
    i_valid, i_data, i_last : In; i_ready : Out
    write : Out
        `WriteBus`.
    done : Out(1)
        Pulse: the packet has ended.
    wrong : Out(1)
        With ``done``: header or length did not fit.
    loaded : Out(1)
        The memories hold a whole model.
    symbols : Out(9), last_row : Out(6), last_lane : Out(2)
        Of the loaded model: symbols, number of the last row of logits, its highest lane.
    """

    def __init__(self, config, *, symbols=0):
        self._config, self._symbols = config, symbols
        super().__init__(
            {
                "active": In(1),
                "i_valid": In(1),
                "i_data": In(64),
                "i_last": In(1),
                "i_ready": Out(1),
                "write": Out(WriteBus(config)),
                "done": Out(1),
                "wrong": Out(1),
                "loaded": Out(1, init=int(symbols > 0)),
                "symbols": Out(9, init=symbols),
                "last_row": Out(6, init=(symbols - 1) // GATES if symbols else 0),
                "last_lane": Out(2, init=(symbols - 1) % GATES),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c, bus = self._config, self.write
        base = c.matrices * c.hidden
        ready, taken = Signal(), Signal()
        m.d.comb += [self.i_ready.eq(ready), taken.eq(ready & self.i_valid)]
        inner = Signal(range(max(c.banks, c.hidden)))
        group = Signal(range(max(2, c.groups)))
        outer = Signal(max(len(bus.row), len(bus.symbol)))
        address = Signal.like(bus.address)
        row_last, symbol_last = Signal.like(outer), Signal(8)
        m.d.sync += [
            symbol_last.eq(decremented(self.symbols)),
            self.last_row.eq(symbol_last[2:]),
            self.last_lane.eq(symbol_last[:2]),
            row_last.eq(self.last_row + base),
            bus.data.eq(self.i_data),
            bus.bank.eq(inner),
            bus.address.eq(address),
            bus.row.eq(outer),
            bus.symbol.eq(outer),
            bus.unit.eq(inner),
            self.done.eq(0),
            self.wrong.eq(0),
        ]
        sections = [
            ("WEIGHTS", bus.weights_en, c.banks - 1, c.groups - 1, row_last),
            ("SCALES", bus.scales_en, 0, 0, row_last),
            ("BIASES", bus.biases_en, 0, 0, row_last),
            ("TABLE", bus.table_en, c.hidden - 1, 0, symbol_last),
        ]
        followers = [name for name, *_ in sections[1:]] + ["SURPLUS"]
        fits = Cat(
            self.i_data[48:] == c.layout_hash >> 16,
            self.i_data[32:48] == c.layout_hash & 0xFFFF,
            self.i_data[16:32] == PAYLOAD_MAGIC,
            greater(self.i_data[:16], C(1, 16)),
            greater(C(c.symbols + 1, 16), self.i_data[:16]),
        )
        fits_q = register(m, fits, "fits_q")  # known a cycle before the word is taken

        def finish(wrong):
            """End of the packet."""
            m.d.sync += [self.done.eq(1), self.wrong.eq(wrong), ready.eq(0)]
            m.next = "LOOK"

        with m.FSM(name="section"):
            with m.State("LOOK"):
                m.d.sync += [inner.eq(0), group.eq(0), outer.eq(0), address.eq(0)]
                with m.If(self.active & self.i_valid & ~self.done):
                    m.d.sync += ready.eq(1)
                    m.next = "HEADER"
            with m.State("HEADER"):
                with m.If(taken):
                    m.next = "SURPLUS"
                    with m.If(fits_q.all()):
                        m.d.sync += [self.symbols.eq(self.i_data), self.loaded.eq(0)]
                        m.next = "WEIGHTS"
                    with m.If(self.i_last):
                        finish(1)
            for (name, enable, inner_last, group_last, outer_last), follower in zip(
                sections, followers, strict=True
            ):
                # Words are two cycles apart: what a counter has reached is known in time.
                inner_ends = register(
                    m, (inner == inner_last) & (group == group_last), f"{name}_inner_ends"
                )
                bank_ends = register(m, inner == inner_last, f"{name}_bank_ends")
                outer_ends = register(m, outer == outer_last, f"{name}_outer_ends")
                here = Signal(name=f"in_{name}")
                m.d.sync += enable.eq(here & taken)
                with m.State(name):
                    m.d.comb += here.eq(1)
                    with m.If(taken):
                        m.d.sync += inner.eq(incremented(inner))
                        with m.If(bank_ends):
                            m.d.sync += [
                                inner.eq(0),
                                group.eq(incremented(group)),
                                address.eq(incremented(address)),
                            ]
                        with m.If(inner_ends):
                            m.d.sync += [group.eq(0), outer.eq(incremented(outer))]
                            with m.If(outer_ends):
                                m.d.sync += outer.eq(0)
                                m.next = follower
                        with m.If(self.i_last):
                            if name == "TABLE":
                                m.d.sync += self.loaded.eq(inner_ends & outer_ends)
                                finish(~(inner_ends & outer_ends))
                            else:
                                finish(1)
            with m.State("SURPLUS"):
                with m.If(taken & self.i_last):
                    finish(1)
        return m
