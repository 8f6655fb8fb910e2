"""Runs the command line in this process, and stands in for the simulator."""

import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fake_link import FakeLink
from tiny_models import tiny_tensors, write_tiny_checkpoint

from zynq_lstm.cli import program
from zynq_lstm.host.backends import LINKS
from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import write_image
from zynq_lstm.quant.quantizer import quantize


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str

    def refused(self, *parts: str) -> None:
        """See that it ended with one sentence that holds `parts`, and wrote nothing else."""
        assert self.status == 1
        assert self.out == ""
        assert self.err.startswith("zynq-lstm: ")
        assert self.err.count("\n") == 1
        for part in parts:
            assert part in self.err


Run = Callable[..., Result]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> Result:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            program.run([str(argument) for argument in arguments])
        return Result(int(ended.value.code or 0), *capfd.readouterr())

    return call


@pytest.fixture(scope="session")
def checkpoint_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_checkpoint(tmp_path_factory.mktemp("models") / "tiny.safetensors")


@pytest.fixture(scope="session")
def image_path(tmp_path_factory: pytest.TempPathFactory, checkpoint_path: Path) -> Path:
    path = tmp_path_factory.mktemp("images") / "tiny.zlstm"
    config = Config(hidden=16, symbols=16, multipliers=64)
    write_image(quantize(load_checkpoint(checkpoint_path), config), path)
    return path


class ModelledLink(FakeLink):
    """The golden model behind registers, with a clock, in the place of the simulator."""

    def __init__(self, config: Config, report: Callable[[str], None]) -> None:
        super().__init__(config)
        report(f"Modelling {config.describe()}")

    def steps_per_character(self) -> int:
        return 380

    def cycles_per_character(self) -> int:
        return 400


@pytest.fixture
def modelled_simulation(monkeypatch: pytest.MonkeyPatch) -> type[ModelledLink]:
    module = types.ModuleType("modelled_simulation")
    module.open_link = ModelledLink  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(LINKS, "sim", module.__name__)
    return ModelledLink


@pytest.fixture(scope="session")
def bytes_image_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bytes")
    tensors = tiny_tensors("".join(map(chr, range(256))))
    path = write_tiny_checkpoint(folder / "bytes.safetensors", tensors, vocabulary='"bytes"')
    config = Config(hidden=16, symbols=256, multipliers=64)
    write_image(quantize(load_checkpoint(path), config), folder / "bytes.zlstm")
    return folder / "bytes.zlstm"
