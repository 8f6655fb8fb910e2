"""How far two models are apart at each character of a text: their predictions and their states."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant.analysis.run import Piece
from zynq_lstm.quant.float_model import cross_entropy
from zynq_lstm.quant.formats import CELL, HIDDEN, LOGIT
from zynq_lstm.quant.surprisal import SURPRISAL, surprisal

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Predictions:
    """Both models' predictions of n characters, each from all characters before it.

    Parameters
    ----------
    float_bits, golden_bits : ndarray of float64, shape (n,)
        Surprisal -log2 p of the character that came, from each model's logits in float64.
    chip_bits : ndarray of float64, shape (n,)
        The same as the accelerator computes it in integers.
    divergence : ndarray of float64, shape (n,)
        Kullback-Leibler divergence of the golden model's distribution from the float model's, in
        bits: what a code made for the golden one costs on text that follows the float one.
    agrees : ndarray of bool, shape (n,)
        Whether both find the same symbol most likely.
    h_distance, c_distance : ndarray of float64, shape (n, layers)
        Root mean square over the units of the difference of the states.
    h_size, c_size : ndarray of float64, shape (n, layers)
        Root mean square over the units of the float model's state.
    """

    float_bits: Floats
    golden_bits: Floats
    chip_bits: Floats
    divergence: Floats
    agrees: NDArray[np.bool_]
    h_distance: Floats
    c_distance: Floats
    h_size: Floats
    c_size: Floats

    def __len__(self) -> int:
        return len(self.float_bits)

    @property
    def difference(self) -> Floats:
        """Bits that the golden model needs more, shape (n,)."""
        return self.golden_bits - self.float_bits


def compare(reference: Piece, golden: Piece, targets: NDArray[np.integer[Any]]) -> Predictions:
    """Compare two pieces that predict the same characters.

    Parameters
    ----------
    reference, golden : Piece
        Of the float and the golden model.
    targets : ndarray of int, shape (n,)
        The characters that came.
    """
    a = _log_probabilities(reference.logits.astype(np.float64))
    b = _log_probabilities(golden.logits * LOGIT.lsb)
    to_bits = 1 / math.log(2)
    h, c = reference.h[1:].astype(np.float64), reference.c[1:].astype(np.float64)
    return Predictions(
        float_bits=cross_entropy(reference.logits, targets) * to_bits,
        golden_bits=cross_entropy(golden.logits * LOGIT.lsb, targets) * to_bits,
        chip_bits=np.asarray(surprisal(golden.logits, targets) * SURPRISAL.lsb, np.float64),
        divergence=(np.exp(a) * (a - b)).sum(axis=-1) * to_bits,
        agrees=reference.logits.argmax(axis=-1) == golden.logits.argmax(axis=-1),
        h_distance=_rms(golden.h[1:] * HIDDEN.lsb - h),
        c_distance=_rms(golden.c[1:] * CELL.lsb - c),
        h_size=_rms(h),
        c_size=_rms(c),
    )


def joined(parts: list[Predictions]) -> Predictions:
    """One after the other."""
    names = Predictions.__dataclass_fields__
    return Predictions(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})


def _log_probabilities(logits: Floats) -> Floats:
    z = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(axis=-1, keepdims=True)))


def _rms(values: Floats) -> Floats:
    return np.asarray(np.sqrt(np.square(values).mean(axis=-1)))
