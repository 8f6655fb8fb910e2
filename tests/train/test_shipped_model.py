"""Tests that the shipped models are what their card and their metadata say."""

import json
from pathlib import Path

import pytest
import torch

from zynq_lstm.train.checkpoint import read_checkpoint
from zynq_lstm.train.evaluation import Reference, evaluate
from zynq_lstm.train.progress import bits

MODELS = Path(__file__).parents[2] / "models"
MODEL = MODELS / "shakespeare.safetensors"
each_model = pytest.mark.parametrize("name", ["shakespeare", "python", "catalogs"])
LINE = "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n"


@each_model
def test_card_states_its_results(name: str) -> None:
    metadata = read_checkpoint(MODELS / f"{name}.safetensors")[1]
    results, settings = json.loads(metadata["results"]), json.loads(metadata["settings"])
    assert results["validation_nats"] < 1.46
    card = (MODELS / "README.md").read_text(encoding="utf-8")
    for part in ("validation", "test"):
        assert results[f"{part}_bpc"] == pytest.approx(bits(results[f"{part}_nats"]))
        assert f"| {results[f'{part}_nats']:.4f} | {results[f'{part}_bpc']:.4f} |" in card
    assert settings["text_sha256"] in card
    assert f"| `{name}` | " in card
    assert f" | {results['test_bpc']:.4f} | " in card


@each_model
def test_weights_are_moderate(name: str) -> None:
    tensors, _ = read_checkpoint(MODELS / f"{name}.safetensors")
    assert all(tensor.abs().max() < 16 for tensor in tensors.values())
    assert all(tensor.dtype == torch.float32 for tensor in tensors.values())
    Reference(tensors)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shakespeare", LINE),
        ("python", "def main(self, name=None):\n    if name is None:\n        return self._name\n"),
        ("catalogs", "Diese Seite wurde gelöscht.\n\n\nСтраница была удалена.\nИмя пользователя\n"),
    ],
)
def test_predicts_its_kind_of_text(name: str, text: str) -> None:
    nats, count = evaluate(MODELS / f"{name}.safetensors", text)
    assert count == len(text.encode()) - 1
    assert nats < 1.5
