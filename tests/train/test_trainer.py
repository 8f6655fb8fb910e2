"""Tests of whole small runs: learning, repeating, interrupting, resuming."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from zynq_lstm.quant.errors import UserError
from zynq_lstm.train.checkpoint import read_checkpoint
from zynq_lstm.train.defaults import settings_for
from zynq_lstm.train.evaluation import evaluate
from zynq_lstm.train.progress import Beginning, Progress
from zynq_lstm.train.settings import FINE_TUNING, TrainingSettings
from zynq_lstm.train.trainer import train


def interrupt_in(epoch: int):
    def report(progress: Progress) -> None:
        if progress.epoch == epoch and progress.step < progress.steps:
            raise KeyboardInterrupt

    return report


def assert_same_weights(first: Path, second: Path) -> None:
    one, other = read_checkpoint(first)[0], read_checkpoint(second)[0]
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


@pytest.mark.parametrize(
    "changes", [{}, {"layers": 1, "epochs": 2}, {"precision": "bfloat16", "epochs": 2}]
)
def test_loss_falls(
    text_path: Path, tmp_path: Path, settings: TrainingSettings, changes: dict
) -> None:
    settings = dataclasses.replace(settings, **changes)
    reports: list[Progress] = []
    output = tmp_path / "model.safetensors"
    result = train(text_path, output, settings, report=reports.append)
    validations = [p.validation_nats for p in reports if p.step == p.steps]
    assert len(validations) == settings.epochs
    assert validations == sorted(validations, reverse=True)
    assert validations[-1] < 2.0
    assert reports[0].training_nats > reports[-1].training_nats
    assert reports[0].validation_nats is None
    last = reports[-1]
    assert (last.epoch, last.step, last.steps) == (settings.epochs, 84, 84)
    assert last.seconds_left == 0 < last.characters_per_second
    assert result.validation_nats == validations[-1] == last.best_nats
    assert (result.best_epoch, result.epochs) == (settings.epochs, settings.epochs)
    assert not result.interrupted and result.resume_file is None
    assert result.summary().startswith(f"{output} holds the weights of epoch {settings.epochs}: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.safetensors", "text.txt"]


def test_checkpoint_says_what_it_is(
    text_path: Path, tmp_path: Path, settings: TrainingSettings
) -> None:
    settings = dataclasses.replace(settings, epochs=2)
    output = tmp_path / "model.safetensors"
    result = train(text_path, output, settings)
    text = text_path.read_text()
    _, metadata = read_checkpoint(output)
    assert (metadata["format"], metadata["format_version"]) == ("zynq-lstm-checkpoint", "1")
    assert json.loads(metadata["vocabulary"]) == sorted(set(text))
    stored = json.loads(metadata["settings"])
    assert stored.items() >= settings.to_dict().items()
    assert stored["text_split"] == [5400, 300, 300]
    results = json.loads(metadata["results"])
    assert results["validation_nats"] == result.validation_nats
    assert results["validation_bpc"] == result.validation_bpc
    assert (results["epochs"], results["best_epoch"]) == (2, 2)
    nats, count = evaluate(output, text[5400:5700])
    assert count == 299
    assert nats == pytest.approx(result.validation_nats, rel=1e-5)


def test_interrupted_and_resumed_like_uninterrupted(
    text_path: Path, tmp_path: Path, settings: TrainingSettings
) -> None:
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    settings = dataclasses.replace(settings, validate_every=2)
    expected = train(text_path, whole, settings)
    stopped = train(text_path, parts, settings, report=interrupt_in(4))
    assert stopped.interrupted
    assert (stopped.epochs, stopped.best_epoch) == (3, 2)
    assert stopped.resume_file == tmp_path / "parts.safetensors.resume"
    assert stopped.resume_file.exists()
    assert "Training was interrupted after epoch 3; resume it to go on. " in stopped.summary()
    assert json.loads(read_checkpoint(parts)[1]["results"])["best_epoch"] == 2

    resumed = train(text_path, parts, settings, resume=True)
    assert not stopped.resume_file.exists()
    assert_same_weights(whole, parts)
    assert resumed.validation_nats == expected.validation_nats
    assert resumed.seconds > stopped.seconds


def test_a_resumed_run_has_the_settings_that_it_began_with(
    text_path: Path, tmp_path: Path, settings: TrainingSettings
) -> None:
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    train(text_path, whole, settings)
    train(text_path, parts, settings, report=interrupt_in(2))
    with pytest.raises(UserError, match="but epochs is 9 now and was"):
        train(text_path, parts, {"epochs": 9}, resume=True)
    train(text_path, parts, {"epochs": settings.epochs}, resume=True)
    assert_same_weights(whole, parts)


def test_seed_decides_the_weights(
    text_path: Path, tmp_path: Path, settings: TrainingSettings
) -> None:
    settings = dataclasses.replace(settings, epochs=1)
    paths = [tmp_path / f"{i}.safetensors" for i in range(3)]
    for path, seed in zip(paths, [7, 7, 8], strict=True):
        torch.rand(seed)
        train(text_path, path, dataclasses.replace(settings, seed=seed))
    assert_same_weights(paths[0], paths[1])
    with pytest.raises(AssertionError):
        assert_same_weights(paths[0], paths[2])


def test_interrupted_before_the_first_checkpoint(
    text_path: Path, tmp_path: Path, settings: TrainingSettings
) -> None:
    with pytest.raises(KeyboardInterrupt) as ended:
        train(text_path, tmp_path / "model.safetensors", settings, report=interrupt_in(1))
    assert ended.value.args == ()
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_interrupted_with_a_state_before_the_first_checkpoint(
    text_path: Path, tmp_path: Path, settings: TrainingSettings
) -> None:
    output = tmp_path / "model.safetensors"
    settings = dataclasses.replace(settings, validate_every=4)
    with pytest.raises(KeyboardInterrupt) as ended:
        train(text_path, output, settings, report=interrupt_in(3))
    assert ended.value.args == (f"{output}.resume holds the run's state; go on with --resume",)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{output.name}.resume", "text.txt"]
    # A state that another run has left is not this one's.
    with pytest.raises(KeyboardInterrupt) as ended:
        train(text_path, output, settings, report=interrupt_in(1))
    assert ended.value.args == ()


def test_resume_refuses_other_settings_text_and_files(
    text_path: Path, tmp_path: Path, settings: TrainingSettings
) -> None:
    output = tmp_path / "model.safetensors"
    with pytest.raises(UserError, match=r"there is no .*\.resume; train without resuming"):
        train(text_path, output, settings, resume=True)
    stopped = train(text_path, output, settings, report=interrupt_in(2))
    state = stopped.resume_file
    with pytest.raises(UserError, match="but hidden is 17 now and was 16; restore it or train"):
        train(text_path, output, dataclasses.replace(settings, hidden=17), resume=True)
    text_path.write_text(text_path.read_text().replace("lo", "ol"))
    with pytest.raises(UserError, match="but text_sha256 is"):
        train(text_path, output, settings, resume=True)
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(UserError, match="is damaged; remove it and train without resuming"):
        train(text_path, output, settings, resume=True)


def test_unusable_output(text_path: Path, tmp_path: Path, settings: TrainingSettings) -> None:
    with pytest.raises(UserError, match=r"Output .*none/model.* must be writable: No such"):
        train(text_path, tmp_path / "none" / "model.safetensors", settings)
    with pytest.raises(UserError, match=r"Output must be a file, but .* is a folder"):
        train(text_path, tmp_path, settings)


def test_diverging_run(
    text_path: Path, tmp_path: Path, settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zynq_lstm.train.trainer.learning_rate", lambda *_: float("inf"))
    with pytest.raises(
        UserError, match="Training loss must stay finite, but it was nan in epoch 1;"
    ):
        train(text_path, tmp_path / "model.safetensors", settings)
    assert not (tmp_path / "model.safetensors").exists()


@pytest.mark.parametrize("validate_every", [1, 2])
def test_ends_when_it_is_out_of_patience(
    text_path: Path,
    tmp_path: Path,
    settings: TrainingSettings,
    monkeypatch: pytest.MonkeyPatch,
    validate_every: int,
) -> None:
    losses = iter([2.0, 1.5, 1.6, 1.4, 1.5, 1.5, 1.4, 1.0])
    monkeypatch.setattr("zynq_lstm.train.trainer.cross_entropy", lambda *_: next(losses))
    settings = dataclasses.replace(
        settings, epochs=20, streams=32, patience=3, validate_every=validate_every
    )
    result = train(text_path, tmp_path / "model.safetensors", settings)
    assert (result.best_epoch, result.epochs) == (4 * validate_every, 7 * validate_every)
    assert result.validation_nats == 1.4
    assert not result.interrupted
    assert not (tmp_path / "model.safetensors.resume").exists()


def test_settings_follow_the_text_but_for_those_given(text_path: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.safetensors"
    given = {"epochs": 1, "hidden": 8, "precision": "float32", "unroll": 32}
    begun: list[Beginning] = []
    train(text_path, output, given, begin=begun.append)
    vocabulary = len(set(text_path.read_text()))
    expected = settings_for(5400, vocabulary, given)
    assert begun == [Beginning(expected, 5400, vocabulary, vocabulary, "character", 21)]
    assert (expected.epochs, expected.streams) == (1, 8)
    stored = json.loads(read_checkpoint(output)[1]["settings"])
    assert stored.items() >= expected.to_dict().items()
    on = tmp_path / "on.safetensors"
    train(text_path, on, {"epochs": 1, "precision": "float32"}, start=output)
    stored = json.loads(read_checkpoint(on)[1]["settings"])
    assert stored["learning_rate"] == FINE_TUNING.learning_rate
    assert (stored["hidden"], stored["streams"]) == (8, 2)


def test_a_long_text_is_read_and_validated_in_part(
    text_path: Path, tmp_path: Path, settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zynq_lstm.train.trainer.MOST_VALIDATED", 100)
    output = tmp_path / "model.safetensors"
    reports: list[Progress] = []
    settings = dataclasses.replace(settings, epochs=2, epoch_symbols=1000)
    result = train(text_path, output, settings, report=reports.append)
    assert {progress.steps for progress in reports} == {1000 // 64}
    assert [progress.validated for progress in reports] == [True, True]
    nats, count = evaluate(output, text_path.read_text()[5400:5500])
    assert nats == pytest.approx(result.validation_nats, rel=1e-5)
    results = json.loads(read_checkpoint(output)[1]["results"])
    assert results["validation_characters"] == count == 99


class Disk:
    """A disk on which some files have no room, and what is said of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
        self.full = set(names)
        self.notes: list[str] = []
        for module in ("trainer", "checkpoint"):
            monkeypatch.setattr(f"zynq_lstm.train.{module}.write_whole", self.write)

    def write(self, path: Path | str, content: bytes) -> None:
        if Path(path).name in self.full or str(Path(path).parent.name) in self.full:
            raise UserError(f"Output {Path(path).name} must be writable: No space left on device")
        Path(path).write_bytes(content)


