"""Float weights to integers: int8 or int4 with a scale a row, tables and biases in fixed point.

The scale is chosen first, on the grid of `SCALE`, as the least one at which the row's largest
weight fits the limit (127, or 7 of 4 bits); the weights are then rounded with exactly that scale,
so scales add no error. What cannot be represented is refused: nothing is clipped in silence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.config import GATES, MOST_SYMBOLS, WEIGHT_BITS, Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.float_model import FloatModel
from zynq_lstm.quant.formats import (
    ACCUMULATOR,
    HIDDEN,
    LOGIT,
    PARTIAL,
    PREACTIVATION,
    SCALE,
    SCALED,
    WEIGHT_LIMIT,
    Format,
)
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.parameters import Parameters, matrix_rows, row_count


def scale_unit(target: Format) -> float:
    """Weight that one LSB of a row's scale and one LSB of its weight stand for."""
    return float(2.0 ** (HIDDEN.fraction - SCALE.fraction - target.fraction))


def quantize_rows(
    weights: NDArray[np.float32], target: Format, what: str, limit: int = WEIGHT_LIMIT
) -> tuple[NDArray[np.int8], NDArray[np.uint16]]:
    """Quantize rows (..., columns) whose sums are wanted in ``target``'s format.

    Parameters
    ----------
    weights : ndarray of float32, shape (..., columns)
    target : Format
    what : str
        What the rows are called in errors.
    limit : int
        Greatest magnitude of an integer.

    Returns
    -------
    (int8 array of the same shape, uint16 array of the shape without columns)

    Raises
    ------
    UserError
        When a weight is too large for the scale's range.
    """
    unit = scale_unit(target)
    w = np.asarray(weights, np.float64)
    largest = np.abs(w).max(axis=-1)
    greatest = SCALE.maximum * limit * unit
    if largest.max(initial=0.0) > greatest:
        raise UserError(
            f"Weights of {what} must be within +-{greatest:.2f}, not {largest.max():.2f}; "
            + (
                "train with weight decay or gradient clipping"
                if limit == WEIGHT_LIMIT
                else f"train for these integers, up to {limit}, with zynq-lstm train --weight-bits"
            )
        )
    scales = np.maximum(1, np.ceil(largest / (limit * unit)))
    quantized = np.rint(w / (scales[..., None] * unit))
    return quantized.astype(np.int8), scales.astype(np.uint16)


def quantize_values(values: NDArray[np.float32], form: Format, what: str) -> NDArray[np.int16]:
    """Round values to a fixed-point format, to nearest, ties to even.

    Parameters
    ----------
    values : ndarray of float32
        Of any shape; the integers have the same.
    form : Format
        Of at most 16 bits.
    what : str
        What the values are, in the plural, for the error.

    Raises
    ------
    UserError
        When one is out of its range.
    """
    scaled = np.rint(np.asarray(values, np.float64) / form.lsb)
    if scaled.size and (scaled.max() > form.maximum or scaled.min() < form.minimum):
        worst = float(np.abs(values).max())
        raise UserError(
            f"{what} must be from {form.minimum * form.lsb:g} to {form.maximum * form.lsb:g}, "
            f"found {worst:.2f} in magnitude; train with weight decay or gradient clipping"
        )
    return scaled.astype(np.int16)


def prove_no_overflow(weights: NDArray[np.int8], biases: NDArray[np.int16]) -> None:
    """Show from the integers that no sum of the datapath can leave its register.

    With |h| <= 128, a row's sum is at most 128 * sum |w|; it must fit `ACCUMULATOR`. A requantized
    sum saturates to `SCALED`; with a bias of 16 bits it must fit `PARTIAL`.

    Parameters
    ----------
    weights : ndarray of int8, shape (rows, 4, hidden)
    biases : ndarray of int16, shape (rows, 4)
        `PREACTIVATION` or `LOGIT` format.

    Raises
    ------
    UserError
        When a row could overflow.
    """
    bound = int(np.abs(weights.astype(np.int64)).sum(axis=-1).max()) * -HIDDEN.minimum
    if bound > ACCUMULATOR.maximum:
        raise UserError(
            f"A row's sum must stay within {ACCUMULATOR.maximum}, but could reach {bound}"
        )
    largest = int(np.abs(biases.astype(np.int64)).max(initial=0)) - SCALED.minimum
    if largest > -PARTIAL.minimum:
        raise UserError(
            f"A row's sum and bias must stay within {PARTIAL.maximum}, but could reach {largest}"
        )


