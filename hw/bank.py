"""A bank: one weight memory, the eight multipliers it feeds, and the h of its two columns.

    address ─ reg ─ RAM 64 + 1 bits ─ reg ─────┐ 4 pairs ┐
    h1 │ h2 ─ select by layer and group ─ reg ─┴─────────┴─ per gate: sum of two columns ─ reg

Everything that comes from afar ends in a register of the bank. The hidden states live here too, in
a shift chain that runs through all banks: each new h enters at the far end and moves on by one, so
that no h crosses the chip. Layer 1 is double-buffered (``h1_load`` copies the chain), for its next
values arrive while the present ones are still needed; layer 2 is used in place.

Timing, in cycles after an address is on the port: bank register 1, RAM 2, RAM output register and
selected h 3, products 6, sum 7; parity of the word and its check bit 5.
"""

from amaranth.hdl import Array, Cat, Module, Signal, signed
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from zynq_lstm.hw.blocks import Block, place
from zynq_lstm.hw.memory import BlockRam
from zynq_lstm.hw.memory_check import folded
from zynq_lstm.hw.multiplier import PAIR_LATENCY, DspPair, LutPair
from zynq_lstm.hw.primitives import register
from zynq_lstm.quant.check_bits import CHECK_BIT
from zynq_lstm.quant.config import BANK_COLUMNS, ENGINE_PAIRS_PER_BANK, GATES
from zynq_lstm.quant.formats import HIDDEN, WEIGHT

PAIR_BITS = 2 * WEIGHT.bits
WORD_BITS = ENGINE_PAIRS_PER_BANK * PAIR_BITS
STORED_BITS = CHECK_BIT + 1
"""Of a weight memory's word: with its check bit."""
SUM_BITS = 17
_PAIRS_PER_COLUMN = GATES // 2


def chain_members(layers):
    """Ports of the chains of hidden states, one a layer."""
    h_in, h_out = In(HIDDEN.bits), Out(HIDDEN.bits)
    members = {"h1_shift": In(1), "h1_load": In(1), "h1_in": h_in, "h1_out": h_out}
    if layers == 2:
        members |= {"h2_shift": In(1), "h2_in": h_in, "h2_out": h_out}
    return members


class Bank(Block):
    """One of ``config.banks`` banks.

    Parameters
    ----------
    config : Config
    dsp_pairs : int
        How many of the four pairs are DSP48E1; the rest are LUTs.
    init, init_file
        Initial contents of the weight memory, words of 65 bits (`check_bits.stored_words`), see
        `BlockRam`.

    Members
    -------
    r_addr, layer, group : In
        Step: weight address; h of which layer (0, 1) and which group of units.
    w_en, w_addr, w_data : In
        Write port of the weight memory; a word with its check bit.
    h1_shift, h1_load, h2_shift : In
        Strobes of the chains; they act `STROBE_LATENCY` cycles later.
    h1_in, h1_out, h2_in, h2_out
        Data of the chains: ``_in`` is taken when the strobe acts; ``_out`` is the oldest unit.
    sum0 … sum3 : Out(signed(17))
        Sum of two products for each lane, `latency` cycles after the step.
    odd : Out(2)
        Parity of the word that the step has read, with its check bit, in two parts; `ODD_LATENCY`
        cycles after the step.
    """

    STROBE_LATENCY = 1
    ODD_LATENCY = 3 + 2
    latency = 3 + PAIR_LATENCY + 1

    def __init__(self, config, dsp_pairs, *, init=(), init_file=""):
        self._config, self._dsp_pairs = config, dsp_pairs
        self._init, self._init_file = init, init_file
        address = ceil_log2(config.weight_depth)
        super().__init__(
            {
                "r_addr": In(address),
                "layer": In(1),
                "group": In(max(1, ceil_log2(config.groups))),
                "w_en": In(1),
                "w_addr": In(address),
                "w_data": In(STORED_BITS),
                **chain_members(config.layers),
                **{f"sum{k}": Out(signed(SUM_BITS)) for k in range(GATES)},
                "odd": Out(2),
            }
        )

    @property
    def block_name(self):
        suffix = f"_{self._init_file.rsplit('.', 1)[0]}" if self._init_file else ""
        return f"zynq_lstm_bank_{self._dsp_pairs}dsp{suffix}"

    def elaborate(self, platform):
        m = Module()
        ram = BlockRam(
            self._config.weight_depth, STORED_BITS, init=self._init, init_file=self._init_file
        )
        place(m, platform, "weights", ram)
        m.d.comb += [
            ram.r_addr.eq(register(m, self.r_addr, "r_addr_q")),
            ram.w_en.eq(register(m, self.w_en, "w_en_q")),
            ram.w_addr.eq(register(m, self.w_addr, "w_addr_q")),
            ram.w_data.eq(register(m, self.w_data, "w_data_q")),
        ]
        word = register(m, ram.r_data, "word", keep=True)
        m.d.comb += self.odd.eq(folded(m, folded(m, word, "odd_parts"), "odd_q"))
        select = Cat(self.group[: ceil_log2(self._config.groups)], self.layer)
        select = register(m, register(m, select, "select_q"), "select")

        stored = self._hidden_states(m)
        products = [[] for _ in range(GATES)]
        for column in range(BANK_COLUMNS):
            h = register(m, Array(stored[column])[select], f"h{column}", keep=True)
            for k in range(_PAIRS_PER_COLUMN):
                n = column * _PAIRS_PER_COLUMN + k
                pair = DspPair() if n < self._dsp_pairs else LutPair()
                place(m, platform, f"pair{n}", pair)
                m.d.comb += [
                    pair.pair.eq(word.word_select(n, PAIR_BITS)),
                    pair.h.eq(h),
                ]
                products[2 * k].append(pair.p0)
                products[2 * k + 1].append(pair.p1)
        for lane, (a, b) in enumerate(products):
            m.d.comb += getattr(self, f"sum{lane}").eq(register(m, a + b, f"sum{lane}_q"))
        return m

    def _hidden_states(self, m):
        """Chains; returns for each column its h in the order of ``select`` (layer, then group)."""
        config = self._config
        units = BANK_COLUMNS * config.groups
        chains = []
        for layer in range(1, config.layers + 1):
            shift = register(m, getattr(self, f"h{layer}_shift"), f"h{layer}_shift_q")
            chain = [
                Signal(signed(HIDDEN.bits), name=f"h{layer}_chain{u}", reset_less=True)
                for u in range(units)
            ]
            with m.If(shift):
                for u, h in enumerate(chain):
                    m.d.sync += h.eq(
                        chain[u + 1] if u + 1 < units else getattr(self, f"h{layer}_in")
                    )
            m.d.comb += getattr(self, f"h{layer}_out").eq(chain[0])
            chains.append(chain)
        load = register(m, self.h1_load, "h1_load_q")
        current = [
            Signal(signed(HIDDEN.bits), name=f"h1_{u}", reset_less=True) for u in range(units)
        ]
        with m.If(load):
            m.d.sync += [q.eq(h) for q, h in zip(current, chains[0], strict=True)]
        chains[0] = current
        return [
            [
                chain[column * config.groups + group]
                for chain in chains
                for group in _padded(config.groups)
            ]
            for column in range(BANK_COLUMNS)
        ]


def _padded(groups):
    """Group numbers, up to a power of two, so that layer and group together are an index."""
    return [min(g, groups - 1) for g in range(1 << ceil_log2(groups))]
