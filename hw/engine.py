"""The engine: four dot products of ``columns`` columns in every cycle.

    step ─ reg ─ regions (banks, sums of 16 columns) ─ reg ─ adder tree ─ [accumulator] ─ 4 sums

A step is one address of all weight memories: the four gates of one unit, or four logits, over as
many columns as there are multipliers. Where a row takes several steps (``config.groups``), an
accumulator adds them up. The engine has no state but the hidden states in its banks and no valid
signal for its sums: whoever issues a step knows when they come (`latency`). ``checked`` says which
steps are of a run, so that the words they read are to be checked (`memory_check`).
"""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from zynq_lstm.hw.bank import STORED_BITS, chain_members
from zynq_lstm.hw.blocks import place
from zynq_lstm.hw.memory_check import JOIN_LATENCY, joined
from zynq_lstm.hw.primitives import delay, register
from zynq_lstm.hw.region import Region, adder_tree
from zynq_lstm.quant.check_bits import stored_words
from zynq_lstm.quant.config import BANKS_PER_REGION, GATES
from zynq_lstm.quant.formats import ACCUMULATOR

CHAIN_REGISTERS = 2
"""Registers between ``h*_in`` and the far end of the chain."""


def engine_latency(config):
    """Cycles from a row's last step to its sums."""
    return 1 + Region.latency + 1 + ceil_log2(config.regions) + (config.groups > 1)


class Engine(wiring.Component):
    """All multipliers, weight memories and hidden states.

    Parameters
    ----------
    config : Config
    init : ndarray of uint64, shape (weight_depth, banks), optional
        Initial weights, for simulation of components.
    init_files : sequence of str, optional
        A `$readmemh` file for each bank.

    Members
    -------
    r_addr, layer, group, first, checked : In
        Step; ``first`` marks the first of a row's steps, ``checked`` one of a run.
    w_en, w_bank, w_addr, w_data : In
        Weight writes; a word with its check bit.
    h1_shift, h1_load, h2_shift : In
        Strobes, acting `STROBE_LATENCY` cycles later.
    h1_in, h2_in : In(8)
        Must hold the new h `CHAIN_LEAD` cycles after its strobe.
    h1_out, h2_out : Out(8)
        The oldest unit of each chain.
    sum0 … sum3 : Out(signed(22))
        `latency` cycles after the (last) step of a row.
    wrong : Out(banks)
        Pulses, a bit a bank: a word that a checked step has read is not the one written;
        `CHECK_LATENCY` cycles after the step.
    """

    STROBE_LATENCY = 1 + Region.STROBE_LATENCY
    CHAIN_LEAD = STROBE_LATENCY - CHAIN_REGISTERS
    CHECK_LATENCY = 1 + Region.CHECK_DELAY + Region.CHECK_LATENCY + 1
    HIDDEN_READ = 5
    """Cycles from a step to the selection of h: an h must be in place by then."""
    HIDDEN_PLACED = STROBE_LATENCY + 1
    """Cycles from a strobe to the first cycle in which it shows in h."""

    def __init__(self, config, *, init=None, init_files=None):
        self._config = config
        self._init, self._init_files = init, init_files
        address = ceil_log2(config.weight_depth)
        super().__init__(
            {
                "r_addr": In(address),
                "layer": In(1),
                "group": In(max(1, ceil_log2(config.groups))),
                "first": In(1),
                "checked": In(1),
                "w_en": In(1),
                "w_bank": In(max(1, ceil_log2(config.banks))),
                "w_addr": In(address),
                "w_data": In(STORED_BITS),
                **chain_members(config.layers),
                **{f"sum{k}": Out(signed(ACCUMULATOR.bits)) for k in range(GATES)},
                "wrong": Out(config.banks),
            }
        )

    @property
    def latency(self):
        """Cycles from a row's last step to its sums."""
        return engine_latency(self._config)

    def elaborate(self, platform):
        m = Module()
        config = self._config
        chains = range(1, config.layers + 1)
        broadcast = ["r_addr", "layer", "group", "w_addr", "w_data", "h1_load"]
        broadcast += [f"h{layer}_shift" for layer in chains]
        values = {port: getattr(self, port) for port in broadcast}
        odd = joined(m, self.r_addr, "address_odd")
        values["address_odd"] = delay(m, odd, Region.CHECK_DELAY - JOIN_LATENCY, "address_odd")
        values["checked"] = delay(m, self.checked, Region.CHECK_DELAY, "checked")
        root = {port: register(m, value, f"{port}_root") for port, value in values.items()}
        place_in_region = self.w_bank[: ceil_log2(BANKS_PER_REGION)]
        w_select = register(
            m, Cat(place_in_region == k for k in range(BANKS_PER_REGION)), "w_select_root"
        )
        regions = []
        for k in range(config.regions):
            banks = slice(k * BANKS_PER_REGION, (k + 1) * BANKS_PER_REGION)
            region = Region(
                config,
                init=None if self._init is None else [stored_words(w) for w in self._init.T[banks]],
                init_files=self._init_files and self._init_files[banks],
            )
            regions.append(region)
            place(m, platform, f"region{k}", region)
            w_en = Signal(name=f"w_en_root{k}", reset_less=True)
            m.d.sync += w_en.eq(self.w_en & (self.w_bank[ceil_log2(BANKS_PER_REGION) :] == k))
            m.d.comb += [region.w_en.eq(w_en), region.w_select.eq(w_select)]
            m.d.comb += [getattr(region, port).eq(value) for port, value in root.items()]
            m.d.comb += self.wrong[banks].eq(register(m, region.wrong, f"wrong_near{k}"))
        for layer in chains:
            name = f"h{layer}"
            value = getattr(self, f"{name}_in")
            for k in range(CHAIN_REGISTERS):
                value = register(m, value, f"{name}_hop{k}")
            for region in reversed(regions):
                m.d.comb += getattr(region, f"{name}_in").eq(value)
                value = getattr(region, f"{name}_out")
            m.d.comb += getattr(self, f"{name}_out").eq(register(m, value, f"{name}_out_q"))
        if config.groups > 1:
            # Two selects, one the inverse of the other, so that neither drives more than two lanes.
            first = delay(m, self.first, self.latency - 1, "first")
            later = delay(m, ~self.first, self.latency - 1, "later")
        for lane in range(GATES):
            name = f"sum{lane}"
            near = [register(m, getattr(r, name), f"{name}_near{k}") for k, r in enumerate(regions)]
            total = adder_tree(m, near, name)
            if config.groups > 1:
                held = Signal(signed(ACCUMULATOR.bits), name=f"{name}_accumulator", reset_less=True)
                before = Mux(first, 0, held) if lane < GATES // 2 else Mux(later, held, 0)
                m.d.sync += held.eq(total + before)
                total = held
            m.d.comb += getattr(self, name).eq(total)
        return m
