"""`zynq-lstm train`: options to settings, progress, its end; PyTorch itself is stood in for."""

import sys
import types
from dataclasses import fields
from pathlib import Path

import pytest

from zynq_lstm.quant.packages import install_command
from zynq_lstm.train.defaults import settings_for
from zynq_lstm.train.progress import Beginning, Progress, TrainingResult
from zynq_lstm.train.settings import TrainingSettings


class ModelledTrainer(types.ModuleType):
    """Stands in for the trainer: keeps what it was called with and reports its epochs."""

    interrupted = False
    unit = "character"
    epochs = 2
    seconds = 90.0
    different = 65

    def train(
        self, text_path, output, given, *, start, resume, begin, report, warn
    ) -> TrainingResult:
        self.called = (text_path, output, given, resume)
        self.start = start
        counts = 1_003_854, self.different, 65
        begin(Beginning(settings_for(1_003_854, 65, given), *counts, self.unit, 245))
        for epoch in range(1, self.epochs + 1):
            for step in (10,) if self.epochs == 1 else (5, 10):
                left = 300.0 if epoch < self.epochs else 0.0
                place = (epoch, self.epochs, step, 10)
                report(Progress(self.unit, *place, 2.0, 1.5, 1.5, 1e4, left, step == 10))
        output.write_text("model")
        state = output.with_name("model.resume") if self.interrupted else None
        end = (1.5, self.epochs, self.epochs, self.seconds, self.interrupted, state)
        return TrainingResult(output, self.unit, *end)


@pytest.fixture
def trainer(monkeypatch) -> ModelledTrainer:
    module = ModelledTrainer("zynq_lstm.train.trainer")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("text")
    return path


def test_settings_follow_the_text_and_are_told(run, trainer, text, tmp_path) -> None:
    output = tmp_path / "model"
    result = run("train", text, "-o", output)
    assert result.status == 0
    assert result.out == ""
    assert trainer.called == (text, output, {}, False)
    about, settings, duration = result.err.splitlines()[:3]
    assert about == f"{text}: 1,003,854 characters to learn from, 65 different ones"
    assert settings.startswith("Settings: epochs 150, epoch symbols 1003520, streams 32, learning")
    assert ", warmup 500, " in settings and settings.endswith(", validate every 1, no early end")
    assert duration == "About 5 minutes to go, at 10,000 characters/s"
    assert "1.5000 nats (2.1640 bits) a character" in result.err


def test_tells_the_texts_symbols_from_the_models(run, trainer, text, tmp_path) -> None:
    trainer.different = 62
    about = run("train", text, "-o", tmp_path / "model").err.splitlines()[0]
    assert about.endswith(" to learn from, 62 different ones of the model's 65")


def test_tells_what_a_short_run_uses(run, trainer, text, tmp_path) -> None:
    """The trainer that stands in makes 245 updates an epoch."""
    result = run("train", text, "-o", tmp_path / "model", "--epochs", 3, "--patience", 2)
    assert ", warmup 73, " in result.err
    assert ", no early end\n" in result.err
    result = run("train", text, "-o", tmp_path / "model", "--epochs", 4, "--patience", 2)
    assert ", patience 2\n" in result.err


def test_bytes_are_called_bytes(run, trainer, text, tmp_path) -> None:
    trainer.unit = "byte"
    result = run("train", text, "-o", tmp_path / "model")
    assert "1,003,854 bytes to learn from" in result.err
    assert "to go, at 10,000 bytes/s" in result.err
    assert "(best 1.5000), 10,000 bytes/s" in result.err
    assert "(2.1640 bits) a byte on the validation text" in result.err
    assert "character" not in result.err


def test_one_is_said_as_one(run, trainer, text, tmp_path) -> None:
    trainer.epochs, trainer.seconds = 1, 0.3
    result = run("train", text, "-o", tmp_path / "model", "--epochs", 1)
    assert "to go" not in result.err
    assert result.err.endswith("; done after 1 epoch and 1 second\n")


def test_an_interrupt_before_a_checkpoint_says_what_is_kept(run, trainer, text, tmp_path) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt("model.resume holds the run's state; go on with --resume")

    trainer.train = interrupted
    result = run("train", text, "-o", tmp_path / "model")
    assert (result.status, result.out) == (130, "")
    assert result.err == ("Interrupted. model.resume holds the run's state; go on with --resume\n")


def test_each_setting_has_an_option(run, trainer, text, tmp_path) -> None:
    changed = {
        field.name: {
            "layers": 1, "dropout": 0.3, "recurrent_dropout": 0.4, "averaging": 0.5,
            "precision": "float32", "patience": 3, "symbols": "bytes",
            "weight_bits": 4, "output_bits": 4,
        }.get(field.name) or field.default * 2
        for field in fields(TrainingSettings) if field.name != "hidden"
    } | {"hidden": 64}  # fmt: skip
    options = [x for name, value in changed.items() for x in (f"--{name.replace('_', '-')}", value)]
    assert run("train", text, "-o", tmp_path / "model", *options, "--resume").status == 0
    assert trainer.called[2] == changed
    assert trainer.called[3] is True


def test_a_log_gets_a_line_an_epoch(run, trainer, text, tmp_path) -> None:
    lines = run("train", text, "-o", tmp_path / "model").err.splitlines()[3:]
    assert [line.split(",")[0] for line in lines[:-1]] == ["epoch 1/2", "epoch 2/2"]
    assert "validation 1.5000 (best 1.5000), 10,000 characters/s" in lines[0]


