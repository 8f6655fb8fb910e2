"""AXI4-Lite: whoever pauses and whatever comes first, each access happens and is answered once."""

import random

import pytest
from component_simulation import examined, set_ports, simulate

from zynq_lstm.hw.axi_lite import WORD_SHIFT, AxiLite
from zynq_lstm.quant.registers import ADDRESS_BITS, DATA_BITS, WORD_BYTES

ACCESSES = 120
IDLE_AFTER = 200
LIMIT = 20_000
CHANNELS = {"aw": ("addr", "prot"), "w": ("data", "strb"), "ar": ("addr", "prot")}
ANSWERS = {"b": ("resp",), "r": ("data", "resp")}
BITS = {"addr": ADDRESS_BITS, "prot": 3, "data": DATA_BITS, "strb": WORD_BYTES}


def contents(address: int) -> int:
    """What the bench's registers read."""
    return (address * 0x9E3779B1 + 0x12345) % 2**DATA_BITS


class Master:
    """A bus master that pauses at random; checks the slave's side of the protocol."""

    def __init__(self, dut, seed, pace, demand, hold=0.0):
        self.dut, self.hold = dut, hold
        self.chance = random.Random(seed)
        self.pace, self.demand = pace, demand
        self.sent = {channel: [] for channel in CHANNELS}
        self.came = {channel: [] for channel in ANSWERS}
        self.offered = dict.fromkeys(CHANNELS, False)
        self.shown = dict.fromkeys(ANSWERS)
        self.to_send = {
            channel: [{n: self.chance.getrandbits(BITS[n]) for n in names} for _ in range(ACCESSES)]
            for channel, names in CHANNELS.items()
        }
        self.written, self.read, self.addresses = [], 0, []

    def get(self, name):
        return self.ctx.get(getattr(self.dut, name))

    async def run(self, ctx):
        self.ctx = ctx
        idle = 0
        for _ in range(LIMIT):
            self._offer()
            self._look()
            quiet = all(len(a) == ACCESSES for a in self.came.values())
            idle = idle + 1 if quiet else 0
            if idle == IDLE_AFTER:
                return
            await ctx.tick()
        raise AssertionError(f"stuck after {[len(a) for a in self.came.values()]} answers")

    def _offer(self):
        for channel, names in CHANNELS.items():
            if not self.offered[channel] and self.to_send[channel]:
                self.offered[channel] = self.chance.random() < self.pace[channel]
            offered = self.offered[channel]
            values = self.to_send[channel][0] if offered else {}
            # What is not valid may be anything.
            payload = {n: values.get(n, self.chance.getrandbits(BITS[n])) for n in names}
            ports = {f"s_axi_{channel}{n}": v for n, v in payload.items()}
            set_ports(self.ctx, self.dut, **{f"s_axi_{channel}valid": offered}, **ports)
        for channel in ANSWERS:
            ready = self.chance.random() < self.demand
            set_ports(self.ctx, self.dut, **{f"s_axi_{channel}ready": ready})
        self.ctx.set(self.dut.hold, self.chance.random() < self.hold)
        # Data come from the address that stood `read_latency` - 1 cycles before.
        self.addresses.append(self.get("r_addr"))
        known = self.addresses[-self.dut.read_latency :][0]
        self.ctx.set(self.dut.r_data, contents(known))

    def _look(self):
        for channel in CHANNELS:
            if self.offered[channel] and self.get(f"s_axi_{channel}ready"):
                self.sent[channel].append(self.to_send[channel].pop(0))
                self.offered[channel] = False
        if self.get("w_en"):
            assert len(self.written) < min(len(self.sent["aw"]), len(self.sent["w"]))
            self.written.append({n: self.get(f"w_{n}") for n in ("addr", "data", "strb")})
        self.read += self.get("r_en")
        for channel, names in ANSWERS.items():
            valid, shown = self.get(f"s_axi_{channel}valid"), self.shown[channel]
            answer = {n: self.get(f"s_axi_{channel}{n}") for n in names} if valid else None
            assert shown is None or answer == shown, f"{channel} changed while it waited"
            taken = valid and self.get(f"s_axi_{channel}ready")
            self.shown[channel] = None if taken else answer
            if taken:
                self.came[channel].append(answer)
                asked = ("aw", "w") if channel == "b" else ("ar",)
                assert all(len(self.sent[c]) >= len(self.came[channel]) for c in asked)


