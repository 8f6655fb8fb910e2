"""Fixtures of the training tests, which are left out where PyTorch is not installed."""

import importlib.util
import random
from pathlib import Path

import pytest

TORCH = importlib.util.find_spec("torch") is not None
collect_ignore_glob = [] if TORCH else ["test_*.py"]


@pytest.fixture
def text_path(tmp_path: Path) -> Path:
    """A file of 6000 characters: words of a small invented language, which can be learned."""
    source = random.Random(5)
    words = ["lo", "mira", "tan", "sel", "oro", "venta", "ki", "amaro"]
    text = ""
    while len(text) < 6000:
        text += source.choice(words) + source.choice([" ", " ", " ", ".\n"])
    path = tmp_path / "text.txt"
    path.write_text(text[:6000], encoding="utf-8")
    return path


if TORCH:
    import torch

    from zynq_lstm.train.settings import TrainingSettings

    torch.set_num_threads(1)

    @pytest.fixture
    def settings() -> TrainingSettings:
        """Settings of a run that takes a second."""
        return TrainingSettings(
            hidden=16,
            embedding=8,
            epochs=4,
            streams=4,
            unroll=16,
            learning_rate=2e-2,
            warmup=10,
            validate_every=1,
            precision="float32",
        )
