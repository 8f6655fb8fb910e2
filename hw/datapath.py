"""The datapath: engine, requantization, layer-1 pass, element-wise unit, sampler and surprisal.

    steps ─ engine ─ sums ─ requantizer ─┬─ A: pre-activations ────┐
                                         ├─ B, C: stored sums      ├─ element-wise ─ h ─ engine
    symbol ─ input table + stored sums ──┼─────────────────────────┘
                                         └─ O: logits ─┬─ sampler ─ symbol
                                                       └─ surprisal of the symbol that came

It holds no control but delay lines: what a step is travels beside it. `schedule` proves that A and
the layer-1 pass never meet at the element-wise unit.
"""

from amaranth.hdl import Cat, DomainRenamer, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from zynq_lstm.hw.blocks import place
from zynq_lstm.hw.elementwise import Elementwise
from zynq_lstm.hw.engine import Engine
from zynq_lstm.hw.input_table import InputTable
from zynq_lstm.hw.primitives import delay, register, saturated, wrapping_counter
from zynq_lstm.hw.requantizer import Lane, lanes
from zynq_lstm.hw.row_memories import RAM_LATENCY, RowConstants, StoredSums, addend_register
from zynq_lstm.hw.sampler import SYMBOL_BITS, Sampler
from zynq_lstm.hw.schedule import LAYER1_SUM
from zynq_lstm.hw.sequencer import step_members
from zynq_lstm.hw.surprisal import Surprisal
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.formats import CELL, HIDDEN, LOGIT, PREACTIVATION, TEMPERATURE
from zynq_lstm.quant.protocol import STREAM_BITS
from zynq_lstm.quant.sampling import SEED_BITS
from zynq_lstm.quant.surprisal import SURPRISAL


class WriteBus(wiring.Signature):
    """Writes of the loader: one word a cycle to one of the memories; ``check`` is the check bit of
    a word of weights."""

    def __init__(self, config):
        rows = config.matrices * config.hidden + config.output_rows(config.symbols)
        super().__init__(
            {
                "data": Out(STREAM_BITS),
                "check": Out(1),
                "weights_en": Out(1),
                "bank": Out(max(1, ceil_log2(config.banks))),
                "address": Out(ceil_log2(config.weight_depth)),
                "scales_en": Out(1),
                "biases_en": Out(1),
                "row": Out(ceil_log2(rows)),
                "table_en": Out(1),
                "symbol": Out(ceil_log2(config.symbols)),
                "unit": Out(ceil_log2(config.hidden)),
            }
        )


