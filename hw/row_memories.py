"""What belongs to a row beside its weights: scale, bias, and the sums kept for later.

Scales and biases are addressed by row; stored sums by layer and unit. B and C write sums in order
of units; A reads layer 2's, the pass of layer 1 reads layer 1's, never both at a time.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from zynq_lstm.hw.blocks import Block, place
from zynq_lstm.hw.memory import BlockRam
from zynq_lstm.hw.primitives import register, wrapping_counter
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.formats import PARTIAL, SCALE

RAM_LATENCY = 3
"""Address register, memory, output register."""


class RowConstants(Block):
    """Scales or biases: one 64-bit word a row.

    Members
    -------
    row : In
    lane0 … lane3 : Out(16)
        `RAM_LATENCY` cycles later.
    w_en, w_row : In; w_data : In(64)
    """

    def __init__(self, rows, *, init_file=""):
        self._depth = 1 << ceil_log2(rows)
        self._init_file = init_file
        address = ceil_log2(rows)
        super().__init__(
            {
                "row": In(address),
                "w_en": In(1),
                "w_row": In(address),
                "w_data": In(GATES * SCALE.bits),
                **{f"lane{k}": Out(SCALE.bits) for k in range(GATES)},
            }
        )

    @property
    def block_name(self):
        suffix = f"_{self._init_file.rsplit('.', 1)[0]}" if self._init_file else ""
        return f"zynq_lstm_row_constants{suffix}"

    def elaborate(self, platform):
        m = Module()
        ram = BlockRam(self._depth, len(self.w_data), init_file=self._init_file)
        place(m, platform, "ram", ram)
        m.d.comb += [
            ram.r_addr.eq(register(m, self.row, "row_q")),
            ram.w_en.eq(register(m, self.w_en, "w_en_q")),
            ram.w_addr.eq(register(m, self.w_row, "w_row_q")),
            ram.w_data.eq(register(m, self.w_data, "w_data_q")),
        ]
        data = register(m, ram.r_data, "data", keep=True)
        for k in range(GATES):
            m.d.comb += getattr(self, f"lane{k}").eq(data.word_select(k, SCALE.bits))
        return m


class StoredSums(wiring.Component):
    """Sums of B and C, for the next character.

    Members
    -------
    b_valid, c_valid : In(1); total0 … total3 : In(signed(18))
        Store the next unit's sums of layer 1 (B) or layer 2 (C).
    a_read : In(1)
        Read the next unit of layer 2.
    layer1_read, unit : In
        Read this unit of layer 1.
    sum0 … sum3 : Out(signed(18))
        `RAM_LATENCY` cycles later.
    restart : In(1)
        Counters back to unit 0.
    """

    def __init__(self, config):
        self._config = config
        unit = ceil_log2(config.hidden)
        super().__init__(
            {
                "b_valid": In(1),
                "c_valid": In(1),
                **{f"total{k}": In(signed(PARTIAL.bits)) for k in range(GATES)},
                "a_read": In(1),
                "layer1_read": In(1),
                "unit": In(unit),
                **{f"sum{k}": Out(signed(PARTIAL.bits)) for k in range(GATES)},
                "restart": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        last = self._config.hidden - 1
        width = GATES * PARTIAL.bits
        ram = BlockRam(2 << len(self.unit), width)
        place(m, platform, "ram", ram)
        w_unit, _ = wrapping_counter(
            m, last, step=self.b_valid | self.c_valid, clear=self.restart, name="w_unit"
        )
        a_unit, _ = wrapping_counter(m, last, step=self.a_read, clear=self.restart, name="a_unit")
        m.d.comb += [
            ram.w_en.eq(self.b_valid | self.c_valid),
            ram.w_addr.eq(Cat(w_unit, self.c_valid)),
            ram.w_data.eq(Cat(*(getattr(self, f"total{k}") for k in range(GATES)))),
        ]
        address = Cat(Mux(self.layer1_read, self.unit, a_unit), ~self.layer1_read)
        m.d.comb += ram.r_addr.eq(register(m, address, "r_addr_q"))
        data = register(m, ram.r_data, "data", keep=True)
        for k in range(GATES):
            m.d.comb += getattr(self, f"sum{k}").eq(data.word_select(k, PARTIAL.bits).as_signed())
        return m


def addend_register(m, biases, sums, is_a, is_not_a):
    """Per lane, the rest of a row: a stored sum in A, the bias otherwise.

    Two selects, one the inverse of the other, so that neither drives more than two lanes.
    """
    addends = []
    for k in range(GATES):
        bias = biases[k].as_signed()
        chosen = Mux(is_a, sums[k], bias) if k < 2 else Mux(is_not_a, bias, sums[k])
        addend = Signal(signed(PARTIAL.bits), name=f"addend{k}", reset_less=True)
        m.d.sync += addend.eq(chosen)
        addends.append(addend)
    return addends
