"""`zynq-lstm train`: options to settings, progress, its end; PyTorch itself is stood in for."""

import sys
import types
from dataclasses import fields

import pytest

from zynq_lstm.train.defaults import settings_for
from zynq_lstm.train.progress import Beginning, Progress, TrainingResult
from zynq_lstm.train.settings import TrainingSettings


class ModelledTrainer(types.ModuleType):
    """Stands in for the trainer: keeps what it was called with and reports two epochs."""

    interrupted = False

    def train(self, text_path, output, given, *, start, resume, begin, report) -> TrainingResult:
        self.called = (text_path, output, given, resume)
        self.start = start
        begin(Beginning(settings_for(1_003_854, 65, given), 1_003_854, 65, "character"))
        for epoch in (1, 2):
            for step in (5, 10):
                report(Progress(epoch, 2, step, 10, 2.0, 1.5, 1.5, 1e4, 300.0, step == 10))
        output.write_text("model")
        left = output.with_name("model.resume") if self.interrupted else None
        return TrainingResult(output, 1.5, 2, 2, 90.0, self.interrupted, left)


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
    assert settings.startswith("Settings: epochs 150, epoch symbols 4194304, streams 32, learning")
    assert duration == "About 5 minutes to go, at 10,000 characters/s"
    assert "1.5000 nats (2.1640 bits) a character" in result.err


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
    result.refused("needs the package torch", "pip install 'zynq-lstm[train]'")
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
    assert "; out of patience after 2 epochs" in run("train", text, "-o", tmp_path / "m").err
    assert "; done after 2" in run("train", text, "-o", tmp_path / "m", "--epochs", 2).err


def test_refuses_outputs_that_collide(run, trainer, text, tmp_path) -> None:
    model, log = tmp_path / "model", tmp_path / "log.csv"
    start = ("train", text, "-o", model)
    run(*start, "--plot", tmp_path / "x.png").refused("must have a log", "--log FILE")
    run(*start, "--log", model).refused("must be different files")
    run(*start, "--log", log, "--plot", log).refused("must be different files")
    run(*start, "--log", text).refused("input")
    log.write_text("something,else\n")
    run(*start, "--log", log, "--resume").refused("Log", "must be one that training wrote")
    assert not hasattr(trainer, "called")
