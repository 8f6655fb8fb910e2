"""Errors of a quantized model's own numbers against the float ones, by tensor and by row.

Matrices have a scale a row, so that the step of the grid differs from row to row; table and
biases have one format. Errors are golden minus float, in the units of the float weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.analysis.datapath import TITLES
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.float_model import FloatModel
from zynq_lstm.quant.formats import LOGIT, PREACTIVATION, Format
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.quantizer import by_unit, scale_unit
from zynq_lstm.quant.vocabulary import BYTES

Floats = NDArray[np.float64]

ZOOM = 8
"""The finer histogram covers so many steps of the grid on either side of zero."""
ZOOM_BINS = 4
"""Its bins a step."""


@dataclass(frozen=True)
class TensorError:
    """One tensor.

    Parameters
    ----------
    name, title : str
        Short and for people.
    rows : list of str
        What each row is: a unit and a gate, or a symbol.
    weights, quantized : ndarray of float64, shape (rows, columns)
        The float values and what stands for them.
    step : ndarray of float64, shape (rows,)
        Distance of the grid's points.
    """

    name: str
    title: str
    rows: list[str]
    weights: Floats
    quantized: Floats
    step: Floats

    @property
    def error(self) -> Floats:
        """Quantized minus float, shape (rows, columns)."""
        return self.quantized - self.weights

    @property
    def row_rms(self) -> Floats:
        """Root mean square error of each row."""
        return _rms(self.error, 1)

    @property
    def row_largest(self) -> Floats:
        """Greatest error of each row."""
        return np.asarray(np.abs(self.error).max(axis=1))

    @property
    def row_decibels(self) -> Floats:
        """Signal to noise of each row, in dB; NaN where a row is zero or exact."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = 20 * np.log10(_rms(self.weights, 1) / self.row_rms)
        return np.where(np.isfinite(ratio), ratio, np.nan)

    @property
    def decibels(self) -> float | None:
        """Signal to noise of the whole tensor, in dB; None where it is zero or exact."""
        noise, signal = float(_rms(self.error, None)), float(_rms(self.weights, None))
        return 20 * float(np.log10(signal / noise)) if noise > 0 and signal > 0 else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with a list entry a row."""
        return {
            "title": self.title,
            "shape": list(self.weights.shape),
            "rms_error": float(_rms(self.error, None)),
            "largest_error": float(np.abs(self.error).max()),
            "largest_error_in_steps": float((np.abs(self.error) / self.step[:, None]).max()),
            "largest_weight": float(np.abs(self.weights).max()),
            "signal_to_noise_db": self.decibels,
            "rows": [
                {"row": name, "step": step, "rms_error": rms, "largest_error": largest}
                for name, step, rms, largest in zip(
                    self.rows,
                    self.step.tolist(),
                    self.row_rms.tolist(),
                    self.row_largest.tolist(),
                    strict=True,
                )
            ],
        }


@dataclass(frozen=True)
class MatrixError(TensorError):
    """One matrix of integer weights with a scale a row.

    Parameters
    ----------
    codes : ndarray of int8, shape (rows, columns)
        The weights' integers.
    scales : ndarray of uint16, shape (rows,)
        The rows' scales, `SCALE` format.
    limit : int
        Greatest magnitude that a code may have.
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.uint16]
    limit: int

    @property
    def code_counts(self) -> NDArray[np.int64]:
        """How often each code occurs, from -limit to limit, shape (2 * limit + 1,)."""
        flat = self.codes.astype(np.int64).ravel() + self.limit
        return np.bincount(flat, minlength=2 * self.limit + 1)

    @property
    def zoomed(self) -> tuple[NDArray[np.int64], Floats]:
        """Histogram of the float weights in steps of their row's grid, near zero: counts, edges."""
        edges = np.linspace(-ZOOM, ZOOM, 2 * ZOOM * ZOOM_BINS + 1)
        counts, _ = np.histogram(self.weights / self.step[:, None], edges)
        return counts, edges

    @property
    def entropy(self) -> float:
        """Bits of a code on average, were they coded by how often they occur."""
        share = self.code_counts / self.codes.size
        share = share[share > 0]
        return float(-(share * np.log2(share)).sum())

    def to_dict(self) -> dict[str, Any]:
        """As for any tensor, and what is particular to matrices."""
        greatest = np.abs(self.codes.astype(np.int64)).max(axis=1)
        return {
            **super().to_dict(),
            "scales": [int(self.scales.min()), int(self.scales.max())],
            "greatest_code": [int(greatest.min()), int(greatest.max())],
            "entropy_of_codes": self.entropy,
        }


