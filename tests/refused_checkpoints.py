"""What every test of refused checkpoints asks: one sentence, which names the file."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.quantizer import quantize

SAME_PATH = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Settings of a property that writes its examples to one path."""


def refused(sentence: str):
    """Expect a refusal with exactly this sentence."""
    return pytest.raises(UserError, match=f"^{re.escape(sentence)}$")


def check_refused(path: Path) -> str:
    """Refused with one sentence that names the file; any other exception fails the test."""
    with pytest.raises(UserError) as caught:
        load_checkpoint(path)
    sentence = str(caught.value)
    assert str(path) in sentence and "\n" not in sentence
    return sentence


def load_or_refuse(path: Path) -> None:
    """Either a model that can be quantized, or written, or refused; but nothing worse."""
    try:
        quantize(load_checkpoint(path)).to_bytes()
    except UserError as error:
        assert "\n" not in str(error)
