"""Tests that the shipped model is what its card, its metadata and the defaults say."""

import json
from pathlib import Path

import pytest
import torch

from zynq_lstm.train.checkpoint import read_checkpoint
from zynq_lstm.train.evaluation import Reference, evaluate
from zynq_lstm.train.progress import bits
from zynq_lstm.train.settings import TrainingSettings

MODELS = Path(__file__).parents[2] / "models"
MODEL = MODELS / "shakespeare.safetensors"
LINE = "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n"


def test_defaults_are_its_settings() -> None:
    stored = json.loads(read_checkpoint(MODEL)[1]["settings"])
    defaults = TrainingSettings().to_dict()
    assert {name: value for name, value in stored.items() if name in defaults}.items() <= (
        defaults.items()
    )


def test_card_states_its_results() -> None:
    metadata = read_checkpoint(MODEL)[1]
    results, settings = json.loads(metadata["results"]), json.loads(metadata["settings"])
    assert results["validation_nats"] < 1.46
    card = (MODELS / "README.md").read_text(encoding="utf-8")
    for part in ("validation", "test"):
        assert results[f"{part}_bpc"] == pytest.approx(bits(results[f"{part}_nats"]))
        assert f"| {results[f'{part}_nats']:.4f} | {results[f'{part}_bpc']:.4f} |" in card
    assert settings["text_sha256"] in card


def test_weights_are_moderate() -> None:
    tensors, _ = read_checkpoint(MODEL)
    assert all(tensor.abs().max() < 16 for tensor in tensors.values())
    assert all(tensor.dtype == torch.float32 for tensor in tensors.values())
    Reference(tensors)


def test_predicts_english() -> None:
    nats, count = evaluate(MODEL, LINE)
    assert count == len(LINE) - 1
    assert nats < 1.5
