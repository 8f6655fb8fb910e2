"""Fixtures of the training tests; those that need PyTorch are left out where there is none."""

import importlib.util
import random
from pathlib import Path

import pytest

TORCH = importlib.util.find_spec("torch") is not None
WITHOUT_TORCH = {
    f"test_{name}.py" for name in ("corpora", "defaults", "log", "progress", "schedule", "settings")
}
collect_ignore = (
    []
    if TORCH
    else [
        path.name
        for path in Path(__file__).parent.glob("test_*.py")
        if path.name not in WITHOUT_TORCH
    ]
)


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