def quantize_parameters(model: FloatModel, config: Config) -> Parameters:
    """Quantize and pad a model to a configuration.

    Raises
    ------
    UserError
        When the model does not fit the configuration or a number its format.
    """
    symbols, hidden = len(model.vocabulary), model.hidden
    if len(model.layers) != config.layers:
        raise UserError(
            f"The model must have {config.layers} layers, not {len(model.layers)}; "
            "choose a configuration with as many"
        )
    if hidden > config.hidden or symbols > config.symbols:
        raise UserError(
            f"The model must have at most {config.hidden} units and {config.symbols} symbols, "
            f"not {hidden} and {symbols}"
        )
    rows = row_count(config, symbols)
    where = matrix_rows(config, symbols)
    weights = np.zeros((rows, GATES, config.hidden), np.int8)
    scales = np.ones((rows, GATES), np.uint16)
    biases = np.zeros((rows, GATES), np.int16)

    def place(name: str, matrix: NDArray[np.float32], what: str) -> None:
        start = where[name].start
        w, s = quantize_rows(by_unit(matrix), PREACTIVATION, what, config.weight_limit)
        weights[start : start + hidden, :, :hidden] = w
        scales[start : start + hidden] = s

    first = model.layers[0]
    place("hh1", first.weight_hh, "layer 1, recurrent")
    if config.layers == 2:
        second = model.layers[1]
        place("ih2", second.weight_ih, "layer 2, input")
        place("hh2", second.weight_hh, "layer 2, recurrent")
        start = where["hh2"].start
        biases[start : start + hidden] = quantize_values(
            by_unit(second.bias), PREACTIVATION, "Biases of layer 2"
        )
    w, s = quantize_rows(model.head_weight, LOGIT, "the output layer", config.output_limit)
    out = where["out"]
    lanes = (out.stop - out.start) * GATES
    flat_w = np.zeros((lanes, config.hidden), np.int8)
    flat_s, flat_b = np.ones(lanes, np.uint16), np.zeros(lanes, np.int16)
    flat_w[:symbols, :hidden], flat_s[:symbols] = w, s
    flat_b[:symbols] = quantize_values(model.head_bias, LOGIT, "Biases of the output layer")
    weights[out] = flat_w.reshape(-1, GATES, config.hidden)
    scales[out], biases[out] = flat_s.reshape(-1, GATES), flat_b.reshape(-1, GATES)

    table = np.zeros((symbols, config.hidden, GATES), np.int16)
    with np.errstate(over="ignore"):  # infinity is refused below
        entries = (first.weight_ih + first.bias[:, None]).T  # symbol, gate and unit
    table[:, :hidden] = quantize_values(
        entries.reshape(symbols, GATES, hidden).transpose(0, 2, 1),
        PREACTIVATION,
        "Input weights plus biases of layer 1",
    )
    prove_no_overflow(weights, biases)
    return Parameters(config, symbols, weights, scales, biases, table)


def by_unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """PyTorch's gate-major rows (4 * hidden, ...) as (hidden, 4, ...)."""
    return rows.reshape(GATES, -1, *rows.shape[1:]).swapaxes(0, 1)


def quantize(model: FloatModel, config: Config | None = None) -> Image:
    """Quantize a model into an image.

    Parameters
    ----------
    model : FloatModel
    config : Config, optional
        Default: two layers of 128 units (one, for a one-layer model), with 128 symbols, or 256
        where the model has more.

    Raises
    ------
    UserError
        When the model cannot be represented.
    """
    if config is None:
        config = default_config(model)
    parameters = quantize_parameters(model, config)
    return Image.from_parameters(
        parameters,
        model.vocabulary,
        {"model": {"hidden": model.hidden, "layers": len(model.layers)}, **model.metadata},
    )


def default_config(model: FloatModel, weight_bits: int = 8) -> Config:
    """The default hardware that holds a model: of weights of 4 bits it multiplies twice as many."""
    return Config(
        layers=len(model.layers),
        symbols=Config.symbols if len(model.vocabulary) <= Config.symbols else MOST_SYMBOLS,
        multipliers=Config.multipliers * WEIGHT_BITS[0] // weight_bits,
        weight_bits=weight_bits,
    )


def made_of(image: Image, model: FloatModel) -> bool:
    """Whether an image says that it was made of a model: same vocabulary, same notes."""
    notes = {name: value for name, value in image.metadata.items() if name in model.metadata}
    return image.vocabulary == model.vocabulary and notes == model.metadata
