"""The element-wise pass of an LSTM cell, one unit a cycle, for both layers in turn.

    z_i, z_f, z_g, z_o ─ activations ─ i g, f c ─ + ─ c' ─ tanh ─ x o ─ h

`quant.operators.cell_update` and `hidden_output`; 3 DSP48E1. Units come in order; each layer has
its own memory of cell states with its own counters, so no address travels along. The same memories
are reached by `state_*` for reading and writing the state while no pass is under way.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.activation import Activation, tanh_rom
from zynq_lstm.hw.blocks import Block, place
from zynq_lstm.hw.engine import Engine
from zynq_lstm.hw.primitives import delay, register, saturated, wrapping_counter
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.formats import CELL, HIDDEN, PREACTIVATION
from zynq_lstm.quant.operators import CELL_PRODUCT_SHIFT, HIDDEN_SHIFT, INPUT_PRODUCT_SHIFT


class CellStates(Block):
    """Cell states of one layer, read and written in order of units.

    Members
    -------
    read : In(1)
        Advance the reading counter; ``r_data`` is the word of the count before, two cycles later.
    write, w_data : In
        Store the next unit.
    restart : In(1)
        Both counters back to unit 0.
    """

    kept = False
    block_name = "zynq_lstm_cell_states"

    def __init__(self, hidden):
        self._hidden = hidden
        super().__init__(
            {
                "read": In(1),
                "r_data": Out(CELL.bits),
                "write": In(1),
                "w_data": In(CELL.bits),
                "restart": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = memory.Memory(
            shape=CELL.bits,
            depth=self._hidden,
            init=[],
            attrs={"ram_style": "distributed"},
        )
        r = words.read_port()
        w = words.write_port()
        for name, strobe, address in (
            ("r_unit", self.read, r.addr),
            ("w_unit", self.write, w.addr),
        ):
            count, _ = wrapping_counter(
                m, self._hidden - 1, step=strobe, clear=self.restart, name=name
            )
            m.d.comb += address.eq(count)
        m.d.comb += [
            w.en.eq(self.write),
            w.data.eq(self.w_data),
            self.r_data.eq(register(m, r.data, "r_data_q")),
        ]
        return m


class Elementwise(wiring.Component):
    """i, f, g, o and c to c' and h.

    Members
    -------
    valid, layer : In(1)
        A unit is on the inputs; its layer (0, 1).
    z0 … z3 : In(signed(16))
        Pre-activations of i, f, g, o, Q4.11, from registers.
    shift1, shift2 : Out(1)
        Strobes for the chains of hidden states, `strobe_latency` cycles after ``valid``.
    h : Out(signed(8))
        `latency` cycles after ``valid``.
    saturated : Out(1)
        A cell state was clipped.
    state_read, state_write : In(1)
        Step through the memories of cell states, all layers at once.
    state_c1, state_c2 : Out(16); state_in1, state_in2 : In(16)
    restart : In(1)
        All counters back to unit 0.
    """

    CELL_LATENCY = Activation.latency + 5
    latency = 2 * Activation.latency + 9
    strobe_latency = latency - Engine.CHAIN_LEAD
    """Cycles from ``valid`` to the chain's strobe; the engine wants h `Engine.CHAIN_LEAD` later."""

    def __init__(self, config):
        self._config = config
        members = {
            "valid": In(1),
            "layer": In(1),
            **{f"z{k}": In(signed(PREACTIVATION.bits)) for k in range(GATES)},
            "h": Out(signed(HIDDEN.bits)),
            "saturated": Out(1),
            "state_read": In(1),
            "state_write": In(1),
            "restart": In(1),
        }
        for layer in range(1, config.layers + 1):
            members |= {
                f"shift{layer}": Out(1),
                f"state_c{layer}": Out(CELL.bits),
                f"state_in{layer}": In(CELL.bits),
            }
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        layers = range(1, self._config.layers + 1)
        names = ("i", "f", "g", "o")
        gates = {n: Activation("tanh" if n == "g" else "sigmoid") for n in names}
        tanh_c = Activation("tanh")
        roms = [tanh_rom() for _ in range(3)]
        users = [(gates["i"], gates["f"]), (gates["g"], gates["o"]), (tanh_c,)]
        for k, (rom, pair) in enumerate(zip(roms, users, strict=True)):
            place(m, platform, f"table{k}", rom)
            for port, user in enumerate(pair):
                m.d.comb += getattr(rom, f"addr{port}").eq(user.addr)
                m.d.comb += user.data.eq(getattr(rom, f"data{port}"))
        for k, name in enumerate(names):
            place(m, platform, f"activation_{name}", gates[name])
            m.d.comb += gates[name].x.eq(getattr(self, f"z{k}"))
        place(m, platform, "activation_c", tanh_c)

        of = {layer: self.valid & (self.layer == layer - 1) for layer in layers}
        memories = {}
        for layer in layers:
            cells = memories[layer] = CellStates(self._config.hidden)
            place(m, platform, f"cells{layer}", cells)
            read = delay(m, of[layer], Activation.latency - 2, f"read{layer}")
            m.d.comb += [
                cells.read.eq(read | self.state_read),
                cells.restart.eq(self.restart),
                getattr(self, f"state_c{layer}").eq(cells.r_data),
            ]
        c_read = memories[1].r_data
        if self._config.layers == 2:
            layer = delay(m, self.layer, Activation.latency, "layer")
            c_read = Mux(layer, memories[2].r_data, c_read)

        def activation(name):
            return gates[name].y.as_signed()

        i, f, g = (register(m, activation(n), f"{n}_q") for n in ("i", "f", "g"))
        c = register(m, c_read.as_signed(), "c_q")
        ig = Signal(signed(32), reset_less=True)
        fc = Signal(signed(32), reset_less=True)
        ig_q = register(m, ig, "ig_q")
        fc_rounded = Signal(signed(33), reset_less=True)
        m.d.sync += [
            ig.eq(i * g),
            fc.eq(f * c),
            fc_rounded.eq(fc + (1 << (CELL_PRODUCT_SHIFT - 1))),
        ]
        total = Signal(signed(32), reset_less=True)
        m.d.sync += total.eq(fc_rounded[:32].as_signed() + (ig_q >> INPUT_PRODUCT_SHIFT))
        upper = total[CELL_PRODUCT_SHIFT:]
        c_new = register(m, saturated(upper, CELL.bits), "c_new")
        m.d.comb += tanh_c.x.eq(c_new)
        clipped = Signal()
        stored = delay(m, self.valid, self.CELL_LATENCY, "cell_valid")
        over = register(m, (upper[CELL.bits - 1 :] != 0) & ~upper[CELL.bits - 1 :].all(), "over")
        m.d.sync += clipped.eq(stored & over)
        m.d.comb += self.saturated.eq(clipped)

        for layer, cells in memories.items():
            write = delay(m, of[layer], self.CELL_LATENCY, f"write{layer}") | self.state_write
            given = getattr(self, f"state_in{layer}")
            m.d.comb += [
                cells.write.eq(register(m, write, f"write{layer}_q")),
                cells.w_data.eq(register(m, Mux(self.state_write, given, c_new), f"w_data{layer}")),
                getattr(self, f"shift{layer}").eq(
                    delay(m, of[layer], self.strobe_latency, f"shift{layer}")
                ),
            ]

        o = delay(m, gates["o"].y, self.CELL_LATENCY, "o").as_signed()
        o_q = register(m, o, "o_q")
        t_q = register(m, tanh_c.y.as_signed(), "t_q")
        product = Signal(signed(32), reset_less=True)
        rounded = Signal(signed(33), reset_less=True)
        m.d.sync += [product.eq(o_q * t_q), rounded.eq(product + (1 << (HIDDEN_SHIFT - 1)))]
        h = register(m, saturated(rounded[HIDDEN_SHIFT:], HIDDEN.bits), "h_q")
        m.d.comb += self.h.eq(h)
        return m