@pytest.mark.parametrize("latencies", [(1, 1), (2, 1), (6, 4)])
@pytest.mark.parametrize(
    ("pace", "demand", "hold"),
    [
        ({"aw": 1, "w": 1, "ar": 1}, 1, 0),
        ({"aw": 1, "w": 0.1, "ar": 0.3}, 0.5, 0),
        ({"aw": 0.1, "w": 1, "ar": 1}, 0.1, 0.5),
        ({"aw": 0.3, "w": 0.3, "ar": 0.2}, 1, 0.9),
    ],
)
def test_each_access_is_answered_once(latencies, pace, demand, hold):
    write_latency, read_latency = latencies
    dut = AxiLite(write_latency=write_latency, read_latency=read_latency)
    master = Master(dut, f"{latencies} {pace} {demand}", pace, demand, hold)
    simulate(dut, master.run)
    sent = master.sent
    assert master.written == [
        {"addr": aw["addr"] >> WORD_SHIFT, "data": w["data"], "strb": w["strb"]}
        for aw, w in zip(sent["aw"], sent["w"], strict=True)
    ]
    assert master.read == ACCESSES
    assert master.came["b"] == [{"resp": 0}] * ACCESSES
    assert master.came["r"] == [
        {"data": contents(ar["addr"] >> WORD_SHIFT), "resp": 0} for ar in sent["ar"]
    ]


@pytest.mark.parametrize("latency", [1, 2, 6])
def test_latencies_are_what_they_say(latency):
    dut = AxiLite(write_latency=latency, read_latency=latency)
    at = {}

    async def bench(ctx):
        names = ("w_en", "s_axi_bvalid", "r_en", "s_axi_rvalid")
        set_ports(ctx, dut, s_axi_awvalid=1, s_axi_wvalid=1, s_axi_arvalid=1, r_data=0)
        for cycle in range(40):
            for name in names:
                if name not in at and ctx.get(getattr(dut, name)):
                    at[name] = cycle
            # The data are there in one cycle only.
            ctx.set(dut.r_data, 77 if cycle == at.get("r_en", 99) + latency else 0)
            await ctx.tick()
        assert ctx.get(dut.s_axi_rdata) == 77

    simulate(dut, bench)
    assert at["s_axi_bvalid"] - at["w_en"] == latency
    assert at["s_axi_rvalid"] - at["r_en"] == latency + 1


def test_nothing_passes_while_held():
    dut = AxiLite(write_latency=2, read_latency=2)

    async def bench(ctx):
        set_ports(ctx, dut, s_axi_awvalid=1, s_axi_wvalid=1, s_axi_arvalid=1, hold=1)
        for _ in range(50):
            await ctx.tick()
            assert not ctx.get(dut.w_en) and not ctx.get(dut.r_en)
        ctx.set(dut.hold, 0)
        await ctx.tick()
        assert ctx.get(dut.w_en) and ctx.get(dut.r_en)

    simulate(dut, bench)


@pytest.mark.parametrize("name", ["write", "read"])
@pytest.mark.parametrize("latency", [0, -1])
def test_refuses_a_latency(name, latency):
    latencies = {"write_latency": 1, "read_latency": 1} | {f"{name}_latency": latency}
    message = f"{name.capitalize()} latency must be at least 1 cycle, not {latency}"
    refused = examined(AxiLite.__new__(AxiLite))
    with pytest.raises(ValueError, match=message):
        refused.__init__(**latencies)
