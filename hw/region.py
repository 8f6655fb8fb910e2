"""A region: eight banks, the registers that bring them what is broadcast, their sums and checks.

Cycles after the ports: step 2 (two registers on the way), strobes 2, weight writes 1; then the
banks; their sums go through three levels of adders and one register more, for the way home. Whether
a bank's word is wrong is known a cycle after its parity.
"""

import itertools

from amaranth.hdl import Module, Signal, signed
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from zynq_lstm.hw.bank import STORED_BITS, SUM_BITS, Bank, chain_members
from zynq_lstm.hw.blocks import Block, place
from zynq_lstm.hw.primitives import register
from zynq_lstm.quant.config import BANKS_PER_REGION, GATES

LEVELS = ceil_log2(BANKS_PER_REGION)
REGION_SUM_BITS = SUM_BITS + LEVELS


def bank_pairs(config):
    """DSP pairs of each bank of a region."""
    return [config.bank_dsp_pairs(k) for k in range(BANKS_PER_REGION)]


def adder_tree(m, values, name):
    """Sum in a binary tree with a register after each level."""
    level = 0
    while len(values) > 1:
        level += 1
        values = [
            register(m, a + b, f"{name}_level{level}_{k}")
            for k, (a, b) in enumerate(zip(values[::2], values[1::2], strict=True))
        ]
    return values[0]


class Region(Block):
    """Eight banks.

    Parameters
    ----------
    config : Config
    init, init_files : sequence, optional
        Initial contents of each bank.

    Members
    -------
    As `Bank`, with ``w_select`` : In(8), one bit for each bank that a write may go to; sums have
    20 bits.
    checked, address_odd : In(1)
        `CHECK_DELAY` cycles after a step's address: it is one of a run; the address's parity.
    wrong : Out(8)
        Pulses, a bit a bank: the word was not the one written; `CHECK_LATENCY` cycles after those.
    """

    STROBE_LATENCY = 2 + Bank.STROBE_LATENCY
    CHECK_DELAY = Bank.ODD_LATENCY
    CHECK_LATENCY = 2 + 1
    latency = 2 + Bank.latency + LEVELS + 1

    def __init__(self, config, *, init=None, init_files=None):
        self._config = config
        self._init = init or [()] * BANKS_PER_REGION
        self._init_files = init_files or [""] * BANKS_PER_REGION
        address = ceil_log2(config.weight_depth)
        super().__init__(
            {
                "r_addr": In(address),
                "layer": In(1),
                "group": In(max(1, ceil_log2(config.groups))),
                "w_en": In(1),
                "w_select": In(BANKS_PER_REGION),
                "w_addr": In(address),
                "w_data": In(STORED_BITS),
                "checked": In(1),
                "address_odd": In(1),
                "wrong": Out(BANKS_PER_REGION),
                **chain_members(config.layers),
                **{f"sum{k}": Out(signed(REGION_SUM_BITS)) for k in range(GATES)},
            }
        )

    @property
    def block_name(self):
        first = self._init_files[0]
        return "zynq_lstm_region" + (f"_{first.rsplit('.', 1)[0]}" if first else "")

    def elaborate(self, platform):
        m = Module()
        chains = range(1, self._config.layers + 1)
        strobes = ["h1_load", *(f"h{layer}_shift" for layer in chains)]
        twice = {
            port: register(m, register(m, getattr(self, port), f"{port}_a"), f"{port}_b")
            for port in ("r_addr", "layer", "group", *strobes, "checked", "address_odd")
        }
        once = {
            port: register(m, getattr(self, port), f"{port}_a") for port in ("w_addr", "w_data")
        }
        checked, address_odd = twice.pop("checked"), twice.pop("address_odd")
        banks = [
            Bank(self._config, pairs, init=init, init_file=file)
            for pairs, init, file in zip(
                bank_pairs(self._config), self._init, self._init_files, strict=True
            )
        ]
        for k, bank in enumerate(banks):
            place(m, platform, f"bank{k}", bank)
            selected = Signal(name=f"w_en{k}", reset_less=True)
            m.d.sync += selected.eq(self.w_en & self.w_select[k])
            m.d.comb += bank.w_en.eq(selected)
            m.d.comb += [getattr(bank, port).eq(value) for port, value in (twice | once).items()]
            wrong = register(m, checked & (bank.odd.xor() ^ address_odd), f"wrong{k}")
            m.d.comb += self.wrong[k].eq(wrong)
        for layer in chains:
            name = f"h{layer}"
            for near, far in itertools.pairwise(banks):
                m.d.comb += getattr(near, f"{name}_in").eq(getattr(far, f"{name}_out"))
            m.d.comb += [
                getattr(banks[-1], f"{name}_in").eq(getattr(self, f"{name}_in")),
                getattr(self, f"{name}_out").eq(getattr(banks[0], f"{name}_out")),
            ]
        for lane in range(GATES):
            name = f"sum{lane}"
            total = adder_tree(m, [getattr(bank, name) for bank in banks], name)
            m.d.comb += getattr(self, name).eq(register(m, total, f"{name}_out_q"))
        return m
