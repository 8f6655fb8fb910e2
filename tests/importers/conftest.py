"""Fixtures of the importers' tests; those that need PyTorch are left out where there is none."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from foreign_models import Foreign
from hypothesis import settings

from zynq_lstm.importers.reader import read_model
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.float_model import FloatModel

TORCH = importlib.util.find_spec("torch") is not None
collect_ignore_glob = ["make_fixtures.py"] if TORCH else ["make_fixtures.py", "test_torch_*.py"]

settings.register_profile("importers", derandomize=True, database=None, deadline=None)
settings.load_profile("importers")

FIXTURES = Path(__file__).parent / "fixtures"

Write = Callable[[bytes | object, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file, from bytes or from an ONNX model."""

    def call(content: object, name: str = "model.onnx") -> Path:
        path = tmp_path / name
        data = content if isinstance(content, bytes) else content.SerializeToString()  # type: ignore[attr-defined]
        path.write_bytes(data)
        return path

    return call


@pytest.fixture
def same() -> Callable[[FloatModel, Foreign], None]:
    """See that a model is, bit by bit, what its weights make."""

    def check(model: FloatModel, expected: Foreign) -> None:
        reference = expected.float_model()
        assert model.vocabulary == reference.vocabulary
        assert len(model.layers) == len(reference.layers)
        for found, layer in zip(model.layers, reference.layers, strict=True):
            for part in ("weight_ih", "weight_hh", "bias"):
                assert getattr(found, part).dtype == np.float32
                assert np.array_equal(getattr(found, part), getattr(layer, part)), part
        assert np.array_equal(model.head_weight, reference.head_weight)
        assert np.array_equal(model.head_bias, reference.head_bias)

    return check


@pytest.fixture
def refused() -> Callable[..., str]:
    """See that a file is refused with one sentence that names it and holds some parts."""

    def check(path: Path, *parts: str, vocabulary: object = None) -> str:
        with pytest.raises(UserError) as caught:
            read_model(path, vocabulary)  # type: ignore[arg-type]
        sentence = str(caught.value)
        assert str(path) in sentence and "\n" not in sentence
        for part in parts:
            assert part in sentence
        return sentence

    return check


@pytest.fixture(scope="session")
def expected() -> dict[str, list]:
    """What PyTorch and Keras compute with the model of the files in ``fixtures``."""
    return json.loads((FIXTURES / "expected.json").read_text())
