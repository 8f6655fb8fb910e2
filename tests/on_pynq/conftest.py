"""Boards that pynq takes for real, each with a small accelerator, compiled once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_models import write_tiny_checkpoint

from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.sim.simulator import build
from zynq_lstm.sim.virtual_board import VirtualBoard

CONFIG = Config(hidden=16, symbols=16, multipliers=64)


@pytest.fixture(scope="session")
def library() -> Path:
    """The compiled simulator of `CONFIG`."""
    return build(CONFIG)


@pytest.fixture
def make_board(library: Path) -> Iterator[Callable[..., VirtualBoard]]:
    """A function that makes a board; all are freed at the end."""
    made: list[VirtualBoard] = []

    def make(**options) -> VirtualBoard:
        made.append(VirtualBoard(CONFIG, library=library, **options))
        return made[-1]

    yield make
    for board in made:
        board.close()
        assert board.memory.allocated == 0, "every buffer is freed"


@pytest.fixture
def board(make_board) -> VirtualBoard:
    """A board with nothing loaded."""
    return make_board()


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """A small model for `CONFIG`."""
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    return quantize(load_checkpoint(write_tiny_checkpoint(path)), CONFIG)
