"""What an accelerator is asked before any model: registers, and whether its check can tell."""

import numpy as np
import pytest
from fake_link import FakeLink
from random_models import random_image

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import AcceleratorError
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.registers import register

CONFIG = Config(hidden=16, symbols=8, multipliers=64)
IMAGE = random_image(CONFIG, 7, "ordinary", 1)
TEXT = np.array([1, 5, 0, 6], np.uint8)
CHECK = "check of the weight memories"


@pytest.fixture
def link() -> FakeLink:
    return FakeLink(CONFIG)


@pytest.fixture
def transport(link: FakeLink) -> AcceleratorTransport:
    return AcceleratorTransport(link)


def works(transport: AcceleratorTransport) -> None:
    model = GoldenModel(IMAGE)
    assert transport.read_state() == model.state
    assert np.array_equal(transport.logits(TEXT), model.logits(TEXT))
    assert transport.faulty_memories() == ()


def test_finds_nothing_in_what_is_sound(transport) -> None:
    assert transport.examine(IMAGE) == {"registers": None, CHECK: None}
    works(transport)


def test_registers(transport, link) -> None:
    link.overrides["SCRATCH"] = 0x5555_5555
    found = transport.examine(IMAGE)
    assert found["registers"] == "SCRATCH must read 00000000 as written, not 55555555"
    assert found[CHECK] is None
    works(transport)


def test_memories_whose_wrong_words_are_not_noticed(transport, link) -> None:
    link.unchecked = {2, 7}
    found = transport.examine(IMAGE)
    assert found[CHECK] == (
        "wrong words of each weight memory must be noticed, those of [2, 7] are not"
    )
    assert found["registers"] is None
    works(transport)


def test_a_check_that_fails_no_run(transport, link) -> None:
    link.unchecked = set(range(CONFIG.banks))
    assert transport.examine(IMAGE)[CHECK] == "a run that reads wrong words must fail, it does not"
    works(transport)


@pytest.mark.parametrize("enabled", [True, False])
def test_leaves_the_check_as_it_was(transport, link, enabled) -> None:
    transport.check_memories(enabled)
    transport.examine(IMAGE)
    transport.logits(TEXT)
    found = link.read(register("MEMORY_CHECK").offset)
    assert found == register("MEMORY_CHECK").field("FAIL").place(int(enabled))
    assert transport.check_memories(True) is enabled


def test_leaves_no_inverted_words_where_it_fails(transport, link, monkeypatch) -> None:
    """The recovery's load must write right ones."""
    real = link.read

    def read(offset):
        if link._inverted and offset == register("IMAGE_CRC").offset:
            monkeypatch.undo()
            return 0
        return real(offset)

    monkeypatch.setattr(link, "read", read)
    with pytest.raises(AcceleratorError, match=r"CRC must be [0-9a-f]{8}, not 0{8}\. The accel"):
        transport.examine(IMAGE)
    works(transport)
