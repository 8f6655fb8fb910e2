"""The system top: what a block design places beside the processor.

    s_axi ─ AxiLite ─┬─ registers ─ commands ─┐
                     └─ read tree ─ values ───┤ Accelerator ─ m_axis
    s_axis ───────────────────────────────────┘     │
    interrupt ──────────────────────────────────────┘

All domains have one clock. ``sync``, reset by ``aresetn`` alone, holds the bus, so that a soft
reset does not break an access. The others, reset by ``aresetn`` or by a soft reset, hold all else:
a domain for each register that can be written, and ``core``. Their resets are a tree (`resets`).

Nothing here is in a hurry, so all is registered: a write is decoded to one hit a register in the
first cycle and takes effect in the second; values to be read are gated by their hits, three to a
LUT, and joined by a tree of ORs with a register at each level. No signal drives more than one
register's 32 bits that way, which a plain multiplexer's select would.
"""

from dataclasses import dataclass
from functools import reduce
from operator import or_

from amaranth.hdl import (
    C,
    Cat,
    ClockDomain,
    DomainRenamer,
    Module,
    Signal,
)
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.accelerator import Accelerator
from zynq_lstm.hw.axi_lite import WORD_SHIFT, AxiLite, axi_lite_members
from zynq_lstm.hw.primitives import counter, signals
from zynq_lstm.hw.resets import reset_domains
from zynq_lstm.quant.config import MOST_BANKS
from zynq_lstm.quant.protocol import ERROR_BITS, Error, Mode
from zynq_lstm.quant.registers import (
    COUNTERS,
    DATA_BITS,
    REGISTERS,
    RUN_ERRORS,
    WORD_BYTES,
    Access,
    AccessError,
    constants,
    register,
)

STREAM_PORTS = tuple(
    f"{stream}_{name}"
    for stream in ("s_axis", "m_axis")
    for name in ("tvalid", "tready", "tdata", "tkeep", "tlast")
)
"""Ports of the accelerator that are the system's."""

RESET_CYCLES = 32
"""Cycles of a soft reset: more than any delay line is long, for those have no reset, and what is
on its way in them must leave while nothing listens."""

SETTLE_CYCLES = 8
"""Cycles after it in which accesses wait, too."""

GATED, JOINED = 3, 6
"""Values that one LUT gates and joins at the tree's first level, and joins at the others."""

WRITE_LATENCY = 6
"""Cycles until a write has had its effect, also on STATUS."""

ATTRIBUTES = {
    "aclk": {
        "X_INTERFACE_INFO": "xilinx.com:signal:clock:1.0 aclk CLK",
        "X_INTERFACE_PARAMETER": ("ASSOCIATED_BUSIF s_axi:s_axis:m_axis, ASSOCIATED_RESET aresetn"),
    },
    "aresetn": {
        "X_INTERFACE_INFO": "xilinx.com:signal:reset:1.0 aresetn RST",
        "X_INTERFACE_PARAMETER": "POLARITY ACTIVE_LOW",
    },
    "interrupt": {
        "X_INTERFACE_INFO": "xilinx.com:signal:interrupt:1.0 interrupt INTERRUPT",
        "X_INTERFACE_PARAMETER": "SENSITIVITY LEVEL_HIGH",
    },
}
"""What Vivado cannot tell from the names of the ports."""