def weight_errors(model: FloatModel, image: Image) -> list[TensorError]:
    """Compare all tensors of an image with those of the float model that it was made of."""
    first, *rest = model.layers
    p = image.parameters
    byte = model.vocabulary is BYTES
    symbols = [
        f"byte {k:#04x}" if byte else repr(character)
        for k, character in enumerate(model.vocabulary.characters)
    ]
    units = [f"unit {unit}, {gate}" for unit in range(model.hidden) for gate in "ifgo"]
    table = (first.weight_ih + first.bias[:, None]).T.reshape(p.symbols, GATES, -1)
    out: list[TensorError] = [
        _fixed(
            ("table", "layer 1, input table with biases"),
            symbols,
            table.transpose(0, 2, 1).reshape(p.symbols, -1),
            p.table[:, : model.hidden].reshape(p.symbols, -1),
            PREACTIVATION,
        ),
        _recurrent(image, "hh1", units, first.weight_hh),
    ]
    for layer in rest:
        biases = p.biases[p.matrix("hh2")][: model.hidden]
        out += [
            _recurrent(image, "ih2", units, layer.weight_ih),
            _recurrent(image, "hh2", units, layer.weight_hh),
            _fixed(
                ("bias2", "layer 2, biases"),
                units,
                by_unit(layer.bias).reshape(-1, 1),
                biases.reshape(-1, 1),
                PREACTIVATION,
            ),
        ]
    rows = p.matrix("out")
    out.append(_matrix(image, "out", symbols, model.head_weight, LOGIT))
    biases = p.biases[rows].reshape(-1, 1)[: p.symbols]
    name = ("bias_out", "output layer, biases")
    out.append(_fixed(name, symbols, model.head_bias[:, None], biases, LOGIT))
    return out


def _recurrent(
    image: Image, name: str, rows: list[str], weights: NDArray[np.float32]
) -> MatrixError:
    ordered = by_unit(weights).reshape(-1, weights.shape[-1])
    return _matrix(image, name, rows, ordered, PREACTIVATION)


def _matrix(
    image: Image, name: str, rows: list[str], weights: NDArray[np.float32], form: Format
) -> MatrixError:
    p = image.parameters
    where = p.matrix(name)
    lanes, columns = weights.shape
    codes = p.weights[where].reshape(-1, p.config.hidden)[:lanes, :columns]
    scales = p.scales[where].reshape(-1)[:lanes]
    step = np.asarray(scales * scale_unit(form), np.float64)
    return MatrixError(
        name,
        TITLES[name],
        rows,
        weights.astype(np.float64),
        np.asarray(codes * step[:, None], np.float64),
        step,
        codes,
        scales,
        p.config.output_limit if name == "out" else p.config.weight_limit,
    )


def _fixed(
    name: tuple[str, str],
    rows: list[str],
    weights: NDArray[np.float32],
    integers: NDArray[np.int16],
    form: Format,
) -> TensorError:
    step = np.full(len(weights), form.lsb)
    quantized = np.asarray(integers * form.lsb, np.float64)
    return TensorError(*name, rows, weights.astype(np.float64), quantized, step)


def _rms(values: Floats, axis: int | None) -> Floats:
    return np.asarray(np.sqrt(np.square(values).mean(axis=axis)))
