"""The loader: an image's payload from the stream into the memories.

    header │ weights: for address, for bank │ scales: for row │ biases: for row │ table: for symbol, for unit

`quant.layout` defines the order. A word a cycle. The first word's hash must be that of this
hardware; otherwise the packet is swallowed and the model that was there stays.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from zynq_lstm.hw.datapath import WriteBus
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
    symbols : Out(9), rows : Out(7), last_lane : Out(2)
        Of the loaded model: symbols, rows of logits, highest lane of the last row.
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
                "rows": Out(7, init=config.output_rows(symbols)),
                "last_lane": Out(2, init=(symbols - 1) % GATES),
            }
        )

    def elaborate(self, platform):
        m = Module()
        c, bus = self._config, self.write
        base = c.matrices * c.hidden
        taken = Signal()
        m.d.comb += taken.eq(self.i_ready & self.i_valid)
        inner = Signal(range(max(c.banks, c.hidden)))
        outer = Signal(max(len(bus.address), len(bus.symbol)) + 1)
        address_last, row_last, symbol_last = (Signal.like(outer) for _ in range(3))
        rows = Signal(7)
        m.d.sync += [
            rows.eq((self.symbols + 3) >> 2),
            self.rows.eq(rows),
            self.last_lane.eq(self.symbols[:2] - 1),
            row_last.eq(self.rows + (base - 1)),
            symbol_last.eq(self.symbols - 1),
            bus.data.eq(self.i_data),
            bus.bank.eq(inner),
            bus.address.eq(outer),
            bus.row.eq(outer),
            bus.symbol.eq(outer),
            bus.unit.eq(inner),
            bus.weights_en.eq(0),
            bus.scales_en.eq(0),
            bus.biases_en.eq(0),
            bus.table_en.eq(0),
            self.done.eq(0),
        ]
        steps = row_last + 1
        for _ in range(c.groups - 1):
            steps = steps + row_last + 1
        m.d.sync += address_last.eq(steps - 1)

        sections = [
            ("WEIGHTS", bus.weights_en, c.banks - 1, address_last),
            ("SCALES", bus.scales_en, 0, row_last),
            ("BIASES", bus.biases_en, 0, row_last),
            ("TABLE", bus.table_en, c.hidden - 1, symbol_last),
        ]
        followers = [name for name, *_ in sections[1:]] + ["SURPLUS"]
        fits = (
            (self.i_data[32:] == c.layout_hash)
            & (self.i_data[16:32] == PAYLOAD_MAGIC)
            & (self.i_data[:16] >= 2)
            & (self.i_data[:16] <= c.symbols)
        )
        fits_q = Signal()
        m.d.sync += fits_q.eq(fits)

        with m.FSM(name="section") as fsm:
            m.d.comb += self.i_ready.eq(self.active & ~fsm.ongoing("LOOK"))
            with m.State("LOOK"):
                m.d.sync += [inner.eq(0), outer.eq(0)]
                with m.If(self.active & self.i_valid):
                    m.next = "HEADER"
            with m.State("HEADER"):
                with m.If(taken):
                    with m.If(fits_q):
                        m.d.sync += [self.symbols.eq(self.i_data[:9]), self.loaded.eq(0)]
                        m.next = "WEIGHTS"
                    with m.Else():
                        m.next = "SURPLUS"
                    with m.If(self.i_last):
                        m.d.sync += [self.done.eq(1), self.wrong.eq(1)]
                        m.next = "LOOK"
            for (name, enable, inner_last, outer_last), follower in zip(
                sections, followers, strict=True
            ):
                with m.State(name):
                    with m.If(taken):
                        m.d.sync += enable.eq(1)
                        inner_ends = inner == inner_last if inner_last else 1
                        m.d.sync += inner.eq(inner + 1)
                        with m.If(inner_ends):
                            m.d.sync += [inner.eq(0), outer.eq(outer + 1)]
                        whole = inner_ends & (outer == outer_last)
                        with m.If(whole):
                            m.d.sync += outer.eq(0)
                            m.next = follower
                        if name == "TABLE":
                            with m.If(self.i_last):
                                m.d.sync += [
                                    self.done.eq(1),
                                    self.wrong.eq(~whole),
                                    self.loaded.eq(whole),
                                ]
                                m.next = "LOOK"
                        else:
                            with m.If(self.i_last):
                                m.d.sync += [self.done.eq(1), self.wrong.eq(1)]
                                m.next = "LOOK"
            with m.State("SURPLUS"):
                with m.If(taken & self.i_last):
                    m.d.sync += [self.done.eq(1), self.wrong.eq(1)]
                    m.next = "LOOK"
        return m
