"""The report as plain values: what report.json holds, and what the page is written from."""

from __future__ import annotations

from typing import Any

import numpy as np

from zynq_lstm.quant.analysis.interval import METHOD
from zynq_lstm.quant.analysis.measurement import Measurement, Tenth
from zynq_lstm.quant.analysis.prediction import Predictions
from zynq_lstm.quant.analysis.samples import Sample

FORMAT, VERSION = "zynq-lstm-report", 1
CONTEXT = 40
"""Characters shown before a place of the text."""


def record(found: Measurement, *, model: str, text: str, split: str) -> dict[str, Any]:
    """Everything that was found.

    Parameters
    ----------
    found : Measurement
    model, text, split : str
        What the person called them.

    Returns
    -------
    dict
        Plain JSON values; probabilities and bits are float, errors in the units of the quantity.
        None for an interval or a verdict that so few characters do not allow.
    """
    image = found.image
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": {
            "file": model,
            "layers": len(found.model.layers),
            "hidden": found.model.hidden,
            "symbols": image.symbols,
            "image": image.config.describe(),
            "payload_crc32": f"{image.payload_crc:08x}",
        },
        "text": {
            "file": text,
            "split": split,
            "unit": found.model.vocabulary.unit,
            "characters": len(found.symbols),
        },
        "bits_per_character": _bits(found),
        "most_likely_symbol": {
            "agreement": float(found.part.agrees.mean()),
            "differing": int(np.count_nonzero(~found.part.agrees)),
        },
        "divergence_bits": _divergence(found),
        "drift": _drift(found),
        "ranges": [entry.to_dict() for entry in found.ranges],
        "gates": _gates(found),
        "weights": {tensor.name: tensor.to_dict() for tensor in found.weights},
        "samples": [_sample(sample) for sample in found.samples],
    }


def _bits(found: Measurement) -> dict[str, Any]:
    bits = found.bits()
    return {
        **{name: interval.to_dict() for name, interval in bits.items()},
        "interval": METHOD,
        "predictions": len(found.part),
        "allowed": found.allowed,
        "within": found.within(bits["difference"].mean, len(found.part)),
    }


def _divergence(found: Measurement) -> dict[str, Any]:
    values = found.part.divergence
    worst = int(values.argmax())
    before = found.symbols[max(0, worst + 1 - CONTEXT) : worst + 1]
    return {
        "mean": float(values.mean()),
        "percentile_99": float(np.percentile(values, 99)),
        "worst": float(values[worst]),
        "worst_after": _readable(found.model.vocabulary.decode(before)),
        "worst_character": worst + 1,
    }


def _drift(found: Measurement) -> dict[str, Any]:
    tenths = found.tenths()
    largest = max((tenth.difference.mean for tenth in tenths), key=abs)
    return {
        "predictions": len(found.drift),
        "tenths": [_tenth(tenth, found.drift) for tenth in tenths],
        "largest": largest,
        "allowed": found.allowed,
        "within": found.within(abs(largest), min(t.last - t.first for t in tenths)),
    }


def _tenth(tenth: Tenth, run: Predictions) -> dict[str, Any]:
    def distance(apart: np.ndarray, size: np.ndarray) -> list[float]:
        part = slice(tenth.first, tenth.last)
        whole = np.sqrt(np.square(size[part]).mean(axis=0))
        error = np.sqrt(np.square(apart[part]).mean(axis=0))
        return [float(e / w) if w > 0 else 0.0 for e, w in zip(error, whole, strict=True)]

    return {
        "first": tenth.first,
        "last": tenth.last,
        "float": tenth.float_bits,
        "golden": tenth.golden_bits,
        "difference": tenth.difference.to_dict(),
        "distance_of_h": distance(run.h_distance, run.h_size),
        "distance_of_c": distance(run.c_distance, run.c_size),
    }


def _gates(found: Measurement) -> dict[str, Any]:
    return {
        kind: [
            {
                "layer": layer + 1,
                "gate": gate,
                "rms": float(np.sqrt(np.square(error.rms[layer, k]).mean())),
                "mean": float(error.mean[layer, k].mean()),
                "largest": float(error.largest[layer, k].max()),
                "worst_unit": int(error.rms[layer, k].argmax()),
            }
            for layer in range(error.rms.shape[0])
            for k, gate in enumerate("ifgo")
        ]
        for kind, error in found.gates.items()
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        name: _readable(value) if isinstance(value, str) else value
        for name, value in sample.to_dict().items()
    }


def _readable(text: str) -> str:
    """Text with U+FFFD for what a byte-level model wrote that is not UTF-8."""
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
