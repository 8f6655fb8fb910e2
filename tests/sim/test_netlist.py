"""The mapped netlist, simulated behind the same driver: it gives the golden model's integers.

All of it takes minutes, most of them to compile: `make netlist`.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.host.command import Command, CommandPort
from zynq_lstm.host.self_test import examine
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.exercise import exercise_image
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.protocol import Mode
from zynq_lstm.quant.sampling import encode_temperature, seed_state
from zynq_lstm.sim.link import open_link
from zynq_lstm.sim.netlist import compile_netlist, write_netlist

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

FULL = Config()
SMALL = Config(hidden=16, layers=2, symbols=8, multipliers=64)
TEMPERATURES = (0.0, 0.8)

Tell = Callable[[str], None]
Timed = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Prints a line, past pytest."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}", end="", flush=True)

    return say


@pytest.fixture
def timed(tell: Tell) -> Timed:
    """Tells how long a part takes."""

    @contextmanager
    def part(name: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        tell(f"{name}: {time.monotonic() - begun:.0f} s")

    return part


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Text of a small accelerator's netlist."""
    return write_netlist(SMALL, tmp_path_factory.mktemp("small")).read_text()


def opened(config: Config, netlist: Path) -> AcceleratorTransport:
    """The driver on a simulated netlist."""
    return AcceleratorTransport(open_link(config, library=compile_netlist(netlist)))


def written(text: str, folder: Path) -> Path:
    """A netlist as a file."""
    path = folder / "netlist.v"
    path.write_text(text)
    return path


def decided(netlist: str, bit: int) -> str:
    """A netlist's text with each x, such as what memories hold at power-on, as 0 or as 1."""

    def number(found: re.Match[str]) -> str:
        width, digits = int(found[1]), found[3].replace("x", "f" if found[2] == "h" else "1")
        if not bit:
            digits = found[3].replace("x", "0")
        value = int(digits, 16 if found[2] == "h" else 2) % (1 << width)
        return f"{width}'h{value:x}"

    text, found = re.subn(r"\b(\d+)'([hb])([0-9a-f]*x[0-9a-fx]*)", number, netlist)
    assert found
    assert not re.search(r"'[hb][0-9a-f]*x", text)
    return text


@pytest.mark.parametrize("bit", [0, 1])
def test_small_netlist_passes_the_self_test_whatever_an_x_is(
    small: str, tmp_path: Path, bit: int, tell: Tell, timed: Timed
) -> None:
    with timed("compiling"):
        transport = opened(SMALL, written(decided(small, bit), tmp_path))
    with timed("self-test"):
        report = examine(transport)
    cycles = transport.link.chip.cycles
    tell(f"{cycles:,} cycles")
    transport.close()
    assert report.passed, str(report)
    emitted = AcceleratorTransport(open_link(SMALL))
    assert examine(emitted).passed
    assert emitted.link.chip.cycles == cycles
    emitted.close()


def test_full_netlist_runs_the_shipped_model(
    shakespeare: Image, tmp_path: Path, tell: Tell, timed: Timed
) -> None:
    with timed("emitting and mapping"):
        netlist = write_netlist(FULL, tmp_path)
    with timed("compiling"):
        transport = opened(FULL, netlist)
    chip = transport.link.chip
    with timed("self-test"):
        report = examine(transport)
    assert report.passed, str(report)
    with timed("the shipped model: image, 8 characters' logits, 64 scored, 2 x 64 generated"):
        golden = GoldenModel(shakespeare)
        transport.load(shakespeare)
        text = np.random.default_rng(1).integers(0, shakespeare.symbols, 65).astype(np.uint8)
        assert np.array_equal(transport.logits(text[:8]), golden.logits(text[:8]))
        assert transport.score(text).tolist() == golden.score(text).tolist()
        for temperature in TEMPERATURES:
            run = (text[:5], 64, encode_temperature(temperature), seed_state(1))
            drawn = np.concatenate(list(transport.generate(*run)))
            assert drawn.tolist() == golden.generate(*run).tolist()
        assert transport.read_state() == golden.state
    tell(f"{chip.cycles:,} cycles")
    transport.close()


def test_model_is_there_at_power_on(tmp_path: Path) -> None:
    image = exercise_image(SMALL, "ordinary", seed=2)
    library = compile_netlist(write_netlist(SMALL, tmp_path, image=image))
    link = open_link(SMALL, library=library)
    port = CommandPort(link)
    assert port.read("IMAGE_CRC") == image.payload_crc
    golden = GoldenModel(image)
    prompt, length = np.array([1, 5, 2], np.uint8), 200
    for temperature in TEMPERATURES:
        run = (encode_temperature(temperature), seed_state(3))
        characters = len(prompt) + length - 1
        answer = port.execute(
            Command(
                Mode.GENERATE,
                characters,
                100_000,
                packet=prompt,
                answer=length,
                inputs=len(prompt),
                outputs=length,
                temperature=run[0],
                seed=run[1],
            )
        )
        assert answer is not None
        assert answer.tolist() == golden.generate(prompt, length, *run).tolist()
    link.close()


FAULTS = {
    "a bit of a LUT's INIT": (
        "zynq_lstm_region",
        r"(LUT2 #\(\s*\.INIT\(4'h)6",
        r"\g<1>7",
    ),
    "a register of a DSP48E1 less": ("zynq_lstm_bank_4dsp", r"\.MREG\(1'h1\)", ".MREG(1'h0)"),
    "an operation of a DSP48E1": ("zynq_lstm_bank_4dsp", r"\.OPMODE\(7'h35\)", ".OPMODE(7'h05)"),
    "a bit of a RAMB36E1's INIT": (
        "zynq_lstm_tanh_table",
        r"(\.INIT_10\(256'bxx)0",
        r"\g<1>1",
    ),
    "a stuck address bit of a RAMB36E1": (
        "zynq_lstm_bank_4dsp",
        r"\.ADDRBWRADDR\(",
        ".ADDRBWRADDR(16'hFFBF & ",
    ),
}
"""Name to module, what is found in it and what takes its place, once."""


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_is_found(small: str, tmp_path: Path, name: str) -> None:
    module, right, wrong = FAULTS[name]
    start = small.index(f"module {module}(")
    after, found = re.subn(right, wrong, small[start:], count=1)
    assert found and after != small[start:], f"{right} must be in {module}"
    transport = opened(SMALL, written(small[:start] + after, tmp_path))
    report = examine(transport)
    transport.close()
    assert not report.passed
    assert report.first_difference
