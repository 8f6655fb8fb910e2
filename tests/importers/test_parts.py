"""Parts of a model that do not fit each other are told in terms of the model."""

import re

import numpy as np
import pytest

from zynq_lstm.importers.parts import Cell, Parts, check_sizes
from zynq_lstm.quant.errors import UserError


def parts(*units: int) -> Parts:
    """Layers of these units, 7 symbols."""
    cells = []
    for inputs, hidden in zip((7, *units), units, strict=False):
        cells.append(Cell(np.zeros((4 * hidden, inputs)), np.zeros((4 * hidden, hidden))))
    return Parts(None, tuple(cells), np.zeros((7, units[-1])), None)


def test_layers_of_one_size_are_taken() -> None:
    check_sizes(parts(24), "Model x")
    check_sizes(parts(24, 24), "Model x")


def test_layers_of_two_sizes_are_told_by_their_units() -> None:
    sentence = "as many hidden units in one LSTM layer as in the other, for the accelerator's are"
    with pytest.raises(UserError, match=re.escape(sentence) + ".*; found 24 and 32$"):
        check_sizes(parts(24, 32), "Model x")
