"""The driver on the simulated chip: what goes wrong, and that it goes on afterwards."""

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from random_models import random_image

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.host.self_test import examine
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import AcceleratorError
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.protocol import Mode
from zynq_lstm.quant.registers import register

CONFIG = Config(hidden=16, symbols=8, multipliers=64)
IMAGE = random_image(CONFIG, 7, "ordinary", 1)
TEXT = np.array([1, 5, 0, 6, 2, 2, 3, 4, 6, 0], np.uint8)


COMMANDS = {
    "generate": lambda transport: list(transport.generate(TEXT, 20, 4096, 1)),
    "logits": lambda transport: transport.logits(TEXT),
    "score": lambda transport: transport.score(TEXT),
    "read state": lambda transport: transport.read_state(),
    "write state": lambda transport: transport.write_state(GoldenModel(IMAGE).state),
    "reset state": lambda transport: transport.reset_state(),
}


@pytest.fixture
def transport(chip) -> AcceleratorTransport:
    transport = chip(CONFIG)
    transport.load(IMAGE)
    return transport


def works(transport: AcceleratorTransport) -> None:
    """From a zero state, as the driver promises."""
    model = GoldenModel(IMAGE)
    assert transport.read_state() == model.state
    assert np.array_equal(transport.score(TEXT), model.score(TEXT))
    assert transport.read_state() == model.state


def once(link, monkeypatch, name, act):
    """Let a method of the link do something else, the next time."""
    real = getattr(link, name)

    def method(*arguments):
        monkeypatch.setattr(link, name, real)
        return act(real, *arguments)

    monkeypatch.setattr(link, name, method)


def flipped(real, packet):
    packet = packet.copy()
    packet[len(packet) // 2] ^= 0x80
    real(packet)


def test_a_slow_desk_cuts_a_text_into_the_same_runs(transport, monkeypatch) -> None:
    def drawn():
        transport.reset_state()
        before = transport.counters()
        pieces = [len(p) for p in transport.generate(TEXT, 400, 4096, 1, promptly=True)]
        after = transport.counters()
        return pieces, {name: after[name] - before[name] for name in after}

    pieces, counted = drawn()
    assert pieces[:4] == [8, 16, 32, 64] and counted["startup"] > 0
    real = transport.link.send
    monkeypatch.setattr(transport.link, "send", lambda packet: (time.sleep(0.06), real(packet)))
    assert drawn() == (pieces, counted)


@pytest.mark.parametrize(
    ("name", "act", "message"),
    [
        ("send", flipped, "A symbol was not below"),
        ("send", lambda real, packet: real(packet[:-1]), "The input packet was shorter or longer"),
        ("send", lambda real, packet: real(np.append(packet, [0])), "shorter or longer"),
        ("send", lambda real, packet: None, "LOGITS must end within .* STATUS reads 0x3"),
        ("accept", lambda real, size: None, "the end of LOGITS's answer|LOGITS must end within"),
        ("accept", lambda real, size: real(size - 8), "must end with them|must end within"),
    ],
)
def test_recovers(transport, monkeypatch, name, act, message) -> None:
    transport.logits(TEXT[:3])
    once(transport.link, monkeypatch, name, act)
    with pytest.raises(AcceleratorError, match=message) as caught:
        transport.logits(TEXT)
    assert "The accelerator was reset, the model was loaded again" in str(caught.value)
    works(transport)


def test_recovers_from_an_image_that_arrives_damaged(transport, monkeypatch) -> None:
    once(transport.link, monkeypatch, "send", flipped)
    with pytest.raises(AcceleratorError, match=r"LOAD failed: .* CRC-32"):
        transport.load(random_image(CONFIG, 8, "ordinary", 2))
    works(transport)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(0, 8 * len(IMAGE.payload) - 1), st.integers(0, 7))
@example(0, 0)  # another number of symbols, below and above the capacity
@example(0, 3)
@example(3, 0)  # the header's mark
@example(8 * len(IMAGE.payload) - 1, 7)
def test_any_bit_of_an_image_flipped_on_its_way(transport, byte, bit) -> None:
    def flip(real, packet):
        packet = packet.copy()
        packet[byte] ^= 1 << bit
        real(packet)

    with pytest.MonkeyPatch.context() as patch:
        once(transport.link, patch, "send", flip)
        with pytest.raises(AcceleratorError, match=r"LOAD failed: The image"):
            transport.load(IMAGE)
    works(transport)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_chip_that_lost_its_model_behind_the_driver(transport, name) -> None:
    """By its power, or another program's bitstream; the registers that the driver remembers are
    lost, too."""
    for before in (name, *COMMANDS):
        COMMANDS[before](transport)
        transport.link.chip.reset()
        with pytest.raises(AcceleratorError, match="The accelerator was reset, the model was"):
            COMMANDS[name](transport)
        works(transport)


def test_recovers_from_an_interruption(transport, monkeypatch) -> None:
    def interrupted(real, cycles):
        real(min(cycles, 700))
        raise KeyboardInterrupt

    once(transport.link, monkeypatch, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(transport.generate(TEXT, 500, 4096, 1))
    works(transport)


@pytest.mark.parametrize("mode", [Mode.GENERATE, Mode.LOAD, Mode.WRITE_STATE, Mode.READ_STATE])
def test_takes_over_a_chip_that_was_left_in_a_run(transport, mode) -> None:
    link = transport.link
    for name, value in {"MODE": int(mode), "INPUTS": 99, "OUTPUTS": 99}.items():
        link.write(register(name).offset, value)
    link.write(register("CONTROL").offset, register("CONTROL").field("START").mask)
    if mode != Mode.READ_STATE:
        link.send(TEXT)  # Too short, and then nothing more.
    link.wait(300)
    another = AcceleratorTransport(link)
    another.load(IMAGE)
    works(another)
    assert another.counters()["characters"] == len(TEXT) - 1


def test_self_test_passes_on_the_chip(transport) -> None:
    report = examine(transport)
    assert report.passed, report
