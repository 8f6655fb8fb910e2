"""The picture of a training run."""

import pytest

pytest.importorskip("matplotlib")

from zynq_lstm.cli.reporting.curves import curves
from zynq_lstm.cli.reporting.style import png
from zynq_lstm.train.log import Line


def test_draws_both_losses_and_the_best() -> None:
    validations = {2: 3.0, 4: 1.0, 6: 3.0}
    lines = [Line(k, 3.0 / k, validations.get(k), 1.0, 1e4) for k in range(1, 8)]
    made = curves(lines)
    training, validation, *_ = made.axes[0].get_lines()
    assert list(training.get_ydata()) == [line.training_nats for line in lines]
    assert list(validation.get_xdata()) == [2, 4, 6]
    labels = [text.get_text() for text in made.axes[0].get_legend().get_texts()]
    assert labels[-1] == "best, 1.0000 after epoch 4"
    assert png(made).startswith(b"\x89PNG")


def test_draws_a_run_without_a_validation() -> None:
    assert png(curves([Line(1, 3.0, None, None, 1e4)]))
