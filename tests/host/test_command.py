"""Runs that read wrong words of weights: what is said, and what follows."""

import numpy as np
import pytest
from fake_link import FakeLink
from random_models import random_image

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import AcceleratorError
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image

SMALL = Config(hidden=16, symbols=8, multipliers=64)
LARGE = Config(hidden=128, symbols=8, multipliers=512)
TEXT = np.array([1, 5, 0, 6], np.uint8)
RUNS = {
    "GENERATE": lambda transport: list(transport.generate(TEXT, 20, 4096, 1)),
    "LOGITS": lambda transport: transport.logits(TEXT),
    "SCORE": lambda transport: transport.score(TEXT),
}


def image_of(config: Config) -> Image:
    return random_image(config, 7, "ordinary", 1)


def loaded(config: Config) -> AcceleratorTransport:
    transport = AcceleratorTransport(FakeLink(config))
    transport.load(image_of(config))
    return transport


@pytest.fixture
def transport() -> AcceleratorTransport:
    return loaded(SMALL)


def works(transport: AcceleratorTransport) -> None:
    model = GoldenModel(image_of(transport.config))
    assert transport.read_state() == model.state
    assert np.array_equal(transport.logits(TEXT), model.logits(TEXT))
    assert transport.faulty_memories() == ()


@pytest.mark.parametrize("mode", RUNS)
def test_names_the_memory_and_loads_again(transport, mode) -> None:
    RUNS[mode](transport)
    transport.link.flipped = {3}
    with pytest.raises(AcceleratorError) as caught:
        RUNS[mode](transport)
    assert str(caught.value) == (
        f"{mode} failed: weight memory 3 gave words other than those loaded; a load mends bits "
        "that have flipped, and where this comes again the memory is broken: run the self-test. "
        "The accelerator was reset, the model was loaded again, the state is zero"
    )
    works(transport)


def test_a_broken_memory_fails_each_run(transport) -> None:
    transport.link.broken_memories = {0, 7}
    for _ in range(2):
        with pytest.raises(AcceleratorError, match="weight memories 0, 7 gave words other"):
            transport.logits(TEXT)
    transport.link.broken_memories = set()
    works(transport)


@pytest.mark.parametrize("bank", [0, 31, 32, 63])
def test_names_each_memory_of_a_large_accelerator(bank) -> None:
    transport = loaded(LARGE)
    transport.link.flipped = {bank}
    with pytest.raises(AcceleratorError, match=f"weight memory {bank} gave words"):
        transport.logits(TEXT)
    works(transport)


def test_tells_other_errors_beside_it(transport) -> None:
    transport.link.overrides = {"ERROR": 128 + 16, "STATUS": 8, "MEMORY_FAULTS_LOW": 2}
    with pytest.raises(AcceleratorError) as caught:
        transport.logits(TEXT)
    found = str(caught.value)
    assert "LOGITS failed: weight memory 1 gave words other than those loaded" in found
    assert "; beside that: A symbol was not below the number of the model's symbols. " in found


def test_an_error_that_names_no_memory(transport) -> None:
    transport.link.overrides = {"ERROR": 128, "STATUS": 8}
    with pytest.raises(AcceleratorError, match=r"weight memories \(none is named\) gave words"):
        transport.logits(TEXT)


def test_goes_on_where_the_check_must_not_fail_runs(transport) -> None:
    assert transport.check_memories(False) is True
    transport.link.flipped = {1, 4}
    for run in RUNS.values():
        run(transport)
        assert transport.faulty_memories() == (1, 4)
    transport.load(image_of(SMALL))
    works(transport)
    assert transport.check_memories(True) is False
    transport.link.flipped = {1}
    with pytest.raises(AcceleratorError, match="weight memory 1 gave"):
        transport.logits(TEXT)


def test_what_was_said_of_the_check_outlives_a_recovery(transport) -> None:
    transport.check_memories(False)
    transport.link.fail_sent = 1
    with pytest.raises(AcceleratorError, match="decode error"):
        transport.logits(TEXT)
    transport.link.flipped = {5}
    transport.logits(TEXT)
    assert transport.faulty_memories() == (5,)


def test_the_check_costs_no_access(transport) -> None:
    """But one, once, where it was said anew."""
    transport.logits(TEXT)
    costs = []
    for enabled in (True, False, False):
        transport.check_memories(enabled)
        before = transport.link.accesses
        transport.logits(TEXT)
        costs.append(transport.link.accesses - before)
    assert costs[1] - 1 == costs[0] == costs[2]


def test_a_link_that_fails_when_it_is_asked(transport) -> None:
    transport.link.silent = True
    with pytest.raises(AcceleratorError, match="A read must be answered"):
        transport.faulty_memories()
    transport.link.silent = False
    works(transport)