MODEL, STATE = "model.safetensors", "model.safetensors.resume"


@pytest.mark.parametrize("full", [[MODEL], [STATE], [MODEL, STATE]])
def test_a_disk_that_is_full_for_a_while_costs_nothing(
    text_path: Path,
    tmp_path: Path,
    settings: TrainingSettings,
    monkeypatch: pytest.MonkeyPatch,
    full: list[str],
) -> None:
    whole, output = tmp_path / "whole.safetensors", tmp_path / MODEL
    train(text_path, whole, settings)
    disk = Disk(monkeypatch, *full)

    def report(now: Progress) -> None:
        if now.epoch == 2 and now.step == now.steps:
            assert len(disk.notes) == 1
            assert not (tmp_path / full[0]).exists()
            # A state would go on from a checkpoint that is not there.
            assert not (tmp_path / STATE).exists()
            disk.full.clear()
        if now.epoch == 3:
            assert {path.name for path in tmp_path.iterdir()} >= {MODEL, STATE}

    result = train(text_path, output, settings, report=report, warn=disk.notes.append)
    assert (result.best_epoch, result.resume_file) == (settings.epochs, None)
    assert_same_weights(whole, output)
    assert disk.notes == [
        f"Output {full[0]} must be writable: No space left on device. Training goes on; it tries "
        "again after each epoch"
    ]
    assert {path.name for path in tmp_path.iterdir()} == {whole.name, MODEL, "text.txt"}


