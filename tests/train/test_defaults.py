"""Tests of the settings that follow from the text; none needs PyTorch."""

import itertools
import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
from safetensors import safe_open

from zynq_lstm.quant.errors import UserError
from zynq_lstm.train.defaults import (
    BUDGET,
    CHOSEN,
    FINE_TUNING_BUDGET,
    FOLLOWING,
    MOST_EPOCHS,
    settings_for,
    weights,
)
from zynq_lstm.train.settings import FINE_TUNING, TrainingSettings

MODELS = Path(__file__).parents[2] / "models"
SIZES = [int(45_000 * 1.3**k) for k in range(27)]  # 50 KB to 45 MB, nine tenths of them.


def value_of(option: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(option)
        except ValueError:
            pass
    return option


@pytest.mark.parametrize("name", ["shakespeare", "python", "catalogs"])
def test_the_command_in_a_models_card_gives_the_settings_that_made_it(name: str) -> None:
    with safe_open(MODELS / f"{name}.safetensors", framework="numpy") as file:
        metadata = file.metadata()
    stored = json.loads(metadata["settings"])
    vocabulary = json.loads(metadata["vocabulary"])
    symbols = 256 if vocabulary == "bytes" else len(vocabulary)
    card = (MODELS / "README.md").read_text(encoding="utf-8").replace("\\\n", "")
    (command,) = re.findall(rf"zynq-lstm train (\S+ .*-o {name}\.safetensors.*)", card)
    options = command.split()[1:]
    given = {
        option.strip("-").replace("-", "_"): value_of(value)
        for option, value in zip(options[::2], options[1::2], strict=True)
    }
    assert given.pop("o") == f"{name}.safetensors"
    start = given.pop("from", None)
    assert (start is not None) == ("start_sha256" in stored)
    if start is not None:
        assert f"-o {start}" in card  # What another command there makes.
    chosen = settings_for(
        stored["text_split"][0], symbols, given, fine_tuning=start is not None
    ).to_dict()
    names = chosen.keys() & stored.keys()
    if start is not None:
        names.remove("embedding")  # As wide as that checkpoint asks for.
    assert names >= {"epochs", "streams", "dropout", "weight_decay", "averaging"}
    assert {name: chosen[name] for name in names} == {name: stored[name] for name in names}


def test_the_shipped_models_text_gets_the_settings_as_they_are() -> None:
    assert settings_for(1_003_854, 65, {}) == TrainingSettings()
    assert weights(2, 128, 65) == 239_297  # As its card says.


@pytest.mark.parametrize(
    ("symbols", "vocabulary", "expected"),
    [
        (45_000, 60, (150, 16, 0.1, 0.2, 0.99683, 30)),
        (180_000, 62, (150, 32, 0.1, 0.15, 0.99845, 30)),
        (2_033_530, 256, (74, 32, 0.1, 0.1, 0.999, 0)),
        (3_958_777, 96, (38, 32, 0.05, 0.05, 0.999, 0)),
        (45_000_000, 96, (36, 32, 0.02, 0.0, 0.999, 0)),
    ],
)
def test_settings_of_texts(symbols: int, vocabulary: int, expected: tuple[float, ...]) -> None:
    chosen = settings_for(symbols, vocabulary, {})
    assert chosen.dropout == chosen.recurrent_dropout
    names = ("epochs", "streams", "weight_decay", "dropout", "averaging", "patience")
    assert tuple(getattr(chosen, name) for name in names) == expected
    same = dict.fromkeys((*FOLLOWING,))
    assert all(
        getattr(chosen, field.name) == field.default
        for field in fields(chosen)
        if field.name not in same
    )


def test_work_is_bounded_and_regularization_falls() -> None:
    runs = [settings_for(symbols, 96, {}) for symbols in SIZES]
    for symbols, run in zip(SIZES, runs, strict=True):
        epoch = min(symbols, run.epoch_symbols)
        assert run.epochs == MOST_EPOCHS or BUDGET <= run.epochs * epoch < BUDGET + epoch
        assert epoch // (run.streams * run.unroll) >= 16
    for one, other in itertools.pairwise(runs):
        assert one.epochs >= other.epochs
        assert one.streams <= other.streams
        assert one.dropout >= other.dropout
        assert one.weight_decay >= other.weight_decay


def test_a_small_network_needs_less_dropout() -> None:
    assert settings_for(45_000, 60, {"hidden": 16, "layers": 1}).dropout == 0.1
    assert settings_for(45_000, 60, {"hidden": 16, "layers": 1}).patience == 0


def test_what_is_given_stays() -> None:
    given = {name: getattr(TrainingSettings(), name) for name in CHOSEN}
    for symbols in (1000, 45_000, 45_000_000):
        assert settings_for(symbols, 60, given) == TrainingSettings()
        for name, value in given.items():
            assert getattr(settings_for(symbols, 60, {name: value}), name) == value
    # An epoch that is set by hand is what the budget is counted in.
    assert settings_for(45_000_000, 60, {"epoch_symbols": 1_000_000}).epochs == 150
    with pytest.raises(UserError, match="Dropout must be a number"):
        settings_for(45_000, 60, {"dropout": 2.0})


@pytest.mark.parametrize("vocabulary", [2, 256])
@pytest.mark.parametrize("symbols", [2, 127, 5000, 1 << 28])
def test_any_text_gets_settings(symbols: int, vocabulary: int) -> None:
    for hidden in (8, 128):
        run = settings_for(symbols, vocabulary, {"hidden": hidden})
        assert run.streams * run.unroll <= max(128, symbols)
        assert 0 <= run.averaging <= 0.999


@pytest.mark.parametrize(
    ("symbols", "changes"),
    [
        (1_003_854, {}),
        (45_000_000, {}),
        (180_000, {"epochs": 23}),
        (45_000, {"epochs": 40, "streams": 16}),
    ],
)
def test_going_on_from_a_checkpoint(symbols: int, changes: dict[str, int]) -> None:
    chosen = settings_for(symbols, 65, {}, fine_tuning=True)
    assert chosen == replace(FINE_TUNING, **changes)
    if symbols == 180_000:
        assert chosen.epochs * symbols >= FINE_TUNING_BUDGET
    assert settings_for(symbols, 65, {"epochs": 2}, fine_tuning=True).epochs == 2