def test_says_how_to_go_on_after_an_interruption(run, trainer, text, tmp_path) -> None:
    trainer.interrupted = True
    result = run("train", text, "-o", tmp_path / "model")
    assert result.status == 130
    assert "go on with --resume" in result.err


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--layers", 3], "Number of layers must be an integer from 1 to 2, not 3"),
        (["--learning-rate", "nan"], "Learning rate must be"),
        (["--precision", "int8"], "Precision must be one of"),
        (["--weight-bits", 2], "Weight bits must be 8 or 4, not 2"),
        (["--output-bits", 4], "Output weight bits must be at least the 8"),
    ],
)
def test_refuses_settings(run, trainer, text, tmp_path, options, part) -> None:
    run("train", text, "-o", tmp_path / "model", *options).refused(part)
    assert not hasattr(trainer, "called")


def test_refuses_an_output_before_it_trains(run, trainer, text, tmp_path) -> None:
    run("train", text, "-o", tmp_path / "none" / "model").refused("Output", "must be writable")
    run("train", text, "-o", text).refused("input")
    assert not hasattr(trainer, "called")


def test_says_that_pytorch_is_missing(run, text, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("zynq_lstm.train.")]:
        if name.rpartition(".")[2] not in ("settings", "progress"):
            monkeypatch.delitem(sys.modules, name)
    result = run("train", text, "-o", tmp_path / "model")
    result.refused("needs the package torch", install_command("train"))
    assert list(tmp_path.iterdir()) == [text]


def test_writes_a_log_and_draws_it(run, trainer, text, tmp_path) -> None:
    pytest.importorskip("matplotlib")
    log, plot = tmp_path / "log.csv", tmp_path / "plot.png"
    assert run("train", text, "-o", tmp_path / "model", "--log", log, "--plot", plot).status == 0
    assert log.read_text().splitlines() == [
        "epoch,training_nats,validation_nats,best_nats,characters_per_second",
        "1,2.0,1.5,1.5,10000.0",
        "2,2.0,1.5,1.5,10000.0",
    ]
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_begins_from_a_checkpoint(run, trainer, text, checkpoint_path, tmp_path) -> None:
    assert run("train", text, "-o", tmp_path / "model", "--from", checkpoint_path).status == 0
    assert trainer.start == checkpoint_path
    assert trainer.called[2] == {}
    run("train", text, "-o", checkpoint_path, "--from", checkpoint_path).refused("input")


def test_says_that_it_ended_early(run, trainer, text, tmp_path) -> None:
    early = run("train", text, "-o", tmp_path / "m").err
    assert "; out of patience after 2 epochs and 2 minutes" in early
    assert "; done after 2" in run("train", text, "-o", tmp_path / "m", "--epochs", 2).err


def test_refuses_outputs_that_collide(run, trainer, text, tmp_path) -> None:
    model, log = tmp_path / "model", tmp_path / "log.csv"
    start = ("train", text, "-o", model)
    run(*start, "--plot", tmp_path / "x.png").refused("must have a log", "--log FILE")
    run(*start, "--log", log, "--plot", tmp_path / "x.svg").refused("must have the ending .png")
    run(*start, "--log", model).refused("must be different files")
    plot = tmp_path / "log.png"
    run(*start, "--log", plot, "--plot", plot).refused("must be different files")
    run(*start, "--log", text).refused("input")
    log.write_text("something,else\n")
    run(*start, "--log", log, "--resume").refused("Log", "must be one that training wrote")
    assert not hasattr(trainer, "called")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_a_log_without_room_ends_no_training(run, trainer, text, tmp_path) -> None:
    result = run("train", text, "-o", tmp_path / "model", "--log", "/dev/full")
    assert result.status == 1
    *said, kept, last = result.err.splitlines()
    full = "Output /dev/full must be writable: No space left on device; make room or choose another"
    assert [line for line in said if "full" in line] == [
        f"Note: {full} path. Training goes on; it tries again after each epoch"
    ]
    assert kept.startswith(f"{tmp_path / 'model'}: 1.5000 nats")
    assert last == f"zynq-lstm: {full} path"


def test_a_text_of_windows_is_told_before_the_work(run, tmp_path) -> None:
    pytest.importorskip("torch")
    text = tmp_path / "text.txt"
    text.write_bytes(b"abcabcabd\r\n" * 1000)
    options = ("--epochs", 1, "--hidden", 8, "--layers", 1, "--streams", 4)
    result = run("train", text, "-o", tmp_path / "m", *options)
    assert result.status == 0
    note, about = result.err.splitlines()[:2]
    assert note.startswith(f"Note: {text} makes '\\r' (U+000D) a symbol of the model; its lines")
    assert about.startswith(f"{text}: ")
    again = run("train", text, "-o", tmp_path / "n", "--from", tmp_path / "m", "--epochs", 1)
    assert again.status == 0 and "Note" not in again.err, "the model had it"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_a_model_without_room_is_one_sentence(run, tmp_path) -> None:
    pytest.importorskip("torch")
    text = tmp_path / "text.txt"
    text.write_text("abcabcabd" * 1000)
    options = ("--epochs", 1, "--hidden", 8, "--layers", 1, "--streams", 4)
    result = run("train", text, "-o", "/dev/full", *options)
    assert result.status == 1
    note, last = result.err.splitlines()[-2:]
    assert note.startswith("epoch 1/1")
    assert last.startswith("zynq-lstm: Output /dev/full must be writable: No space left on device")
    rescued = Path(last.split(" is in ")[1].split(";")[0])
    assert rescued.stat().st_size > 1000
    rescued.unlink()
    rescued.parent.rmdir()
