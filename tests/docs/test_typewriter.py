"""The example of a design around the accelerator: it elaborates, and writes the golden text."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from tiny_models import tiny_tensors, write_tiny_checkpoint

pytest.importorskip("amaranth")

from amaranth.back import verilog
from component_simulation import simulate

from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.quant.sampling import encode_temperature, seed_state

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "typewriter.py"
CONFIG = Config(hidden=16, layers=1, symbols=16, multipliers=64)
KEYS, LENGTH = (3, 7), 11
LIMIT = 20_000


@pytest.fixture(scope="module")
def typewriter():
    spec = importlib.util.spec_from_file_location("typewriter", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Typewriter


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    return quantize(load_checkpoint(write_tiny_checkpoint(path, tiny_tensors(layers=1))), CONFIG)


def test_writes_what_the_golden_model_writes(typewriter, image) -> None:
    dut = typewriter(CONFIG, length=LENGTH, temperature=0.8, seed=5)
    written = []

    async def put(ctx, port, payload):
        ctx.set(port.payload, payload)
        ctx.set(port.valid, 1)
        await ctx.tick().until(port.ready)
        ctx.set(port.valid, 0)

    async def send(ctx):
        for k, word in enumerate(image.payload):
            last = k + 1 == len(image.payload)
            await put(ctx, dut.image, {"word": int(word), "last": int(last)})
        for key in KEYS:
            await put(ctx, dut.key, key)

    async def take(ctx):
        ctx.set(dut.text.ready, 1)
        for _ in range(LIMIT):
            _, _, valid, payload = await ctx.tick().sample(dut.text.valid, dut.text.payload)
            if valid:
                written.append(payload)
            if len(written) == len(KEYS) * LENGTH:
                break
        assert ctx.get(dut.loaded)

    simulate(dut, send, take)
    golden = GoldenModel(image)
    expected = [
        golden.generate(np.array([key]), LENGTH, encode_temperature(0.8), seed_state(5))
        for key in KEYS
    ]
    assert written == np.concatenate(expected).tolist()


def test_becomes_verilog(typewriter) -> None:
    text = verilog.convert(typewriter(CONFIG, length=3), emit_src=False)
    assert "module top(" in text
    assert "text__valid" in text