class Datapath(wiring.Component):
    """All that computes.

    Members
    -------
    step, step_valid
        From `Sequencer`.
    launch, symbol : In
        Start the layer-1 pass with this symbol.
    sampling : In(1)
        The generator advances with each row of O.
    load_seed, seed, temperature, last_lane : In
        See `Sampler`.
    logits_valid, logits_last, logit0 … logit3 : Out
        A row of logits.
    done, sampled : Out
        The sampler's symbol.
    target : In(8)
        The symbol that came after a character; read ``Surprisal.TARGET_AFTER`` cycles after its
        last row of logits.
    scored, surprisal : Out
        Pulse; the surprisal of that symbol, until the next one is at hand.
    saturated : Out(1)
        A cell state was clipped.
    wrong_words : Out(banks)
        Pulses, a bit a bank: a step has read a wrong word of weights.
    write : In
        `WriteBus`.
    state_read, state_write, state_c*, state_in* : see `Elementwise`
    state_shift, state_load : In(1), state_h* : In(8), chain_h* : Out(8)
        Strobes, inputs and outputs of the chains of hidden states.
    restart : In(1)
        Counters of units back to 0.
    stop : In(1)
        Abandon the layer-1 pass.
    """

    DOMAINS = ("elementwise", "sampler", "surprisal")
    """Clock domains of parts within, for each to have a reset register of its own (`resets`)."""

    def __init__(self, config, schedule, *, init_files=None):
        self._config, self._schedule = config, schedule
        self._files = init_files or {}
        members = {
            **{f"step_{n}": In(width) for n, width in step_members(config).items()},
            "step_valid": In(1),
            "launch": In(1),
            "symbol": In(SYMBOL_BITS),
            "sampling": In(1),
            "load_seed": In(1),
            "seed": In(SEED_BITS),
            "temperature": In(TEMPERATURE.bits),
            "last_lane": In(2),
            "logits_valid": Out(1),
            "logits_last": Out(1),
            **{f"logit{k}": Out(signed(LOGIT.bits)) for k in range(GATES)},
            "done": Out(1),
            "sampled": Out(SYMBOL_BITS),
            "target": In(SYMBOL_BITS),
            "scored": Out(1),
            "surprisal": Out(SURPRISAL.bits),
            "saturated": Out(1),
            "wrong_words": Out(config.banks),
            "write": In(WriteBus(config)),
            "state_read": In(1),
            "state_write": In(1),
            "state_shift": In(1),
            "state_load": In(1),
            "state_active": In(1),
            "restart": In(1),
            "stop": In(1),
        }
        for k in range(1, config.layers + 1):
            members |= {
                f"state_c{k}": Out(CELL.bits),
                f"state_in{k}": In(CELL.bits),
                f"state_h{k}": In(HIDDEN.bits),
                f"chain_h{k}": Out(HIDDEN.bits),
            }
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        c, files, bus = self._config, self._files, self.write
        m.submodules.engine = engine = Engine(c, init_files=files.get("banks"))
        rows = c.matrices * c.hidden + c.output_rows(c.symbols)
        scales = RowConstants(rows, init_file=files.get("scales", ""))
        biases = RowConstants(rows, init_file=files.get("biases", ""))
        place(m, platform, "scales", scales)
        place(m, platform, "biases", biases)
        m.submodules.sums = sums = StoredSums(c)
        m.submodules.table = table = InputTable(c, init_files=files.get("table"))
        parts = (elementwise, sampler, surprisal) = Elementwise(c), Sampler(), Surprisal()
        for name, part in zip(self.DOMAINS, parts, strict=True):
            m.submodules[name] = DomainRenamer(name)(part)
        row_lanes = lanes(m, platform)
        at_sum = self._schedule.sum_latency

        for port in ("address", "layer", "group", "first"):
            target = "r_addr" if port == "address" else port
            m.d.comb += getattr(engine, target).eq(getattr(self, f"step_{port}"))
        m.d.comb += [
            engine.w_en.eq(bus.weights_en),
            engine.w_bank.eq(bus.bank),
            engine.w_addr.eq(bus.address),
            engine.w_data.eq(Cat(bus.data, bus.check)),
            engine.checked.eq(self.step_valid),
            self.wrong_words.eq(engine.wrong),
            table.w_en.eq(bus.table_en),
            table.w_symbol.eq(bus.symbol),
            table.w_unit.eq(bus.unit),
            table.w_data.eq(bus.data),
        ]
        for memory, enable in ((scales, bus.scales_en), (biases, bus.biases_en)):
            m.d.comb += [
                memory.w_en.eq(enable),
                memory.w_row.eq(bus.row),
                memory.w_data.eq(bus.data),
            ]

        # What a step is, beside its sums.
        scale_at = at_sum + Lane.SCALE_AFTER - RAM_LATENCY
        rest_at = at_sum + Lane.ADDEND_AFTER - 1 - RAM_LATENCY
        row = delay(m, self.step_row, scale_at, "scale_row")
        m.d.comb += scales.row.eq(row)
        m.d.comb += biases.row.eq(delay(m, row, rest_at - scale_at, "bias_row"))
        kind = {k: delay(m, getattr(self, f"step_kind_{k}"), rest_at, f"kind_{k}") for k in "ABCO"}
        o_first = delay(m, self.step_o_first, rest_at, "o_first")
        o_last = delay(m, self.step_o_last, rest_at, "o_last")
        is_a = delay(m, kind["A"], RAM_LATENCY, "is_a")
        is_not_a = delay(m, ~kind["A"], RAM_LATENCY, "is_not_a")
        to_total = at_sum + Lane.TOTAL_LATENCY - rest_at
        to_value = at_sum + Lane.latency - rest_at
        addends = addend_register(
            m,
            [getattr(biases, f"lane{k}") for k in range(GATES)],
            [getattr(sums, f"sum{k}") for k in range(GATES)],
            is_a,
            is_not_a,
        )
        for k, lane in enumerate(row_lanes):
            m.d.comb += [
                lane.sum.eq(getattr(engine, f"sum{k}")),
                lane.scale.eq(getattr(scales, f"lane{k}")),
                lane.addend.eq(addends[k]),
                getattr(sums, f"total{k}").eq(lane.total),
                getattr(sampler, f"logit{k}").eq(lane.value),
                getattr(surprisal, f"logit{k}").eq(lane.value),
                getattr(self, f"logit{k}").eq(lane.value),
            ]
        m.d.comb += [
            sums.a_read.eq(kind["A"]),
            sums.b_valid.eq(delay(m, kind["B"], to_total, "b_total")),
            sums.c_valid.eq(delay(m, kind["C"], to_total, "c_total")),
            sums.restart.eq(self.restart),
        ]

        # Logits, sampler and surprisal.
        o_valid = delay(m, kind["O"], to_value, "o_value")
        noise_at = at_sum + Lane.latency - Sampler.ADVANCE_LEAD
        advance = delay(m, self.step_kind_O, noise_at, "o_advance")
        m.d.comb += [
            sampler.load.eq(self.load_seed),
            sampler.seed.eq(self.seed),
            sampler.temperature.eq(self.temperature),
            sampler.advance.eq(advance & self.sampling),
            sampler.valid.eq(o_valid),
            sampler.first.eq(delay(m, o_first, to_value, "o_first_value")),
            sampler.last.eq(delay(m, o_last, to_value, "o_last_value")),
            sampler.last_lane.eq(self.last_lane),
            self.done.eq(sampler.done),
            self.sampled.eq(sampler.symbol),
            surprisal.target.eq(self.target),
            self.scored.eq(surprisal.done),
            self.surprisal.eq(surprisal.surprisal),
            self.logits_valid.eq(o_valid),
            self.logits_last.eq(sampler.last),
        ]
        for name in ("valid", "first", "last", "last_lane"):
            m.d.comb += getattr(surprisal, name).eq(getattr(sampler, name))

        # Layer 1: table row and stored sum of each unit, one unit a cycle.
        pass_valid, unit, at_last_unit = self._layer1_units(m)
        sums_wait = InputTable.latency - RAM_LATENCY
        m.d.comb += [
            table.unit.eq(unit),
            sums.layer1_read.eq(delay(m, pass_valid, sums_wait, "pass_read")),
            sums.unit.eq(delay(m, unit, sums_wait, "pass_read_unit")),
        ]
        pass_total = []
        for k in range(GATES):
            total = getattr(table, f"data{k}").as_signed() + getattr(sums, f"sum{k}")
            total = register(m, total, f"pass_total{k}")
            pass_total.append(register(m, saturated(total, PREACTIVATION.bits), f"pass_value{k}"))
        table_symbol = Signal.like(table.symbol)
        with m.If(self.launch):
            m.d.sync += table_symbol.eq(self.symbol)
        m.d.comb += table.symbol.eq(table_symbol)
        pass_at = InputTable.latency + LAYER1_SUM

        # Element-wise unit: layer 2 after A, or layer 1.
        a_value = delay(m, kind["A"], to_value, "a_value")
        pass_value = delay(m, pass_valid, pass_at, "pass_value")
        not_pass = delay(m, ~pass_valid, pass_at, "not_pass")
        valid = register(m, a_value | pass_value, "elementwise_valid")
        m.d.comb += [
            elementwise.valid.eq(valid),
            elementwise.layer.eq(register(m, a_value, "elementwise_layer")),
        ]
        for k, lane in enumerate(row_lanes):
            one, other = pass_total[k], lane.value
            chosen = Mux(pass_value, one, other) if k < 2 else Mux(not_pass, other, one)
            z = Signal(signed(PREACTIVATION.bits), name=f"z{k}", reset_less=True)
            m.d.sync += z.eq(chosen)
            m.d.comb += getattr(elementwise, f"z{k}").eq(z)

        # Hidden states back to the engine; the state's own port when nothing runs.
        layer1_last = delay(m, at_last_unit, pass_at + 1 + elementwise.strobe_latency, "unit_last")
        m.d.comb += [
            elementwise.state_read.eq(self.state_read),
            elementwise.state_write.eq(self.state_write),
            elementwise.restart.eq(self.restart),
            self.saturated.eq(elementwise.saturated),
        ]
        load = Signal()
        m.d.sync += load.eq(elementwise.shift1 & layer1_last)
        m.d.comb += engine.h1_load.eq(load | self.state_load)
        for k in range(1, c.layers + 1):
            m.d.comb += [
                getattr(engine, f"h{k}_shift").eq(
                    getattr(elementwise, f"shift{k}") | self.state_shift
                ),
                getattr(engine, f"h{k}_in").eq(
                    Mux(self.state_active, getattr(self, f"state_h{k}"), elementwise.h)
                ),
                getattr(self, f"chain_h{k}").eq(getattr(engine, f"h{k}_out")),
                getattr(self, f"state_c{k}").eq(getattr(elementwise, f"state_c{k}")),
                getattr(elementwise, f"state_in{k}").eq(getattr(self, f"state_in{k}")),
            ]
        return m

    def _layer1_units(self, m):
        """Units 0 … hidden - 1, one a cycle from the cycle after ``launch``."""
        running = Signal()
        unit, at_last = wrapping_counter(
            m, self._config.hidden - 1, step=running, clear=self.launch, name="pass_unit"
        )
        with m.If(self.launch):
            m.d.sync += running.eq(1)
        with m.Elif(self.restart | self.stop | at_last):
            m.d.sync += running.eq(0)
        return running, unit, at_last
