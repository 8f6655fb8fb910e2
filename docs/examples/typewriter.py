"""The accelerator as a part of another design: a typewriter that goes on by itself.

    image ─┐            ┌─ word to bytes ─ text
           ├─ s_axis ─ Accelerator ─ m_axis
    key ───┘                ▲
              command ports ┘

There is no processor and no register. After power-on the model comes in over ``image``; then each
symbol at ``key`` makes the accelerator read it and write ``length`` symbols of its own to ``text``.
"""

from amaranth.hdl import ClockSignal, DomainRenamer, Module, ResetSignal, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.accelerator import Accelerator
from zynq_lstm.quant.protocol import Mode
from zynq_lstm.quant.sampling import encode_temperature, seed_state

IMAGE_WORD = data.StructLayout({"word": 64, "last": 1})


class Typewriter(wiring.Component):
    """Writes ``length`` symbols after each key.

    Parameters
    ----------
    config : zynq_lstm.quant.config.Config
    length : int
    temperature : float
    seed : int

    Members
    -------
    image : In
        An image's payload, once.
    key : In
        Symbols.
    text : Out
        Symbols.
    loaded : Out(1)
        The model is there.
    """

    def __init__(self, config, *, length, temperature=1.0, seed=0):
        self._config, self._length = config, length
        self._temperature, self._seed = encode_temperature(temperature), seed_state(seed)
        super().__init__(
            {
                "image": In(stream.Signature(IMAGE_WORD)),
                "key": In(stream.Signature(8)),
                "text": Out(stream.Signature(8)),
                "loaded": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        core = Accelerator(self._config)
        # The accelerator makes its own clock domain from its ports aclk and aresetn; under another
        # name it does not meet the one of this design.
        m.submodules.lstm = DomainRenamer({"sync": "lstm"})(core)
        m.d.comb += [
            core.aclk.eq(ClockSignal()),
            core.aresetn.eq(~ResetSignal()),
            core.inputs.eq(1),
            core.outputs.eq(self._length),
            core.temperature.eq(self._temperature),
            core.seed.eq(self._seed),
            self.loaded.eq(core.loaded),
        ]

        mode = Signal(3, init=Mode.LOAD)
        m.d.comb += core.mode.eq(mode)
        with m.FSM():
            with m.State("START"):
                m.d.comb += core.start.eq(1)
                with m.If(core.busy & (mode == Mode.LOAD)):
                    m.next = "LOAD"
                with m.Elif(core.busy):
                    m.next = "FEED"
            with m.State("LOAD"):
                m.d.comb += [
                    core.s_axis_tvalid.eq(self.image.valid),
                    core.s_axis_tdata.eq(self.image.payload.word),
                    core.s_axis_tkeep.eq(0xFF),
                    core.s_axis_tlast.eq(self.image.payload.last),
                    self.image.ready.eq(core.s_axis_tready),
                ]
                with m.If(~core.busy):
                    m.d.sync += mode.eq(Mode.GENERATE)
                    m.next = "WAIT"
            with m.State("WAIT"), m.If(self.key.valid):
                m.next = "START"
            with m.State("FEED"):
                m.d.comb += [
                    core.s_axis_tvalid.eq(self.key.valid),
                    core.s_axis_tdata.eq(self.key.payload),
                    core.s_axis_tkeep.eq(1),
                    core.s_axis_tlast.eq(1),
                    self.key.ready.eq(core.s_axis_tready),
                ]
                with m.If(self.key.valid & self.key.ready):
                    m.next = "WRITE"
            with m.State("WRITE"), m.If(~core.busy):
                m.next = "WAIT"

        # A word of up to eight symbols, one after the other.
        word, keep = Signal(64), Signal(8)
        m.d.comb += [
            self.text.valid.eq(keep[0]),
            self.text.payload.eq(word[:8]),
            core.m_axis_tready.eq(~keep[0]),
        ]
        with m.If(core.m_axis_tvalid & core.m_axis_tready):
            m.d.sync += [word.eq(core.m_axis_tdata), keep.eq(core.m_axis_tkeep)]
        with m.Elif(self.text.valid & self.text.ready):
            m.d.sync += [word.eq(word >> 8), keep.eq(keep >> 1)]
        return m
