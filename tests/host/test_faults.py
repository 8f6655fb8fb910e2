"""No model where there must be one: what the accelerator says, and what the driver makes of it.

On the link that is made of the golden model; on the emitted Verilog, `tests/sim/test_faults.py` and
`tests/sim/test_driver.py` do the same.
"""

import numpy as np
import pytest
from bare_commands import Bare
from fake_link import FakeLink
from random_models import random_image

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import AcceleratorError
from zynq_lstm.quant.golden import GoldenModel

CONFIG = Config(hidden=16, symbols=8, multipliers=64)
IMAGE = random_image(CONFIG, 7, "ordinary", 1)
TEXT = np.array([1, 5, 0, 6], np.uint8)


def test_no_run_without_an_image() -> None:
    Bare(FakeLink(CONFIG), IMAGE).check_without_an_image()


def test_an_accelerator_that_lost_its_model() -> None:
    """Told by STATUS where a command, such as this one, would do without a model."""
    link = FakeLink(CONFIG)
    transport = AcceleratorTransport(link)
    transport.load(IMAGE)
    transport.logits(TEXT)
    link._soft_reset()
    with pytest.raises(AcceleratorError, match=r"must hold its model when READ_STATE ends; it has"):
        transport.read_state()
    model = GoldenModel(IMAGE)
    assert transport.read_state() == model.state
    assert np.array_equal(transport.logits(TEXT), model.logits(TEXT))
