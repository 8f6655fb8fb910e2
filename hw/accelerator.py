"""The accelerator: streams, loader, controller, sequencer and datapath.

s_axis ─ FIFO ─┬─ loader ─────────────┐
               ├─ controller ─ sequencer ─ datapath ─┬─ FIFO ─ m_axis
               └─ state port ─────────┘              │
"""

from amaranth.hdl import Cat, DomainRenamer, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.blocks import place
from zynq_lstm.hw.controller import COUNT_BITS, Controller
from zynq_lstm.hw.crc import CRC_BITS
from zynq_lstm.hw.datapath import Datapath
from zynq_lstm.hw.event_counter import EventCounter
from zynq_lstm.hw.loader import Loader
from zynq_lstm.hw.memory_check import MemoryFaults
from zynq_lstm.hw.primitives import register, signals
from zynq_lstm.hw.resets import reset_domains
from zynq_lstm.hw.sampler import SYMBOL_BITS
from zynq_lstm.hw.schedule import Schedule
from zynq_lstm.hw.sequencer import Sequencer, step_members
from zynq_lstm.hw.state_port import StatePort
from zynq_lstm.hw.streams import BytePacker, StreamFifo, end_of_keep, keep_of_end
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.formats import TEMPERATURE, WEIGHT
from zynq_lstm.quant.protocol import ERROR_BITS, MODE_BITS, STREAM_BITS, STREAM_BYTES
from zynq_lstm.quant.registers import COUNTERS, DATA_BITS
from zynq_lstm.quant.sampling import SEED_BITS


def require_hardware(config):
    """Refuse what only the golden model computes.

    Raises
    ------
    UserError
        When the weights have fewer bits than the multipliers.
    """
    if config.weight_bits != WEIGHT.bits:
        raise UserError(
            f"The accelerator must have weights of {WEIGHT.bits} bits, not {config.weight_bits}: "
            "fewer bits are for the golden model, and have no hardware yet (docs/four-bit.md)"
        )


