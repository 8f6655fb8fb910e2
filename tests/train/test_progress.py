"""What a run tells at its beginning: the settings as it will use them."""

import dataclasses

import pytest

from zynq_lstm.train.progress import Beginning
from zynq_lstm.train.settings import TrainingSettings


def in_effect(steps: int, **given: int) -> dict:
    settings = TrainingSettings(**given)
    used = dataclasses.asdict(Beginning(settings, 10**6, 65, 65, "character", steps).in_effect())
    return {name: used[name] for name in used if used[name] != getattr(settings, name)}


def test_a_long_run_uses_what_is_set() -> None:
    assert in_effect(1024, epochs=36) == {}


def test_a_short_run_cuts_the_warm_up_and_reads_less() -> None:
    assert in_effect(43, epochs=5) == {"warmup": 21, "epoch_symbols": 43 * 32 * 128}


@pytest.mark.parametrize(
    ("epochs", "every", "kept"), [(5, 1, False), (31, 1, False), (32, 1, True), (62, 2, False)]
)
def test_a_patience_that_cannot_end_the_run_is_none(epochs: int, every: int, kept: bool) -> None:
    changed = in_effect(1024, epochs=epochs, validate_every=every, patience=30, warmup=0)
    assert changed == ({} if kept else {"patience": 0})


def test_the_last_epoch_is_validated_in_any_case() -> None:
    assert in_effect(1024, epochs=4, validate_every=9, warmup=0) == {"validate_every": 4}
