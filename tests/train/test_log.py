"""The log of a run, line by line and across a resumption."""

import pytest

from zynq_lstm.quant.errors import UserError
from zynq_lstm.train.log import COLUMNS, Line, Log, read_log
from zynq_lstm.train.progress import Progress


def report(
    epoch: int, step: int = 10, validation: float | None = 1.5, epochs: int = 9, every: int = 1
) -> Progress:
    done = step == 10 and (epoch % every == 0 or epoch == epochs)
    losses = (2.0 / epoch, validation, validation)
    return Progress("character", epoch, epochs, step, 10, *losses, 1234.56, 3.0, done)


def test_a_line_an_epoch(tmp_path) -> None:
    path = tmp_path / "log.csv"
    log = Log(path)
    for now in (report(1, 5), report(1), report(2, 5), report(2)):
        log.add(now)
    assert (
        read_log(path)
        == log.lines
        == [
            Line(1, 2.0, 1.5, 1.5, 1234.6),
            Line(2, 1.0, 1.5, 1.5, 1234.6),
        ]
    )
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)


def test_epochs_without_validation_have_none(tmp_path) -> None:
    log = Log(tmp_path / "log.csv")
    log.add(report(1, validation=None, every=3))
    for epoch in (2, 3, 4, 5):
        log.add(report(epoch, epochs=5, every=3))
    assert [line.validation_nats for line in log.lines] == [None, None, 1.5, None, 1.5]
    assert read_log(tmp_path / "log.csv") == log.lines


def test_goes_on_where_the_run_goes_on(tmp_path) -> None:
    path = tmp_path / "log.csv"
    log = Log(path, resume=True)
    for epoch in (1, 2, 3):
        log.add(report(epoch))
    resumed = Log(path, resume=True)
    resumed.add(report(3, validation=1.25))  # Trained again: its state had not been written.
    resumed.add(report(4))
    assert [line.epoch for line in read_log(path)] == [1, 2, 3, 4]
    assert read_log(path)[2].validation_nats == 1.25
    Log(path).add(report(1))
    assert len(read_log(path)) == 1


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n", ",".join(COLUMNS).encode() + b"\n1,2\n", b"\xff\xfe", b"\0"]
)
def test_refuses_other_files(tmp_path, content) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match="must be one that training wrote"):
        Log(path, resume=True)


def test_refuses_what_cannot_be_read_or_written(tmp_path) -> None:
    with pytest.raises(UserError, match="must be a readable file"):
        read_log(tmp_path)
    with pytest.raises(UserError, match="must be writable"):
        Log(tmp_path / "none" / "log.csv").add(report(1))
