"""Simulated chips, compiled once a session, and the shipped model."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.sim.link import open_link

MODELS = Path(__file__).parents[2] / "models"


Chips = Callable[[Config], AcceleratorTransport]


@contextmanager
def _one_for_each() -> Iterator[Chips]:
    made: dict[Config, AcceleratorTransport] = {}

    def of(config: Config) -> AcceleratorTransport:
        if config not in made:
            made[config] = AcceleratorTransport(open_link(config))
        transport = made[config]
        transport.link.chip.stalls(0, 0, 1)
        return transport

    yield of
    for transport in made.values():
        transport.close()


@pytest.fixture(scope="session")
def chip() -> Iterator[Chips]:
    """A function that gives the one chip of a configuration."""
    with _one_for_each() as of:
        yield of


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Config], Path]:
    """A function that compiles chips of a configuration whose faults can be switched."""
    from planted_faults import build  # Needs Amaranth, as not all tests here do.

    made: dict[Config, Path] = {}

    def compiled(config: Config) -> Path:
        if config not in made:
            made[config] = build(config, tmp_path_factory.mktemp("faults"))
        return made[config]

    return compiled


@pytest.fixture(scope="session")
def used_by_hand() -> Iterator[Chips]:
    """The same, of chips whose registers are written behind the driver's back."""
    with _one_for_each() as of:
        yield of


@pytest.fixture(scope="session")
def shakespeare() -> Image:
    """The shipped model."""
    return quantize(load_checkpoint(MODELS / "shakespeare.safetensors"))
