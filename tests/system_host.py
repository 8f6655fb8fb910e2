"""What drives a system top in Amaranth's simulator: a processor, and a DMA engine beside it."""

import numpy as np
from amaranth.sim import Simulator
from component_simulation import set_ports

from zynq_lstm.hw.system import System
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.protocol import Mode
from zynq_lstm.quant.registers import REGISTERS, register

CONFIG = Config(hidden=16, layers=1, symbols=8, multipliers=64)
SYMBOLS = 5
LIMIT = 4000
EVERY_BYTE = 0xF
ALL_ONES = 0xFFFF_FFFF


class Host:
    """A processor and a DMA engine: register accesses in turn, streams beside them."""

    def __init__(self, **options):
        self.dut = System(CONFIG, **options)
        self.words_in, self.words_out = [], []
        self.interrupts = 0

    def run(self, scenario):
        """Play a coroutine after a reset."""

        async def clock(ctx):
            while True:
                await ctx.delay(0.5e-6)
                ctx.set(self.dut.aclk, 1)
                await ctx.delay(0.5e-6)
                ctx.set(self.dut.aclk, 0)

        async def bench(ctx):
            self.ctx = ctx
            set_ports(ctx, self.dut, aresetn=0)
            await self.tick(4)
            set_ports(ctx, self.dut, aresetn=1)
            await self.tick(4)
            await scenario()

        simulator = Simulator(self.dut)
        simulator.add_testbench(clock, background=True)
        simulator.add_testbench(bench)
        simulator.run()

    def get(self, name):
        return self.ctx.get(getattr(self.dut, name))

    def set(self, **values):
        set_ports(self.ctx, self.dut, **{f"s_axi_{n}": v for n, v in values.items()})

    async def tick(self, cycles=1):
        """Cycles in which the streams move on."""
        for _ in range(cycles):
            data, keep, last = self.words_in[0] if self.words_in else (0, 0, 0)
            offered = bool(self.words_in)
            set_ports(
                self.ctx,
                self.dut,
                s_axis_tvalid=offered,
                s_axis_tdata=data,
                s_axis_tkeep=keep,
                s_axis_tlast=last,
                m_axis_tready=1,
            )
            if offered and self.get("s_axis_tready"):
                self.words_in.pop(0)
            if self.get("m_axis_tvalid"):
                word = tuple(self.get(f"m_axis_{n}") for n in ("tdata", "tkeep", "tlast"))
                self.words_out.append(word)
            self.interrupts += self.get("interrupt")
            await self.ctx.tick("sync")

    async def until(self, name, limit=200):
        for _ in range(limit):
            if self.get(name):
                return
            await self.tick()
        raise AssertionError(f"{name} did not come in {limit} cycles")

    async def write(self, name_or_offset, value, strobes=EVERY_BYTE):
        offset = name_or_offset
        if isinstance(name_or_offset, str):
            offset = register(name_or_offset).offset
        self.set(awvalid=1, awaddr=offset, wvalid=1, wdata=value, wstrb=strobes, bready=1)
        await self.until("s_axi_awready")
        assert self.get("s_axi_wready"), "both are taken together when both are offered"
        await self.tick()
        self.set(awvalid=0, wvalid=0)
        await self.until("s_axi_bvalid")
        assert self.get("s_axi_bresp") == 0
        await self.tick()
        self.set(bready=0)

    async def read(self, name_or_offset):
        offset = name_or_offset
        if isinstance(name_or_offset, str):
            offset = register(name_or_offset).offset
        self.set(arvalid=1, araddr=offset, rready=1)
        await self.until("s_axi_arready")
        await self.tick()
        self.set(arvalid=0)
        await self.until("s_axi_rvalid")
        assert self.get("s_axi_rresp") == 0
        value = self.get("s_axi_rdata")
        await self.tick()
        self.set(rready=0)
        return value

    async def read_all(self):
        return {r.name: await self.read(r.offset) for r in REGISTERS}

    async def command(self, *names):
        """Write CONTROL."""
        bits = (register("CONTROL").field(name).place(1) for name in names)
        await self.write("CONTROL", sum(bits))

    async def status(self, field):
        return register("STATUS").field(field).of(await self.read("STATUS"))

    async def start(self, mode, **command):
        for name, value in {"mode": int(mode), **command}.items():
            await self.write(name.upper(), value)
        await self.command("START")

    async def end(self, limit=LIMIT):
        """Wait for the end of a run; its errors."""
        for _ in range(limit // 20):
            word = await self.read("STATUS")
            busy, done, failed = (
                register("STATUS").field(f).of(word) for f in ("BUSY", "DONE", "FAILED")
            )
            assert busy != done
            if done:
                error = await self.read("ERROR")
                assert failed == bool(error)
                await self.tick(40)
                return error
            await self.tick(20)
        raise AssertionError(f"the run did not end; ERROR {await self.read('ERROR'):x}")

    def feed(self, words, last_keep=0xFF):
        words = [int(word) for word in words]
        self.words_in += [
            (w, last_keep if k == len(words) - 1 else 0xFF, k == len(words) - 1)
            for k, w in enumerate(words)
        ]

    def feed_symbols(self, symbols):
        padded = bytes(symbols) + bytes(-len(symbols) % 8)
        words = np.frombuffer(padded, "<u8")
        self.feed(words, (1 << ((len(symbols) - 1) % 8 + 1)) - 1)

    def packet(self):
        """The one packet that came out, as bytes."""
        assert [last for *_, last in self.words_out] == [0] * (len(self.words_out) - 1) + [1]
        octets = b"".join(
            word.to_bytes(8, "little")[: keep.bit_length()] for word, keep, _ in self.words_out
        )
        self.words_out.clear()
        return octets

    async def load(self, image):
        self.feed(image.payload)
        await self.start(Mode.LOAD)
        assert await self.end(10 * len(image.payload)) == 0
        assert await self.status("LOADED")
        assert await self.read("SYMBOLS") == SYMBOLS
        assert await self.read("IMAGE_CRC") == image.payload_crc

    async def generate(self, prompt, length, seed):
        self.feed_symbols(prompt)
        await self.start(
            Mode.GENERATE,
            inputs=len(prompt),
            outputs=length,
            temperature=4096,
            seed_low=seed & ALL_ONES,
            seed_high=seed >> 32,
        )
