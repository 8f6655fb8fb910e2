"""A small model for the tests of the host side."""

from pathlib import Path

import pytest
from tiny_models import write_tiny_checkpoint

from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.quantizer import quantize


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    path: Path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    model = load_checkpoint(write_tiny_checkpoint(path))
    return quantize(model, Config(hidden=16, symbols=16, multipliers=64))