class System(wiring.Component):
    """The accelerator behind registers and streams.

    Parameters
    ----------
    config : Config
    options
        As for `Accelerator`.

    Members
    -------
    aclk, aresetn : In
        Clock and synchronous reset, active low.
    s_axi_*
        AXI4-Lite slave: `quant.registers`.
    s_axis_*, m_axis_*
        AXI4-Stream, 64 bits.
    interrupt : Out(1)
        High while a run has ended and this is neither acknowledged nor masked.
    """

    def __init__(self, config, **options):
        self._config = config
        self._accelerator = Accelerator(config, **options)
        streams = {name: self._accelerator.signature.members[name] for name in STREAM_PORTS}
        super().__init__(
            {
                "aclk": In(1),
                "aresetn": In(1),
                **axi_lite_members(),
                **streams,
                "interrupt": Out(1),
            }
        )
        for name, attributes in ATTRIBUTES.items():
            getattr(self, name).attrs.update(attributes)

    def elaborate(self, platform):
        m = Module()
        core, members = self._accelerator, self.signature.members
        m.domains.sync = bus_domain = ClockDomain("sync")
        bus_reset, core_reset = (
            Signal(init=1, reset_less=True, name=f"{name}_reset") for name in ("bus", "core")
        )
        m.d.sync += [bus_reset.eq(~self.aresetn), core_reset.eq(~core.aresetn)]
        m.d.comb += [
            core.aclk.eq(self.aclk),
            bus_domain.clk.eq(core.aclk),
            bus_domain.rst.eq(bus_reset),
        ]
        written = [r.attribute for r in REGISTERS if r.access == Access.RW]
        reset_domains(m, platform, ("core", *written), clock=core.aclk, reset=core_reset)
        # It makes its own domains, with resets as `core`'s.
        m.submodules.accelerator = DomainRenamer({"sync": "accelerator"})(core)
        m.submodules.bus = bus = AxiLite(
            write_latency=WRITE_LATENCY, read_latency=self._read_latency
        )
        for name in members:
            inner = bus if name.startswith("s_axi_") else core
            if name in STREAM_PORTS or inner is bus:
                ends = (getattr(inner, name), getattr(self, name))
                target, source = ends if members[name].flow == In else reversed(ends)
                m.d.comb += target.eq(source)
        write = self._decode(m, bus)
        self._soft_reset(m, write.pulse("CONTROL", "SOFT_RESET"), bus.hold)
        values = self._registers(m, write)
        m.d.comb += bus.r_data.eq(self._read(m, bus.r_addr, values))
        return m

    def _soft_reset(self, m, asked, hold):
        """Reset the core for some cycles, and let accesses wait for a few more.

        A reset by the pin does the same, so that its length does not matter: not all registers of
        the core have a reset, and it takes some cycles until they have forgotten.
        """
        last = RESET_CYCLES + SETTLE_CYCLES - 1
        count = Signal(range(last + 1), name="reset_count")
        under_way, resets = (
            Signal(init=1, name=f"soft_reset_{name}") for name in ("under_way", "resets")
        )
        ends = Signal(name="soft_reset_ends")
        m.d.sync += [
            ends.eq(under_way & (count == last - 1)),
            resets.eq(under_way & (count < RESET_CYCLES)),
        ]
        counter(m, count, step=under_way, clear=asked | ends)
        with m.If(asked):
            m.d.sync += under_way.eq(1)
        with m.Elif(ends):
            m.d.sync += under_way.eq(0)
        m.d.comb += [self._accelerator.aresetn.eq(~resets), hold.eq(under_way)]

    def _decode(self, m, bus):
        """A write, one cycle later."""
        bits = Signal(DATA_BITS, name="write_bits", reset_less=True)
        strobes = Signal(WORD_BYTES, name="write_strobes", reset_less=True)
        written = Signal()
        mask = Cat(strobe.replicate(8) for strobe in bus.w_strb)
        m.d.sync += [bits.eq(bus.w_data & mask), strobes.eq(bus.w_strb), written.eq(bus.w_en)]
        hits = {}
        for r in REGISTERS:
            if r.access != Access.RO:
                hits[r.name] = hit = Signal(name=f"writes_{r.attribute}")
                m.d.sync += hit.eq(bus.w_en & (bus.w_addr == r.offset >> WORD_SHIFT))
        return Write(hits, bits, strobes, written)

    def _registers(self, m, write):
        """The registers and what follows from them; the values that can be read, by name."""
        core = self._accelerator
        busy = Signal()
        values = {name: C(value, DATA_BITS) for name, value in constants(self._config).items()}
        for r in REGISTERS:
            if r.access == Access.RW:
                values[r.name] = value = Signal(r.width, init=r.reset, name=r.attribute)
                allowed = ~busy if r.while_idle else C(1)
                for k, low in enumerate(range(0, r.width, 8)):
                    part = slice(low, min(low + 8, r.width))
                    with m.If(write.hits[r.name] & write.strobes[k] & allowed):
                        m.d[r.attribute] += value[part].eq(write.bits[part])
        m.d.comb += [
            core.mode.eq(values["MODE"]),
            core.inputs.eq(values["INPUTS"]),
            core.outputs.eq(values["OUTPUTS"]),
            core.temperature.eq(values["TEMPERATURE"]),
            core.seed.eq(Cat(values["SEED_LOW"], values["SEED_HIGH"])),
        ]
        self._memory_check(m, write, values)

        known, obeyed, wrong_mode = signals("known obeyed wrong_mode")
        starts = write.pulse("CONTROL", "START")
        m.d.core += [
            known.eq(Cat(values["MODE"] == mode for mode in Mode).any()),
            core.start.eq(obeyed),
        ]
        m.d.comb += [
            obeyed.eq(starts & ~busy & known),
            wrong_mode.eq(starts & ~busy & ~known),
        ]
        ended = self._run(m, obeyed, busy)
        errors = Signal(ERROR_BITS)
        m.d.core += errors.eq(core.error)
        self._abort(m, write.pulse("CONTROL", "ABORT") & busy, errors, busy)

        # A start and an end never meet; what is cleared may come again in the same cycle.
        done, failed = signals("done failed")
        clears = write.pulse("IRQ_PENDING", "DONE") | obeyed
        m.d.core += [
            done.eq((done & ~clears) | ended | wrong_mode),
            self.interrupt.eq(done & values["IRQ_ENABLE"]),
        ]
        values["ERROR"] = error = self._errors(m, write, errors, obeyed, wrong_mode, busy)
        m.d.core += failed.eq(error.any())
        status = {"BUSY": busy, "LOADED": core.loaded, "DONE": done, "FAILED": failed}
        values["STATUS"] = Cat(status[field.name] for field in register("STATUS").fields)
        values["IRQ_PENDING"] = done
        for name, value in {"SYMBOLS": core.symbols, "IMAGE_CRC": core.crc}.items():
            values[name] = value & core.loaded.replicate(len(value))
        values |= {name.upper(): getattr(core, f"c_{name}") for name in COUNTERS}
        return values

    def _memory_check(self, m, write, values):
        """The check of the weight memories; adds its faults to the values."""
        core, check = self._accelerator, register("MEMORY_CHECK")
        faults = Signal(MOST_BANKS)
        clears = []
        for k, name in enumerate(("MEMORY_FAULTS_LOW", "MEMORY_FAULTS_HIGH")):
            values[name] = faults.word_select(k, DATA_BITS)
            clears.append(write.bits & write.hits[name].replicate(DATA_BITS))
        m.d.comb += [
            faults.eq(core.faults),
            core.clear_faults.eq(Cat(clears)),
            core.check_fails.eq(values[check.name][check.field("FAIL").low]),
            core.invert_check.eq(values[check.name][check.field("INVERT").low]),
        ]

    def _run(self, m, obeyed, busy):
        """``busy``, from the start to three cycles after the core's end; a pulse as it falls.

        The start needs three cycles to become the core's ``busy``, and its errors two to be in
        ERROR and one more to be in STATUS.
        """
        launching, trailing = signals("launching trailing", 3)
        goes_on = launching.any() | trailing.any()
        ended = Signal(name="run_ended")
        m.d.core += [
            launching.eq(Cat(obeyed, launching)),
            trailing.eq(Cat(self._accelerator.busy, trailing)),
            busy.eq(obeyed | goes_on),
        ]
        m.d.comb += ended.eq(busy & ~goes_on)
        return ended

    def _abort(self, m, asked, errors, busy):
        """An abort lasts until it is heard, for the core does not listen in all its states."""
        cancel = self._accelerator.cancel
        heard = errors[int(Error.ABORTED).bit_length() - 1]
        with m.If(asked):
            m.d.core += cancel.eq(1)
        with m.Elif(heard | ~busy):
            m.d.core += cancel.eq(0)

    def _errors(self, m, write, errors, obeyed, wrong_mode, busy):
        """ERROR: what a run or an access sets, until a start or a write clears it."""
        before = Signal(ERROR_BITS, name="errors_before", reset_less=True)
        refused = Signal()
        in_command = Cat(write.hits[r.name] for r in REGISTERS if r.while_idle).any()
        starts = write.pulse("CONTROL", "START")
        nowhere = Signal()
        m.d.core += [
            before.eq(errors),
            refused.eq(busy & (in_command | starts)),
            nowhere.eq(write.written & ~Cat(write.hits.values()).any()),
        ]
        sets = {1 << k: errors[k] & ~before[k] for k in range(ERROR_BITS)}
        sets |= {
            AccessError.MODE: wrong_mode,
            AccessError.BUSY: refused,
            AccessError.READ_ONLY: nowhere,
        }
        of_a_run = RUN_ERRORS | AccessError.MODE
        error = Signal(max(sets).bit_length())
        for flag, raised in sets.items():
            k = int(flag).bit_length() - 1
            clears = write.hits["ERROR"] & write.bits[k]
            if flag & of_a_run:
                clears |= obeyed
            m.d.core += error[k].eq((error[k] & ~clears) | raised)
        return error

    @property
    def _readable(self):
        return [r for r in REGISTERS if r.access != Access.WO]

    @property
    def _read_latency(self):
        """Cycles of the address's decoding and of the tree, see `_read`."""
        levels, width = 1, -(-len(self._readable) // GATED)
        while width > 1:
            levels, width = levels + 1, -(-width // JOINED)
        return 1 + levels

    def _read(self, m, address, values):
        """The value at a word's address, `_read_latency` cycles later; 0 where there is none."""
        gated = []
        for r in self._readable:
            hit = Signal(name=f"reads_{r.attribute}", reset_less=True)
            m.d.sync += hit.eq(address == r.offset >> WORD_SHIFT)
            value = values[r.name]
            gated.append(value & hit.replicate(len(value)))
        level, fan_in = 0, GATED
        while level == 0 or len(gated) > 1:
            groups = [gated[k : k + fan_in] for k in range(0, len(gated), fan_in)]
            gated = []
            for k, group in enumerate(groups):
                joined = Signal(DATA_BITS, name=f"read_{level}_{k}", reset_less=True)
                m.d.sync += joined.eq(reduce(or_, group))
                gated.append(joined)
            level, fan_in = level + 1, JOINED
        return gated[0]


@dataclass(frozen=True)
class Write:
    """A decoded write.

    Parameters
    ----------
    hits : dict of str to Signal
        For each register that can be written, whether it is.
    bits, strobes : Signal
        Data, 0 where not strobed; the strobes.
    written : Signal
        There is a write, be it to a register or not.
    """

    hits: dict
    bits: Signal
    strobes: Signal
    written: Signal

    def pulse(self, name, field):
        """A 1 is written to a bit."""
        return self.hits[name] & self.bits[register(name).field(field).low]
