"""The background check of the weight memories: a wrong word is noticed by the run that reads it.

    word, check bit ─ parity, in two registers ─┐
    address of the step ─ parity, delayed ──────┴─ odd? ─ wrong, a bit a bank ─ faults ─ ERROR

Beside the 64 bits of each word stands their parity and that of their address
(`zynq_lstm.quant.check_bits`), which the loader made. Each word that a step reads is checked, in
each bank and every cycle, beside its use and without a cycle of its own. What a step reads while
none runs is not looked at, for it may be a word that no image has written.
"""

from functools import reduce
from operator import or_, xor

from amaranth.hdl import Cat, Module
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.blocks import Block
from zynq_lstm.hw.primitives import port_register, register

FOLD = 6
"""Bits that one LUT joins."""

JOIN_LATENCY = 2
"""Cycles of `joined`."""


def folded(m, value, name, operator=xor):
    """Each six bits of ``value`` joined in a register.

    They are not neighbours, for tools take what neighbours have in common from the end of a carry
    chain where there is one.
    """
    parts = -(-len(value) // FOLD)
    return register(m, Cat(reduce(operator, value[k::parts]) for k in range(parts)), name)


def joined(m, value, name, operator=xor):
    """All bits of ``value`` joined to one, `JOIN_LATENCY` cycles later.

    Up to 36 bits need one LUT a cycle, up to 216 two.
    """
    return register(m, reduce(operator, folded(m, value, f"{name}_parts", operator)), name)


class MemoryFaults(Block):
    """Which banks have read a wrong word: sticky bits.

    Parameters
    ----------
    banks : int
        At most 36.

    Members
    -------
    wrong : In(banks)
        Pulses, a bit a bank.
    clear : In(banks)
        Bits to be cleared, unless they come again in the same cycle.
    forget : In(1)
        Clears all, a cycle later.
    faults : Out(banks)
    noticed : Out(1)
        A pulse for each cycle in which any bank's is wrong, two cycles later.
    """

    block_name = "zynq_lstm_memory_faults"

    def __init__(self, banks):
        super().__init__(
            {
                "wrong": In(banks),
                "clear": In(banks),
                "forget": In(1),
                "faults": Out(banks),
                "noticed": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        forget = register(m, self.forget, "forget_q")
        faults = port_register(m, self.faults)
        kept = faults & ~self.clear & ~forget.replicate(len(faults))
        m.d.sync += faults.eq(kept | self.wrong)
        m.d.comb += self.noticed.eq(joined(m, self.wrong, "noticed", or_))
        return m
