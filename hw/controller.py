"""The controller: what a start does, symbol by symbol.

A run feeds ``inputs`` symbols from the stream (teacher-forced) and, when generating, goes on with
symbols of its own until ``outputs`` have been sampled:

    feed symbol 0                                   # prologue: layer 1 only
    for t in characters:
        layer 2, logits → sampler
        next = stream symbol while there is one, else the sampled one
        feed next                                   # layer 1, beside layer 2's remaining steps

The prologue is a character without A: it computes the sums that a predecessor would have left, from
whatever state there is, so that a run may follow a reset, a written state or another run alike.
The last character ends with its logits; the symbol sampled last is not fed.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.primitives import delay, greater, register
from zynq_lstm.hw.sampler import SYMBOL_BITS, Sampler
from zynq_lstm.quant.protocol import ERROR_BITS, Error, Mode

COUNT_BITS = 32
COUNTERS = ("cycles", "steps", "characters", "stalls", "startup", "saturations")
"""Counters, running on from reset: cycles and steps within characters, characters, cycles without
leave to start one, cycles from a start to its first character, clipped cell states."""


class Controller(wiring.Component):
    """Runs and their errors.

    Members
    -------
    start, mode, inputs, outputs, cancel : In
        Command; held while busy.
    busy : Out(1), error : Out
        ``error`` is sticky until the next start.
    c_* : Out(32)
        `COUNTERS`.
    To and from the parts it steers; see `accelerator`.
    """

    def __init__(self, config, schedule):
        self._config, self._schedule = config, schedule
        super().__init__(
            {
                "start": In(1),
                "mode": In(3),
                "inputs": In(COUNT_BITS),
                "outputs": In(COUNT_BITS),
                "cancel": In(1),
                "busy": Out(1),
                "error": Out(ERROR_BITS),
                **{f"c_{n}": Out(COUNT_BITS) for n in COUNTERS},
                # symbols in
                "i_valid": In(1),
                "i_data": In(64),
                "i_end": In(3),
                "i_last": In(1),
                "i_ready": Out(1),
                # loader
                "load": Out(1),
                "load_done": In(1),
                "load_wrong": In(1),
                "loaded": In(1),
                "symbols": In(9),
                # state port
                "state_start": Out(1),
                "state_write": Out(1),
                "state_zero": Out(1),
                "state_active": Out(1),
                "state_done": In(1),
                # sequencer
                "go": Out(1),
                "prologue": Out(1),
                "last": Out(1),
                "stop": Out(1),
                "character_start": In(1),
                "waiting": In(1),
                "ended": In(1),
                "step_valid": In(1),
                # datapath
                "restart": Out(1),
                "load_seed": Out(1),
                "sampling": Out(1),
                "done": In(1),
                "sampled": In(SYMBOL_BITS),
                "launch": Out(1),
                "symbol": Out(SYMBOL_BITS),
                "saturated": In(1),
                # words out
                "logits": Out(1),
                "room": In(1),
                "o_valid": Out(1),
                "o_byte": Out(8),
                "o_last": Out(1),
                "o_sent_last": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        running, feeding = Signal(), Signal()
        inputs_left, outputs_left = Signal(COUNT_BITS), Signal(COUNT_BITS)
        inputs_done, last_output = Signal(), Signal()
        generate = Signal()
        m.d.sync += [
            inputs_done.eq(inputs_left == 0),
            last_output.eq(outputs_left == 1),
            generate.eq(self.mode == Mode.GENERATE),
        ]
        in_symbol, in_valid, packet_ended = self._fetch(m, feeding)

        # One character: its flags, set when it starts.
        from_stream, sampling, last, emits = Signal(), Signal(), Signal(), Signal()
        in_characters = Signal()
        with m.If(self.character_start):
            m.d.sync += [
                from_stream.eq(~inputs_done),
                sampling.eq(generate & inputs_done & ~self.prologue),
                last.eq(inputs_done & ~self.prologue & (~generate | last_output)),
                emits.eq(~generate & ~self.prologue),
                in_characters.eq(~self.prologue),
                self.prologue.eq(0),
            ]
        leave = Signal()  # nothing stands against the next character
        m.d.sync += leave.eq(self.room & (inputs_done | in_valid))
        m.d.comb += [
            self.go.eq(leave & running),
            self.last.eq(last),
            self.sampling.eq(sampling),
            self.logits.eq(emits),
        ]
        # Its symbol: feed it (or the stream's) and send it.
        known = delay(m, self.done, self._schedule.launch_delay, "known")
        m.d.comb += [
            self.launch.eq(known & ~last & running),
            self.symbol.eq(Mux(from_stream, in_symbol, self.sampled)),
        ]
        with m.If(self.launch & from_stream):
            m.d.sync += [in_valid.eq(0), inputs_left.eq(inputs_left - 1)]
        sends = Signal()
        m.d.comb += sends.eq(known & sampling)
        with m.If(sends):
            m.d.sync += outputs_left.eq(outputs_left - 1)
        owed = Signal()  # the output packet has not ended yet
        with m.If(self.o_sent_last):
            m.d.sync += owed.eq(0)
        closing = Signal()
        m.d.comb += [
            self.o_valid.eq(sends | closing),
            self.o_byte.eq(self.sampled),
            self.o_last.eq(last | closing),
        ]

        drain_cycles = self._schedule.value_latency + Sampler.latency + 32
        drain = Signal(range(drain_cycles + 1))
        settle = Signal(3)
        with m.If(self.cancel):
            m.d.sync += self.error.eq(self.error | Error.ABORTED)
        with m.FSM(name="run") as fsm:
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [self.error.eq(0), settle.eq(7)]
                    m.next = "CHECK"
            with m.State("CHECK"):
                is_run = (self.mode == Mode.GENERATE) | (self.mode == Mode.LOGITS)
                m.d.sync += settle.eq(settle - 1)
                m.d.sync += [
                    inputs_left.eq(self.inputs),
                    outputs_left.eq(self.outputs),
                    packet_ended.eq(0),
                    in_valid.eq(0),
                    last.eq(0),
                    emits.eq(0),
                ]
                m.d.comb += self.restart.eq(settle == 6)
                with m.If(settle == 0):
                    with m.If(self.mode == Mode.LOAD):
                        m.next = "LOAD"
                    with m.Elif(~is_run):
                        m.d.comb += self.state_start.eq(1)
                        m.d.sync += owed.eq(self.mode == Mode.READ_STATE)
                        m.next = "STATE"
                    with m.Else():
                        m.d.sync += owed.eq(1)
                        m.d.comb += self.load_seed.eq(1)
                        m.next = "PREPARE"
            with m.State("PREPARE"):
                m.d.sync += [self.prologue.eq(1), in_characters.eq(0)]
                m.d.sync += drain.eq(drain_cycles)
                m.next = "RUN"
                with m.If(~self.loaded):
                    m.d.sync += self.error.eq(self.error | Error.NOT_LOADED)
                    m.next = "CLOSE"
                with m.Elif(inputs_done | (generate & (outputs_left == 0))):
                    m.d.sync += self.error.eq(self.error | Error.LENGTH)
                    m.next = "CLOSE"
            with m.State("LOAD"):
                with m.If(self.load_done):
                    with m.If(self.load_wrong):
                        m.d.sync += self.error.eq(self.error | Error.IMAGE)
                    m.next = "IDLE"
            with m.State("STATE"):
                with m.If(self.state_done):
                    m.next = "DRAIN"
                    m.d.sync += [drain.eq(16), packet_ended.eq(1)]
            with m.State("RUN"):
                starved = packet_ended & ~in_valid & ~inputs_done & self.waiting
                with m.If(self.ended):
                    m.next = "DRAIN"
                with m.If(starved):
                    m.d.sync += self.error.eq(self.error | Error.PACKET)
                    m.next = "DRAIN"
                with m.If(self.cancel):
                    m.d.comb += self.stop.eq(1)
                    m.next = "DRAIN"
            with m.State("DRAIN"):
                m.d.sync += drain.eq(drain - 1)
                with m.If(drain == 0):
                    m.next = "CLOSE"
            with m.State("CLOSE"):
                with m.If(owed):
                    m.d.comb += closing.eq(1)
                    m.d.sync += owed.eq(0)
                with m.If(packet_ended & ~in_valid):
                    m.next = "IDLE"
                with m.Else():
                    with m.If(self.error == 0):
                        m.d.sync += self.error.eq(Error.PACKET)
                    m.next = "SURPLUS"
            with m.State("SURPLUS"):
                m.d.comb += self.i_ready.eq(~packet_ended)
                with m.If(packet_ended | self.cancel | (self.i_valid & self.i_last)):
                    m.next = "IDLE"
            m.d.comb += [
                self.busy.eq(~fsm.ongoing("IDLE")),
                running.eq(fsm.ongoing("RUN")),
                feeding.eq(fsm.ongoing("RUN")),
                self.load.eq(fsm.ongoing("LOAD")),
                self.state_active.eq(fsm.ongoing("STATE") | fsm.ongoing("CHECK")),
                self.state_write.eq(self.mode == Mode.WRITE_STATE),
                self.state_zero.eq(self.mode == Mode.RESET_STATE),
            ]
        known_symbol = register(m, greater(self.symbols, Cat(in_symbol, C(0, 1))), "known_symbol")
        with m.If(register(m, in_valid & running, "symbol_seen") & ~known_symbol):
            m.d.sync += self.error.eq(self.error | Error.SYMBOL)

        counting = running & in_characters
        for name, event in {
            "cycles": counting,
            "steps": counting & self.step_valid,
            "characters": self.character_start & ~self.prologue,
            "stalls": counting & self.waiting,
            "startup": running & ~in_characters,
            "saturations": self.saturated,
        }.items():
            counter = getattr(self, f"c_{name}")
            happened = Signal(name=f"happened_{name}")
            m.d.sync += happened.eq(event)
            with m.If(happened):
                m.d.sync += counter.eq(counter + 1)
        return m

    def _fetch(self, m, feeding):
        """The next symbol of the stream, ahead of its use."""
        symbol, valid, ended = Signal(SYMBOL_BITS), Signal(), Signal()
        place = Signal(3)
        take = feeding & self.i_valid & ~valid & ~ended
        with m.If(~feeding):
            m.d.sync += place.eq(0)
        with m.If(take):
            m.d.sync += [
                symbol.eq(self.i_data.word_select(place, 8)),
                valid.eq(1),
                place.eq(place + 1),
            ]
            with m.If(place == self.i_end):
                m.d.comb += self.i_ready.eq(1)
                m.d.sync += [place.eq(0), ended.eq(self.i_last)]
        return symbol, valid, ended
