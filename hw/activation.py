"""tanh and sigmoid by one table: fold the sign, look up, unfold.

`quant.operators.tanh` and `sigmoid`. The table (2,048 words for [0, 4)) has two ports, so one
block RAM serves two functions; sigmoid reads it at half the argument and shifts the result.
"""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import memory
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.blocks import Block
from zynq_lstm.hw.primitives import delay, register
from zynq_lstm.quant.formats import ACTIVATION
from zynq_lstm.quant.operators import SIGMOID_CELL_SHIFT, TANH_CELL_SHIFT
from zynq_lstm.quant.tables import TANH_ADDRESS_BITS, tanh_table


class TableRom(Block):
    """A constant table with two ports of two cycles.

    Members
    -------
    addr0, addr1 : In
    data0, data1 : Out
        `latency` cycles after the address.
    """

    latency = 2

    def __init__(self, name, contents, bits):
        self._name, self._contents, self._bits = name, [int(v) for v in contents], bits
        address = (len(self._contents) - 1).bit_length()
        super().__init__(
            {
                "addr0": In(address),
                "addr1": In(address),
                "data0": Out(bits),
                "data1": Out(bits),
            }
        )

    @property
    def block_name(self):
        return f"zynq_lstm_{self._name}_table"

    def elaborate(self, platform):
        m = Module()
        mask = (1 << self._bits) - 1
        m.submodules.words = words = memory.Memory(
            shape=self._bits,
            depth=len(self._contents),
            init=[v & mask for v in self._contents],
            attrs={"ram_style": "block"},
        )
        for k in range(2):
            port = words.read_port()
            m.d.comb += [
                port.addr.eq(getattr(self, f"addr{k}")),
                getattr(self, f"data{k}").eq(register(m, port.data, f"data{k}_q", keep=True)),
            ]
        return m


def tanh_rom():
    """The table of tanh."""
    return TableRom("tanh", tanh_table(), ACTIVATION.bits - 1)


class Activation(Block):
    """One function beside its table port.

    Parameters
    ----------
    function : "tanh" or "sigmoid"

    Members
    -------
    x : In(signed(16))
        Q4.11.
    addr : Out(11), data : In(15)
        To a port of `tanh_rom`.
    y : Out(signed(16))
        Q0.15, `latency` cycles after x; not a register: the last step is the unfolding.
    """

    kept = False
    resets = True
    latency = 1 + TableRom.latency

    def __init__(self, function):
        self._function = function
        self._sigmoid = function == "sigmoid"
        super().__init__(
            {
                "x": In(16),
                "addr": Out(TANH_ADDRESS_BITS),
                "data": In(ACTIVATION.bits - 1),
                "y": Out(ACTIVATION.bits),
            }
        )

    @property
    def block_name(self):
        return f"zynq_lstm_{self._function}"

    def elaborate(self, platform):
        m = Module()
        shift = SIGMOID_CELL_SHIFT if self._sigmoid else TANH_CELL_SHIFT
        sign = self.x[-1]
        folded = self.x[:-1] ^ sign.replicate(15)
        beyond = folded[shift + TANH_ADDRESS_BITS :].any()
        cell = folded[shift : shift + TANH_ADDRESS_BITS] | beyond.replicate(TANH_ADDRESS_BITS)
        m.d.comb += self.addr.eq(register(m, cell, "cell"))
        sign = delay(m, sign, self.latency, "sign")
        odd = self.data ^ sign.replicate(len(self.data))
        whole = Signal(ACTIVATION.bits)
        m.d.comb += whole.eq(Cat(odd, sign))
        if self._sigmoid:  # (odd + 2^15) >> 1: the inverted sign is the top bit of a 15-bit number
            m.d.comb += self.y.eq(Cat(odd[1:], ~sign, 0))
        else:
            m.d.comb += self.y.eq(whole)
        return m