def test_a_checkpoint_that_never_had_room_is_left_elsewhere(
    text_path: Path, tmp_path: Path, settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = dataclasses.replace(settings, epochs=2)
    whole, output = tmp_path / "whole.safetensors", tmp_path / "full" / MODEL
    train(text_path, whole, settings)
    output.parent.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Disk(monkeypatch, "full")
    for interruption in (None, interrupt_in(2)):
        with pytest.raises(
            UserError, match=r"No space left on device\. The checkpoint of"
        ) as ended:
            train(text_path, output, settings, report=interruption)
        rescued = Path(str(ended.value).split(" is in ")[1].split(";")[0])
        assert rescued.parent.parent == tmp_path and rescued.name == MODEL
        if interruption is None:
            assert_same_weights(whole, rescued)
    assert list(output.parent.iterdir()) == []


def test_where_no_disk_has_room_the_state_is_named_if_there_is_one(
    text_path: Path, tmp_path: Path, settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, output = tmp_path / "whole.safetensors", tmp_path / MODEL
    train(text_path, whole, settings)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    disk = Disk(monkeypatch)

    def fill(now: Progress) -> None:
        if now.epoch == 2:
            monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
            disk.full = {MODEL, STATE}

    sentence = rf"\. .*{STATE} holds the run as it was after epoch 1; go on with --resume"
    with pytest.raises(UserError, match=sentence):
        train(text_path, output, settings, report=fill)
    assert json.loads(read_checkpoint(output)[1]["results"])["best_epoch"] == 1
    disk.full.clear()
    train(text_path, output, settings, resume=True)
    assert_same_weights(whole, output)
    disk.full = {STATE}
    with pytest.raises(UserError, match=r"\. It still holds the weights of epoch 1$"):
        train(text_path, output, settings, report=fill)
    with pytest.raises(UserError, match="The run is lost, for temporary files have no room"):
        train(text_path, output, settings)
