"""The page, from records of tiny models."""

import json
import re

import numpy as np
import pytest
from tiny_models import tiny_tensors, write_tiny_checkpoint

from zynq_lstm.cli.reporting.page import TOO_FEW, page
from zynq_lstm.cli.reporting.record import record
from zynq_lstm.quant.analysis.measurement import measure
from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.quantizer import quantize

PICTURES = ("surprisal", "drift", "gates", "ranges", "weights", "rows")
CHARACTERS = "\n |`*<>_abcde"


@pytest.fixture(scope="module", params=[1, 2], ids=["one layer", "two layers"])
def values(request, tmp_path_factory) -> dict:
    """A record of a model whose characters mean something in Markdown."""
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    tensors = tiny_tensors(CHARACTERS, layers=request.param)
    model = load_checkpoint(write_tiny_checkpoint(path, tensors, characters=CHARACTERS))
    config = Config(hidden=16, layers=request.param, symbols=16, multipliers=64)
    text = np.random.default_rng(1).integers(0, 13, 300)
    found = measure(model, quantize(model, config), text, text[:90], length=60)
    return record(found, model="tiny.safetensors", text="a|b.txt", split="all")


def test_record_is_plain_json(values) -> None:
    assert json.loads(json.dumps(values, allow_nan=False)) == values


def test_record_has_its_parts(values) -> None:
    layers = values["model"]["layers"]
    assert set(values["bits_per_character"]) == {
        "float", "golden", "chip", "difference", "interval", "predictions", "allowed", "within",
    }  # fmt: skip
    assert values["text"] == {
        "file": "a|b.txt",
        "split": "all",
        "unit": "character",
        "characters": 300,
    }
    assert len(values["drift"]["tenths"]) == 10
    assert [len(t["distance_of_c"]) for t in values["drift"]["tenths"]] == [layers] * 10
    assert [len(entries) for entries in values["gates"].values()] == [4 * layers] * 2
    assert len(values["ranges"]) == {1: 12, 2: 23}[layers]
    assert set(values["weights"]) >= {"table", "hh1", "out", "bias_out"}
    assert len(values["weights"]["hh1"]["rows"]) == 64
    assert [sample["seed"] for sample in values["samples"]] == [1, 2, 3]


def test_verdicts_are_the_page_s(values) -> None:
    changed = json.loads(json.dumps(values))
    changed["bits_per_character"]["within"] = False
    changed["drift"]["within"] = True
    summary = page(changed, PICTURES).split("## Prediction")[0]
    assert summary.count("**not met**") == 1 and summary.count(", met") == 1


def test_few_predictions_have_neither_verdict_nor_interval(values) -> None:
    bits, drift = values["bits_per_character"], values["drift"]
    assert len(drift["tenths"]) == 10 and drift["predictions"] == 89
    worst = max((t["difference"]["mean"] for t in drift["tenths"]), key=abs)
    assert (drift["largest"], drift["within"], bits["within"]) == (worst, None, None)
    assert {t["difference"]["low"] for t in drift["tenths"]} == {None}
    told = page(values, PICTURES)
    assert told.count(f", {TOO_FEW} |") == 2
    assert told.split("## Drift")[1].count(f"| {TOO_FEW} |") == 10
    assert f"| {TOO_FEW} |" not in told.split("## Drift")[0].split("## Prediction")[1]


def test_page_shows_everything(values) -> None:
    text = page(values, PICTURES)
    for name in PICTURES:
        assert f"![{name}]({name}.png)" in text
    assert f"{values['bits_per_character']['golden']['mean']:.5f}" in text
    assert f"{values['divergence_bits']['worst']:.5f}" in text
    for entry in values["ranges"]:
        assert "{:,.5g} to {:,.5g}".format(*entry["found"]) in text


def test_tables_are_tables(values) -> None:
    """Each row has as many cells as its head, whatever characters the model has."""
    text = page(values, PICTURES)
    cells = None
    for line in text.splitlines():
        if not line.startswith("| "):
            cells = None
            continue
        found = len(re.findall(r"(?<!\\)\|", line))
        assert cells in (None, found), line
        cells = found


def test_samples_stand_side_by_side(values) -> None:
    text = page(values, PICTURES).split("## Samples")[1]
    blocks = text.split("Seed ")[1:]
    assert len(blocks) == 3
    for block, sample in zip(blocks, values["samples"], strict=True):
        lines = [line[4:] for line in block.split(":\n\n")[1].rstrip("\n").split("\n")]
        assert all(line[46:49].rstrip() == " |" for line in lines if line)
        left = "".join(line[:46] for line in lines)
        right = "".join(line[49:] for line in lines)
        for column, name in ((left, "float"), (right, "golden")):
            whole = sample["prompt"] + sample[name]
            assert column.replace(" ", "") == whole.replace("\n", "").replace(" ", "")


def test_what_is_left_of_a_long_line_is_indented(values) -> None:
    sample = values["samples"][0] | {
        "prompt": "",
        "golden": "",
        "float": "  if x:\n" + "word " * 20,
    }
    text = page(values | {"samples": [sample]}, PICTURES).split("prompt, the same")[1]
    lines = [line[4:50].rstrip() for line in text.split(":\n\n")[1].splitlines()]
    nine = "word word word word word word word word word"
    assert lines == ["  if x:", nine, f"  {nine}", "  word word"]
