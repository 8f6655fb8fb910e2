"""Row sums to fixed point: scale, round, saturate, add the rest of the row, saturate.

    sum ─ reg ─ x scale ─ round ─ saturate ─ + addend ─┬─ total (18 bits: partial sums)
                                                       └─ saturate ─ value (16 bits)

One DSP48E1 a lane; rounding is its adder's constant. `quant.operators.requantize`, then
`preactivation` or `logit`, which are the same operation in two formats.
"""

from amaranth.hdl import Module, Signal, signed, unsigned
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.blocks import Block, place
from zynq_lstm.hw.primitives import register, saturated
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.formats import ACCUMULATOR, PARTIAL, PREACTIVATION, SCALE, SCALED
from zynq_lstm.quant.operators import REQUANTIZE_SHIFT

PRODUCT_BITS = ACCUMULATOR.bits + SCALE.bits + 1


class Lane(Block):
    """One lane.

    Members
    -------
    sum : In(signed(22))
    scale : In(16)
        ``SCALE_AFTER`` cycles after its sum, from a register.
    addend : In(signed(18))
        ``ADDEND_AFTER`` cycles after its sum, from a register.
    total : Out(signed(19))
        `TOTAL_LATENCY` cycles after the sum.
    value : Out(signed(16))
        `latency` cycles after the sum.
    """

    kept = False
    block_name = "zynq_lstm_requantizer_lane"
    SCALE_AFTER = 1
    ADDEND_AFTER = 5
    TOTAL_LATENCY = 6
    latency = 7

    def __init__(self):
        super().__init__(
            {
                "sum": In(signed(ACCUMULATOR.bits)),
                "scale": In(unsigned(SCALE.bits)),
                "addend": In(signed(PARTIAL.bits)),
                "total": Out(signed(PARTIAL.bits + 1)),
                "value": Out(signed(PREACTIVATION.bits)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        near = register(m, self.sum, "sum_near", keep=True)
        a = register(m, near, "a")
        positive = Signal(signed(SCALE.bits + 1))
        m.d.comb += positive.eq(self.scale)
        b = register(m, positive, "b")
        product = Signal(signed(PRODUCT_BITS), reset_less=True)
        rounded = Signal(signed(PRODUCT_BITS), reset_less=True)
        m.d.sync += [
            product.eq(a * b),
            rounded.eq(product + (1 << (REQUANTIZE_SHIFT - 1))),
        ]
        scaled = register(m, saturated(rounded[REQUANTIZE_SHIFT:], SCALED.bits), "scaled")
        total = register(m, scaled + self.addend, "total_q")
        m.d.comb += [
            self.total.eq(total),
            self.value.eq(register(m, saturated(total, PREACTIVATION.bits), "value_q")),
        ]
        return m


def lanes(m, platform, name="lane"):
    """Four lanes as submodules."""
    made = [Lane() for _ in range(GATES)]
    for k, lane in enumerate(made):
        place(m, platform, f"{name}{k}", lane)
    return made
