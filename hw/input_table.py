"""The input table: for each symbol and unit the input weights of layer 1 plus its biases.

A one-hot input needs no multiplier: its product with the input weights is a row of the table. Four
slices, one a gate; within a slice each block RAM holds a few bits of every entry, so that no
multiplexer follows. The RAMs lie all over the chip, so slices and RAMs are blocks with registers of
their own: a fan-out tree for addresses and writes.
"""

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from zynq_lstm.hw.blocks import Block, place
from zynq_lstm.hw.memory import BlockRam
from zynq_lstm.hw.primitives import register
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.formats import PREACTIVATION


class TableRam(Block):
    """One block RAM with registers of its own on every port: some bits of one gate's entries.

    Members
    -------
    r_addr : In, data : Out
        `latency` cycles from address to data.
    w_en, w_addr, w_data : In
    """

    latency = 3

    def __init__(self, config, *, init=(), init_file=""):
        self._init, self._init_file = init, init_file
        address, width = config.table_address_bits, config.table_ram_width
        super().__init__(
            {
                "r_addr": In(address),
                "data": Out(width),
                "w_en": In(1),
                "w_addr": In(address),
                "w_data": In(width),
            }
        )

    @property
    def block_name(self):
        suffix = f"_{self._init_file.rsplit('.', 1)[0]}" if self._init_file else ""
        return f"zynq_lstm_table_ram{suffix}"

    def elaborate(self, platform):
        m = Module()
        words = BlockRam(
            1 << len(self.r_addr), len(self.data), init=self._init, init_file=self._init_file
        )
        place(m, platform, "words", words)
        for port in ("r_addr", "w_en", "w_addr", "w_data"):
            near = register(m, getattr(self, port), f"{port}_q")
            m.d.comb += getattr(words, port).eq(near)
        m.d.comb += self.data.eq(register(m, words.r_data, "data_q", keep=True))
        return m


class TableSlice(Block):
    """One gate's entries, in as many block RAMs as their bits need.

    Members
    -------
    As `TableRam`, with all 16 bits of an entry; `latency` is one cycle more.
    """

    latency = 1 + TableRam.latency

    def __init__(self, config, *, init=None, init_files=None):
        self._config, self._init, self._init_files = config, init, init_files
        address = config.table_address_bits
        super().__init__(
            {
                "r_addr": In(address),
                "data": Out(PREACTIVATION.bits),
                "w_en": In(1),
                "w_addr": In(address),
                "w_data": In(PREACTIVATION.bits),
            }
        )

    @property
    def block_name(self):
        files = self._init_files
        return "zynq_lstm_table_slice" + (f"_{files[0].rsplit('.', 1)[0]}" if files else "")

    def elaborate(self, platform):
        m = Module()
        width = self._config.table_ram_width
        near = {
            port: register(m, getattr(self, port), f"{port}_q")
            for port in ("r_addr", "w_en", "w_addr", "w_data")
        }
        for k in range(PREACTIVATION.bits // width):
            bits = slice(k * width, (k + 1) * width)
            init = [(int(v) >> bits.start) & ((1 << width) - 1) for v in self._init or ()]
            ram = TableRam(
                self._config,
                init=init,
                init_file=self._init_files[k] if self._init_files else "",
            )
            place(m, platform, f"ram{k}", ram)
            for port, value in near.items():
                m.d.comb += getattr(ram, port).eq(value[bits] if port == "w_data" else value)
            m.d.comb += self.data[bits].eq(ram.data)
        return m


class InputTable(wiring.Component):
    """Four slices.

    Members
    -------
    symbol, unit : In
    data0 … data3 : Out(16)
        `latency` cycles later.
    w_en, w_symbol, w_unit : In; w_data : In(64)
    """

    latency = TableSlice.latency

    def __init__(self, config, *, init_files=None):
        self._config, self._init_files = config, init_files
        symbol, unit = ceil_log2(config.symbols), ceil_log2(config.hidden)
        super().__init__(
            {
                "symbol": In(symbol),
                "unit": In(unit),
                "w_en": In(1),
                "w_symbol": In(symbol),
                "w_unit": In(unit),
                "w_data": In(GATES * PREACTIVATION.bits),
                **{f"data{k}": Out(PREACTIVATION.bits) for k in range(GATES)},
            }
        )

    def elaborate(self, platform):
        m = Module()
        for k in range(GATES):
            table = TableSlice(self._config, init_files=self._init_files and self._init_files[k])
            place(m, platform, f"gate{k}", table)
            m.d.comb += [
                table.r_addr.eq(Cat(self.unit, self.symbol)),
                table.w_en.eq(self.w_en),
                table.w_addr.eq(Cat(self.w_unit, self.w_symbol)),
                table.w_data.eq(self.w_data.word_select(k, PREACTIVATION.bits)),
                getattr(self, f"data{k}").eq(table.data),
            ]
        return m
