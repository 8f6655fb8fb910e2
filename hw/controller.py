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
The last character ends with its logits; the symbol sampled last is not fed. When scoring, a
character waits for the symbol behind it, the last one too: it is what its logits are judged by. A
surprisal may come when the next character has begun, so what it belongs to is noted with the
sampler's symbol.

However a command ends, its packets do too: one that sends a packet ends it with TLAST, and the
input packet is swallowed to its TLAST before ``busy`` falls. A cancelled command waits for that
TLAST no longer than `QUIET_CYCLES` without a word, for the rest may never come. It leaves an
undefined state, and no model where one was being loaded.

    IDLE ─ PREPARE ─┬─ LOAD ────────────────────────────────── IDLE
                    ├─ STATE ──┐
                    ├─ RUN ────┼─ DRAIN ─ CLOSE ─┬──────────── IDLE
                    └─ refused ┘                 └─ SURPLUS ── IDLE

PREPARE waits for the reset of counters and for room in the output; DRAIN until nothing moves in the
pipelines any more; CLOSE ends the output packet; SURPLUS swallows the rest of the input packet. A
cancelled LOAD goes through DRAIN, too.
"""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from zynq_lstm.hw.primitives import (
    counter,
    delay,
    equal_by_halves,
    greater,
    incremented,
    register,
    signals,
)
from zynq_lstm.hw.sampler import SYMBOL_BITS, Sampler
from zynq_lstm.hw.streams import WORD
from zynq_lstm.hw.surprisal import Surprisal
from zynq_lstm.quant.protocol import ERROR_BITS, MODE_BITS, RUNS, Error, Mode
from zynq_lstm.quant.registers import COUNTERS
from zynq_lstm.quant.surprisal import SURPRISAL

COUNT_BITS = 32
QUIET_CYCLES = 4096
"""Cycles without a word after which the input of a cancelled command counts as ended: 29 us."""


class Controller(wiring.Component):
    """Runs and their errors.

    Members
    -------
    start, mode, inputs, outputs, cancel : In
        Command; held while busy.
    busy : Out(1), error : Out
        ``error`` is sticky until the next start.
    event_* : Out(1)
        What `quant.registers.COUNTERS` count.
    To and from the parts it steers; see `accelerator`.
    """

    def __init__(self, config, schedule):
        self._config, self._schedule = config, schedule
        super().__init__(
            {
                "start": In(1),
                "mode": In(MODE_BITS),
                "inputs": In(COUNT_BITS),
                "outputs": In(COUNT_BITS),
                "cancel": In(1),
                "busy": Out(1),
                "error": Out(ERROR_BITS),
                **{f"event_{n}": Out(1) for n in COUNTERS},
                # symbols in
                "i_valid": In(1),
                "i_data": In(WORD["data"]),
                "i_end": In(WORD["end"]),
                "i_last": In(1),
                "i_ready": Out(1),
                "i_taken": In(1),  # by the loader or the state port
                # loader
                "load": Out(1),
                "load_done": In(1),
                "load_wrong": In(1),
                "load_corrupt": In(1),
                "loaded": In(1),
                "symbols": In(SYMBOL_BITS + 1),
                # state port
                "state_start": Out(1),
                "state_write": Out(1),
                "state_zero": Out(1),
                "state_active": Out(1),
                "state_hurry": Out(1),
                "state_short": In(1),
                "state_done": In(1),
                # check of the weight memories
                "wrong_word": In(1),
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
                "target": Out(SYMBOL_BITS),
                "scored": In(1),
                "surprisal": In(SURPRISAL.bits),
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
        running, prepared = signals("running prepared")
        settle = Signal(8)  # a start runs through it, bit by bit
        # Symbols of the stream that layer 1 has had; number of the next sampled symbol.
        fed, nth_output = signals("fed nth_output", COUNT_BITS, reset_less=True)
        inputs_done, no_outputs, last_output = signals(
            "inputs_done no_outputs last_output", reset_less=True
        )
        generate, score, is_run, takes_packet, sends_packet = signals(
            "is_generate is_score is_run takes_packet sends_packet", reset_less=True
        )
        m.d.sync += [
            inputs_done.eq(equal_by_halves(m, fed, self.inputs, "fed")),
            last_output.eq(equal_by_halves(m, nth_output, self.outputs, "nth_output")),
            no_outputs.eq(equal_by_halves(m, self.outputs, C(0, COUNT_BITS), "outputs")),
            generate.eq(self.mode == Mode.GENERATE),
            score.eq(self.mode == Mode.SCORE),
            is_run.eq(Cat(self.mode == mode for mode in RUNS).any()),
            self.state_write.eq(self.mode == Mode.WRITE_STATE),
            self.state_zero.eq(self.mode == Mode.RESET_STATE),
            takes_packet.eq(is_run | (self.mode == Mode.LOAD) | (self.mode == Mode.WRITE_STATE)),
            sends_packet.eq(is_run | (self.mode == Mode.READ_STATE)),
        ]
        surplus, restarted = signals("surplus restarted")
        in_symbol, in_valid, packet_ended = self._fetch(m, running, restarted, surplus)
        with m.If(restarted & ~takes_packet):
            m.d.sync += packet_ended.eq(1)

        # One character: its flags, set when it starts.
        from_stream, last, scoring, in_characters = signals(
            "from_stream is_last scoring in_characters"
        )
        with m.If(self.character_start):
            m.d.sync += [
                from_stream.eq(~inputs_done),
                self.sampling.eq(generate & inputs_done & ~self.prologue),
                last.eq(self.last),
                self.logits.eq(~generate & ~score & ~self.prologue),
                scoring.eq(score & ~self.prologue),
                in_characters.eq(~self.prologue),
                self.prologue.eq(0),
            ]
        fed_all = inputs_done & ~score  # when scoring, one symbol more must come
        m.d.sync += self.go.eq(running & ~last & self.room & (fed_all | in_valid))
        m.d.sync += self.last.eq(inputs_done & ~self.prologue & (~generate | last_output))
        # Its symbol: feed it (or the stream's) and send it.
        known = delay(m, self.done, self._schedule.launch_delay, "known")
        sends = Signal()
        m.d.comb += [
            self.launch.eq(known & ~last & running),
            self.symbol.eq(Mux(from_stream, in_symbol, self.sampled)),
            sends.eq(known & self.sampling),
        ]
        feeds = Signal()
        m.d.comb += feeds.eq(self.launch & from_stream)
        with m.If(feeds | (known & last & score)):
            m.d.sync += in_valid.eq(0)
        counter(m, fed, step=feeds, clear=restarted)
        with m.If(settle[4]):  # not 3, which is `load_seed`: its net has loads enough
            m.d.sync += nth_output.eq(1)
        with m.Elif(sends):
            m.d.sync += nth_output.eq(nth_output + 1)
        # A surprisal: its two bytes, and whether it is to be sent and is the last.
        wanted, ends = signals("wanted ends")
        with m.If(self.done):
            m.d.sync += [wanted.eq(scoring), ends.eq(last)]
        lower = self.scored & wanted
        upper = delay(m, lower, 1, "upper")
        owed, closing = signals("owed closing")  # the output packet has not ended; end it now
        octet = Mux(upper, self.surprisal[8:], self.surprisal[:8])
        m.d.comb += [
            self.target.eq(in_symbol),
            self.o_valid.eq(sends | lower | upper | closing),
            self.o_byte.eq(Mux(score, octet, self.sampled)),
            self.o_last.eq(Mux(score, upper & ends, last) | closing),
        ]

        # So long the last symbol or surprisal is on its way, up to a power of two.
        rows = self._config.output_rows(self._config.symbols)
        symbol_latency = Sampler.latency + self._schedule.launch_delay
        longest = (symbol_latency, max(symbol_latency, Surprisal.latency(rows)))
        drain_bits = [ceil_log2(self._schedule.value_latency + n + 16) for n in longest]
        drain = Signal(drain_bits[1] + 1, reset_less=True)
        drained = Mux(score, drain[drain_bits[1]], drain[drain_bits[0]])
        draining, wind = signals("draining wind")
        counter(m, drain, step=1, clear=~draining)

        # A command: errors are raised for a cycle, and stay in `error` until the next start.
        raises = {error: Signal(name=f"raises_{error.name}") for error in Error}
        raised = Signal(ERROR_BITS, reset_less=True)
        working = Signal()
        short, long, state_short = signals("short_packet long_packet short_state")
        m.d.comb += raises[Error.PACKET].eq(short | long | state_short)
        starts, settled, cancelled = signals("starts settled cancelled")
        m.d.sync += starts.eq(self.start & ~self.busy)
        m.d.sync += settled.eq((settled | settle[7]) & ~starts)
        cancels = self.cancel & (starts | working)
        m.d.sync += cancelled.eq((cancelled & ~starts) | cancels)
        m.d.comb += [
            raises[Error.ABORTED].eq(cancels),
            raises[Error.MEMORY].eq(self.wrong_word),
        ]
        quiet = Signal(ceil_log2(QUIET_CYCLES) + 1, reset_less=True)
        counter(m, quiet, step=cancelled, clear=~surplus | self.i_valid)
        failed = register(m, self.error.any(), "failed")
        not_loaded, bad_length, good_run = signals(
            "not_loaded bad_length good_run", reset_less=True
        )
        starved, clean = signals("starved clean")
        m.d.sync += [
            settle.eq(Cat(starts, settle)),
            restarted.eq(settle[0]),
            self.restart.eq(restarted),
            self.load_seed.eq(settle[2]),
            # No word leaves without room for it: words of earlier packets may still be waiting.
            prepared.eq(settled & ~starts & (self.room | ~sends_packet | cancelled)),
            wind.eq(0),
            raised.eq(Cat(*(raises[e] for e in Error))),
            self.error.eq((self.error | raised) & ~starts.replicate(ERROR_BITS)),
            not_loaded.eq(is_run & ~self.loaded),
            bad_length.eq(is_run & (inputs_done | (generate & no_outputs))),
            good_run.eq(is_run & self.loaded),
            starved.eq(running & packet_ended & ~in_valid & ~fed_all & self.waiting),
            clean.eq(packet_ended & ~in_valid),
            self.state_hurry.eq(packet_ended | cancelled),
            closing.eq(0),
            self.state_start.eq(0),
        ]
        with m.If(restarted):
            m.d.sync += [
                last.eq(0),
                self.logits.eq(0),
                self.sampling.eq(0),
                scoring.eq(0),
                wanted.eq(0),
                in_characters.eq(0),
                self.prologue.eq(1),
                owed.eq(sends_packet),
            ]
        with m.If(self.o_sent_last):
            m.d.sync += owed.eq(0)
        # Busy for one cycle more than anything works, so that errors are there when it ends.
        m.d.comb += self.busy.eq(starts | working | register(m, working, "worked"))
        with m.If(wind):
            m.d.sync += [running.eq(0), self.stop.eq(1), draining.eq(1)]

        def wind_down(error=None):
            """Stop the sequencer and wait until nothing moves any more."""
            m.d.sync += wind.eq(1)
            if error:
                m.d.comb += raises[error].eq(1)
            m.next = "DRAIN"

        with m.FSM(name="run"):
            with m.State("IDLE"):
                with m.If(starts):
                    m.d.sync += working.eq(1)
                    m.next = "PREPARE"
            with m.State("PREPARE"):
                with m.If(prepared):
                    with m.If(cancelled):
                        wind_down()
                    with m.Elif(not_loaded):
                        wind_down(Error.NOT_LOADED)
                    with m.Elif(bad_length):
                        wind_down(Error.LENGTH)
                    with m.Elif(good_run):
                        m.d.sync += running.eq(1)
                        m.next = "RUN"
                    with m.Elif(self.mode == Mode.LOAD):
                        m.d.sync += self.load.eq(1)
                        m.next = "LOAD"
                    with m.Else():
                        m.d.sync += [self.state_start.eq(1), self.state_active.eq(1)]
                        m.next = "STATE"
            with m.State("LOAD"):
                with m.If(self.load_done):
                    m.d.comb += [
                        raises[Error.IMAGE].eq(self.load_wrong),
                        raises[Error.CRC].eq(self.load_corrupt),
                    ]
                    m.d.sync += [self.load.eq(0), working.eq(0)]
                    m.next = "IDLE"
                with m.Elif(cancelled):
                    m.d.sync += self.load.eq(0)
                    wind_down()
            with m.State("STATE"):
                m.d.comb += state_short.eq(self.state_short & ~cancelled)
                with m.If(self.state_done):
                    wind_down()
            with m.State("RUN"):
                with m.If(cancelled):
                    wind_down()
                with m.Elif(self.ended):
                    wind_down()
                with m.Elif(starved):
                    m.d.comb += short.eq(1)
                    wind_down()
            with m.State("DRAIN"):
                with m.If(drained):
                    m.d.sync += draining.eq(0)
                    m.next = "CLOSE"
            with m.State("CLOSE"):
                m.d.sync += [closing.eq(owed), owed.eq(0), self.stop.eq(0)]
                m.d.sync += self.state_active.eq(0)
                with m.If(clean):
                    m.d.sync += working.eq(0)
                    m.next = "IDLE"
                with m.Else():
                    m.d.comb += long.eq(~failed & ~cancelled)
                    m.d.sync += surplus.eq(1)
                    m.next = "SURPLUS"
            with m.State("SURPLUS"):
                with m.If(packet_ended | quiet[-1]):
                    m.d.sync += [surplus.eq(0), working.eq(0)]
                    m.next = "IDLE"
        # A symbol of the stream is looked at while it waits for its use.
        seen = register(m, in_valid & running, "symbol_seen")
        exists = register(m, greater(self.symbols, Cat(in_symbol, C(0, 1))), "symbol_exists")
        m.d.comb += raises[Error.SYMBOL].eq(seen & ~exists)

        counting = running & in_characters
        m.d.comb += [
            self.event_cycles.eq(counting),
            self.event_steps.eq(counting & self.step_valid),
            self.event_characters.eq(self.character_start & ~self.prologue),
            self.event_stalls.eq(counting & self.waiting & ~last),
            self.event_startup.eq(self.busy & is_run & ~counting),
            self.event_saturations.eq(self.saturated),
        ]
        return m

    def _fetch(self, m, running, restarted, surplus):
        """The next symbol of the stream, ahead of its use."""
        symbol = Signal(SYMBOL_BITS, name="in_symbol", reset_less=True)
        valid, ended, pop = signals("in_valid in_ended pop")
        place = Signal(3, reset_less=True)
        take = running & self.i_valid & ~valid & ~ended & ~pop
        m.d.sync += pop.eq(0)
        with m.If(take):
            m.d.sync += [
                symbol.eq(self.i_data.word_select(place, 8)),
                valid.eq(1),
                place.eq(incremented(place)),
            ]
            with m.If(place == self.i_end):
                m.d.sync += [pop.eq(1), place.eq(0)]
        with m.If(restarted):
            m.d.sync += [place.eq(0), valid.eq(0), ended.eq(0)]
        with m.Elif(self.i_valid & self.i_last & (self.i_ready | self.i_taken)):
            m.d.sync += ended.eq(1)
        m.d.comb += self.i_ready.eq(pop | (surplus & ~ended))
        return symbol, valid, ended
