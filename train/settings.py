"""What a training run is made of: one frozen object, checked when it is made.

The defaults are those of the Shakespeare model that the project ships; `defaults` changes them for
texts of other sizes. The settings are written into the checkpoint and into the resume file, and a
run is continued only with the settings that it was begun with.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from zynq_lstm.quant.config import WEIGHT_BITS, check_bits
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.float_model import MODEL_UNITS

PRECISIONS = ("float32", "bfloat16")
SYMBOLS = ("characters", "bytes")

Value = int | float | str | None
"""A setting."""


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of one training run.

    Parameters
    ----------
    layers : int
        LSTM layers, 1 or 2.
    hidden : int
        Hidden units of each layer, 8 to 128.
    embedding : int
        Width of the symbol embedding during training, 1 to 1024. The checkpoint holds it folded
        into the first layer's weights, so that it costs the accelerator nothing.
    epochs : int
        Passes over the training text, or over parts of it.
    epoch_symbols : int
        Most symbols of the training text that an epoch reads. Of a longer text each epoch reads a
        part, at places drawn anew.
    streams : int
        Places of the text that are read at the same time (the batch size).
    unroll : int
        Characters of each stream between two updates (the truncation length).
    learning_rate : float
        Highest learning rate, reached at the end of the warm-up.
    warmup : int
        Updates over which the learning rate rises from zero.
    weight_decay : float
        Decoupled weight decay of the matrices; biases are left alone.
    clip : float
        Largest norm of the gradient of all parameters together.
    dropout : float
        Probability of leaving out a unit at the first layer's input, between the layers and
        before the head.
    recurrent_dropout : float
        Probability of leaving out a single recurrent weight during an update.
    averaging : float
        Decay of the moving average of the weights that is validated and stored.
    validate_every : int
        Epochs between two validations; the last epoch is always validated.
    patience : int
        Validations without a better one after which the run ends early; 0 for never.
    precision : str
        ``"bfloat16"`` computes the LSTM layers of the training steps in bfloat16, about three
        times as fast on processors that have it; the weights, their updates and the validation
        are float32 in any case. ``"float32"`` computes everything in float32.
    symbols : str
        ``"characters"``: the symbols are the text's different characters. ``"bytes"``: they are
        the 256 bytes, whatever the text.
    weight_bits : int or None
        8 or 4: train with weights of so many bits and the accelerator's own arithmetic
        (`quantized_network`), in float32. None: in float.
    output_bits : int
        Bits of the output layer's weights then; 4 only where the others have 4.
    seed : int
        Seed of the initial weights, of the streams' places and of the dropout masks.
    """

    layers: int = 2
    hidden: int = 128
    embedding: int = 64
    epochs: int = 150
    epoch_symbols: int = 1 << 22
    streams: int = 32
    unroll: int = 128
    learning_rate: float = 4e-3
    warmup: int = 500
    weight_decay: float = 0.1
    clip: float = 1.0
    dropout: float = 0.1
    recurrent_dropout: float = 0.1
    averaging: float = 0.999
    validate_every: int = 1
    patience: int = 0
    precision: str = "bfloat16"
    symbols: str = "characters"
    weight_bits: int | None = None
    output_bits: int = 8
    seed: int = 1

    def __post_init__(self) -> None:
        _check_integer("Number of layers", self.layers, 1, 2)
        _check_integer("Number of hidden units", self.hidden, MODEL_UNITS[0], MODEL_UNITS[-1])
        _check_integer("Embedding width", self.embedding, 1, 1024)
        _check_integer("Number of epochs", self.epochs, 1, 1_000_000)
        _check_integer("Number of symbols of an epoch", self.epoch_symbols, 1, 1 << 30)
        _check_integer("Number of streams", self.streams, 1, 4096)
        _check_integer("Unroll length", self.unroll, 1, 4096)
        _check_integer("Number of warm-up updates", self.warmup, 0, 1_000_000)
        _check_integer("Number of epochs between validations", self.validate_every, 1, 1_000_000)
        _check_integer("Patience", self.patience, 0, 1_000_000)
        _check_integer("Seed", self.seed, 0, 2**32 - 1)
        _check_number("Learning rate", self.learning_rate, above=0.0, most=1.0)
        _check_number("Weight decay", self.weight_decay, least=0.0, most=10.0)
        _check_number("Gradient clip", self.clip, above=0.0, most=1e6)
        _check_number("Dropout", self.dropout, least=0.0, most=0.9)
        _check_number("Recurrent dropout", self.recurrent_dropout, least=0.0, most=0.9)
        _check_number("Averaging", self.averaging, least=0.0, most=0.99999)
        if self.precision not in PRECISIONS:
            raise UserError(
                f"Precision must be one of {', '.join(PRECISIONS)}, not {self.precision!r}"
            )
        if self.symbols not in SYMBOLS:
            raise UserError(f"Symbols must be one of {', '.join(SYMBOLS)}, not {self.symbols!r}")
        check_bits(
            WEIGHT_BITS[0] if self.weight_bits is None else self.weight_bits, self.output_bits
        )

    def to_dict(self) -> dict[str, Value]:
        """Return the settings as plain values, in the order of the fields."""
        return dataclasses.asdict(self)


def _check_integer(what: str, value: int, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UserError(f"{what} must be an integer from {least} to {most}, not {value!r}")


def _check_number(
    what: str, value: float, *, most: float, least: float | None = None, above: float | None = None
) -> None:
    low = f"from {least:g}" if least is not None else f"above {above:g}"
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if good:
        good = value <= most and (value >= least if least is not None else value > above)
    if not good:
        raise UserError(f"{what} must be a number {low} to {most:g}, not {value!r}")


FINE_TUNING = TrainingSettings(
    epochs=4,
    streams=64,
    learning_rate=1e-3,
    warmup=60,
    weight_decay=0.02,
    recurrent_dropout=0.0,
    averaging=0.99,
)
"""Defaults for going on from a trained checkpoint, with quantized weights or without."""