class Accelerator(wiring.Component):
    """The whole accelerator, with plain ports for its commands.

    Parameters
    ----------
    config : Config
    init_files : dict, optional
        Files of initial contents (`quant.memory_files`), for a model that is there at power-on.
    symbols, crc : int
        Symbols and CRC of that model.

    Raises
    ------
    UserError
        When the configuration has weights of fewer than 8 bits.

    Members
    -------
    aclk, aresetn : In
        Clock and synchronous reset, active low.
    start, mode, inputs, outputs, temperature, seed, cancel : In
        A command (`quant.protocol.Mode`): pulse ``start``; the others hold while ``busy``.
    check_fails, invert_check : In(1)
        A run that reads a wrong word of weights has an error; a load writes wrong check bits. Both
        hold while ``busy``.
    clear_faults : In(banks)
        Bits of ``faults`` to be cleared.
    busy, loaded, error : Out
    symbols : Out(9)
        Of the loaded model.
    crc : Out(32)
        Of the loaded model's image; undefined while none is loaded.
    faults : Out(banks)
        Weight memories that have read a wrong word since the load (`memory_check`).
    c_* : Out(32)
        `quant.registers.COUNTERS`.
    s_axis_*, m_axis_*
        AXI4-Stream, 64 bits.
    """

    def __init__(self, config, *, init_files=None, symbols=0, crc=0):
        require_hardware(config)
        self._config, self._init_files = config, init_files
        self._built_in = {"symbols": symbols, "crc": crc}
        super().__init__(
            {
                "aclk": In(1),
                "aresetn": In(1),
                "start": In(1),
                "mode": In(MODE_BITS),
                "inputs": In(COUNT_BITS),
                "outputs": In(COUNT_BITS),
                "temperature": In(TEMPERATURE.bits),
                "seed": In(SEED_BITS),
                "cancel": In(1),
                "check_fails": In(1),
                "invert_check": In(1),
                "clear_faults": In(config.banks),
                "faults": Out(config.banks),
                "busy": Out(1),
                "loaded": Out(1),
                "symbols": Out(SYMBOL_BITS + 1),
                "crc": Out(CRC_BITS),
                "error": Out(ERROR_BITS),
                **{f"c_{n}": Out(COUNT_BITS) for n in COUNTERS},
                "s_axis_tvalid": In(1),
                "s_axis_tready": Out(1),
                "s_axis_tdata": In(STREAM_BITS),
                "s_axis_tkeep": In(STREAM_BYTES),
                "s_axis_tlast": In(1),
                "m_axis_tvalid": Out(1),
                "m_axis_tready": In(1),
                "m_axis_tdata": Out(STREAM_BITS),
                "m_axis_tkeep": Out(STREAM_BYTES),
                "m_axis_tlast": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        reset = Signal(init=1, reset_less=True)
        m.d.sync += reset.eq(~self.aresetn)
        parts = ("loader", "controller", "state_port", "sequencer", "datapath")
        counters = {name: f"counter_{name}" for name in COUNTERS}
        domains = ("sync", *parts, *Datapath.DOMAINS, *counters.values())
        reset_domains(m, platform, domains, clock=self.aclk, reset=reset)

        c = self._config
        schedule = Schedule(c)
        i_fifo, o_fifo = StreamFifo(), StreamFifo()
        place(m, platform, "i_fifo", i_fifo)
        place(m, platform, "o_fifo", o_fifo)
        m.submodules.packer = packer = BytePacker()
        loader = Loader(c, **self._built_in)
        controller, port = Controller(c, schedule), StatePort(c)
        sequencer = Sequencer(schedule)
        datapath = Datapath(c, schedule, init_files=self._init_files)
        components = (loader, controller, port, sequencer, datapath)
        for name, component in zip(parts, components, strict=True):
            m.submodules[name] = DomainRenamer(name)(component)

        # Streams.
        m.d.comb += [
            i_fifo.i_valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(i_fifo.i_ready),
            i_fifo.i_data.eq(self.s_axis_tdata),
            i_fifo.i_end.eq(end_of_keep(self.s_axis_tkeep)),
            i_fifo.i_last.eq(self.s_axis_tlast),
            i_fifo.o_ready.eq(loader.i_ready | controller.i_ready | port.i_ready),
            self.m_axis_tvalid.eq(o_fifo.o_valid),
            o_fifo.o_ready.eq(self.m_axis_tready),
            self.m_axis_tdata.eq(o_fifo.o_data),
            self.m_axis_tkeep.eq(keep_of_end(o_fifo.o_end)),
            self.m_axis_tlast.eq(o_fifo.o_last),
        ]
        for user in (loader, controller, port):
            m.d.comb += [user.i_valid.eq(i_fifo.o_valid), user.i_data.eq(i_fifo.o_data)]
        m.d.comb += [
            loader.i_last.eq(i_fifo.o_last),
            controller.i_last.eq(i_fifo.o_last),
            controller.i_end.eq(i_fifo.o_end),
            controller.i_taken.eq(loader.i_ready | port.i_ready),
        ]

        # Commands.
        m.d.comb += [
            controller.start.eq(self.start),
            controller.mode.eq(self.mode),
            controller.inputs.eq(self.inputs),
            controller.outputs.eq(self.outputs),
            controller.cancel.eq(self.cancel),
            datapath.temperature.eq(self.temperature),
            datapath.seed.eq(self.seed),
            self.busy.eq(controller.busy),
            self.loaded.eq(loader.loaded),
            self.symbols.eq(loader.symbols),
            self.crc.eq(loader.crc),
            self.error.eq(controller.error),
        ]
        for name, domain in counters.items():
            m.submodules[domain] = counter = DomainRenamer(domain)(EventCounter(COUNT_BITS))
            m.d.comb += [
                counter.event.eq(getattr(controller, f"event_{name}")),
                getattr(self, f"c_{name}").eq(counter.total),
            ]

        # Loading.
        m.d.comb += [
            loader.active.eq(controller.load),
            loader.invert.eq(self.invert_check),
            controller.load_done.eq(loader.done),
            controller.load_wrong.eq(loader.wrong),
            controller.load_corrupt.eq(loader.corrupt),
            controller.loaded.eq(loader.loaded),
            controller.symbols.eq(loader.symbols),
            datapath.last_lane.eq(loader.last_lane),
            sequencer.last_row.eq(loader.last_row),
        ]
        wiring.connect(m, loader.write, datapath.write)

        # Characters.
        m.d.comb += [
            sequencer.go.eq(controller.go),
            sequencer.prologue.eq(controller.prologue),
            sequencer.last.eq(controller.last),
            sequencer.stop.eq(controller.stop),
            controller.character_start.eq(sequencer.start),
            controller.waiting.eq(sequencer.waiting),
            controller.ended.eq(sequencer.ended),
            controller.step_valid.eq(sequencer.valid),
            datapath.step_valid.eq(sequencer.valid),
            datapath.restart.eq(controller.restart),
            datapath.stop.eq(controller.stop),
            datapath.load_seed.eq(controller.load_seed),
            datapath.sampling.eq(controller.sampling),
            datapath.launch.eq(controller.launch),
            datapath.symbol.eq(controller.symbol),
            controller.done.eq(datapath.done),
            controller.sampled.eq(datapath.sampled),
            datapath.target.eq(controller.target),
            controller.scored.eq(datapath.scored),
            controller.surprisal.eq(datapath.surprisal),
            controller.saturated.eq(datapath.saturated),
        ]
        m.d.comb += [
            getattr(datapath, f"step_{n}").eq(getattr(sequencer, n)) for n in step_members(c)
        ]

        # Check of the weight memories.
        noticed = []
        each = min(c.banks, DATA_BITS)
        for k in range(c.banks // each):
            banks = slice(k * each, (k + 1) * each)
            place(m, platform, f"memory_faults{k}", part := MemoryFaults(each))
            m.d.comb += [
                part.wrong.eq(datapath.wrong_words[banks]),
                part.clear.eq(self.clear_faults[banks]),
                part.forget.eq(reset | controller.load),
                self.faults[banks].eq(part.faults),
            ]
            noticed.append(part.noticed)
        wrong_word = register(m, Cat(noticed).any() & self.check_fails, "wrong_word")
        m.d.comb += controller.wrong_word.eq(wrong_word)

        # State.
        m.d.comb += [
            port.start.eq(controller.state_start),
            port.write.eq(controller.state_write),
            port.zero.eq(controller.state_zero),
            controller.state_done.eq(port.done),
            controller.state_short.eq(port.short),
            port.hurry.eq(controller.state_hurry),
            datapath.state_active.eq(controller.state_active),
            datapath.state_read.eq(port.read),
            datapath.state_write.eq(port.c_write),
            datapath.state_shift.eq(port.shift),
            datapath.state_load.eq(port.load),
        ]
        for k in range(1, c.layers + 1):
            m.d.comb += [
                getattr(datapath, f"state_h{k}").eq(getattr(port, f"h{k}")),
                getattr(datapath, f"state_in{k}").eq(getattr(port, f"c{k}")),
                getattr(port, f"chain_h{k}").eq(getattr(datapath, f"chain_h{k}")),
                getattr(port, f"read_c{k}").eq(getattr(datapath, f"state_c{k}")),
            ]

        self._words_out(m, o_fifo, packer, controller, datapath, port)
        return m

    def _words_out(self, m, o_fifo, packer, controller, datapath, port):
        """Rows of logits, or packed bytes (symbols, surprisals, state) to the output FIFO.

        Two selects, one the inverse of the other, so that neither drives more than half a word.
        """
        m.d.comb += [
            packer.i_valid.eq(controller.o_valid | port.o_valid),
            packer.i_byte.eq(Mux(port.busy, port.o_byte, controller.o_byte)),
            packer.i_last.eq(Mux(port.busy, port.o_last, controller.o_last)),
            controller.room.eq(~o_fifo.half_full),
            controller.o_sent_last.eq(o_fifo.i_valid & o_fifo.i_last),
        ]
        logits, not_logits = signals("sends_logits sends_bytes")
        valid, end, last = (
            Signal.like(s, name=f"packed_{s.name}") for s in (packer.valid, packer.end, packer.last)
        )
        row = Cat(*(getattr(datapath, f"logit{k}") for k in range(GATES)))
        half = STREAM_BITS // 2
        data = Signal(STREAM_BITS, reset_less=True)
        is_row = datapath.logits_valid & controller.logits
        m.d.sync += [
            logits.eq(controller.logits),
            not_logits.eq(~controller.logits),
            data.eq(
                Cat(
                    Mux(logits, row[:half], packer.data[:half]),
                    Mux(not_logits, packer.data[half:], row[half:]),
                )
            ),
            valid.eq(packer.valid | is_row),
            end.eq(Mux(logits & ~packer.valid, STREAM_BYTES - 1, packer.end)),
            last.eq(Mux(packer.valid, packer.last, datapath.logits_last & controller.last)),
        ]
        m.d.comb += [
            o_fifo.i_valid.eq(valid),
            o_fifo.i_data.eq(data),
            o_fifo.i_end.eq(end),
            o_fifo.i_last.eq(last),
        ]
