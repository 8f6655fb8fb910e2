"""Characters a second that models write on this machine: closed loop, sampling included.

Each symbol that is drawn is fed back before the next is computed, in one sequence, or in several
side by side. All do the same work: float32 with PyTorch and with ONNX Runtime, where they are
installed, the golden model's integers, and the accelerator's Verilog in simulation. A float
implementation is timed only after its logits were those of `quant.float_model`.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.quant.dequantizer import dequantize
from zynq_lstm.quant.float_model import FloatModel
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.sampling import encode_temperature, seed_state
from zynq_lstm.sim.bench import generate

Floats = NDArray[np.float32]
Symbols = NDArray[np.int64]

PYTORCH, ONNX_RUNTIME = "PyTorch", "ONNX Runtime"
PACKAGES = {PYTORCH: ("torch",), ONNX_RUNTIME: ("onnx", "onnxruntime")}
"""What each implementation needs to be installed."""

SEQUENCES = 64
"""Side by side, where there are several."""
REPETITIONS = 5
SECONDS = 0.4
"""Of a repetition at least, and of the warm-up."""
PIECE = 64
"""Characters of one call of the golden model and of the simulated chip."""
AGREEMENT = 1e-4
"""Logits of float implementations may differ by so much: they add in different orders."""
CHECKED = 32
"""Characters that are compared."""
FORCING = 1e9
"""Noise that makes sure which symbol is drawn."""


@dataclass(frozen=True)
class Rate:
    """Characters a second, of some repetitions."""

    median: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Speed:
    """How fast something writes.

    Parameters
    ----------
    name : str
        What, and in which numbers.
    one : Rate
        Of a single sequence.
    many : Rate, optional
        Of `SEQUENCES` together, where it can do that.
    logits_apart : float, optional
        Of a float implementation, the greatest difference of its logits from the float model's.
    """

    name: str
    one: Rate
    many: Rate | None = None
    logits_apart: float | None = None


@dataclass(frozen=True)
class Speeds:
    """What was measured, and how.

    Parameters
    ----------
    floats : list of Speed
        Float implementations.
    golden, simulation : Speed
    absent : list of str
        Float implementations whose packages are not installed: `PYTORCH`, `ONNX_RUNTIME`.
    threads : int
        Of the float implementations.
    sequences, repetitions : int
    """

    floats: list[Speed]
    golden: Speed
    simulation: Speed
    absent: list[str]
    threads: int
    sequences: int = SEQUENCES
    repetitions: int = REPETITIONS

    @property
    def every(self) -> list[Speed]:
        """All of them."""
        return [*self.floats, self.golden, self.simulation]


class Writer(Protocol):
    """A float model that writes sequences side by side, by the Gumbel-max trick."""

    piece: int
    """Characters of one call."""

    def write(self, noise: Floats) -> Symbols:
        """Write on, from the state and the symbols of the last call.

        Parameters
        ----------
        noise : ndarray of float32, shape (piece, sequences, V)
            Is added to the logits; the symbol is where the sum is greatest.

        Returns
        -------
        ndarray of int64, shape (piece, sequences)
        """

    def logits(self, noise: Floats) -> Floats:
        """Do the same, and return the logits, shape (piece, sequences, V)."""


def measure_speeds(
    image: Image,
    chip: AcceleratorTransport,
    *,
    threads: int = 1,
    compiled: bool = False,
    report: Callable[[str], None],
) -> Speeds:
    """Let all that is here write.

    Parameters
    ----------
    image : Image
        Its weights in float32 are the float model.
    chip : AcceleratorTransport
        A simulated one, with the image loaded.
    threads : int
        Of PyTorch and ONNX Runtime. The golden model's products are too small to be divided.
    compiled : bool
        Let torch.compile have a try, too.
    report : callable
        Told what is being done.
    """
    model = dequantize(image)
    makers, absent = _implementations(model, threads, compiled)
    floats = []
    for name, make in makers.items():
        report(f"{name} writes")
        one, many = make(1), make(SEQUENCES)
        apart = max(difference(one, model, 1), difference(many, model, SEQUENCES))
        floats.append(
            Speed(name, _float_rate(one, model, 1), _float_rate(many, model, SEQUENCES), apart)
        )
    report("The golden model writes")
    golden = (_golden_rate(image, sequences) for sequences in (None, SEQUENCES))
    integers = Speed("golden model, numpy, integers", *golden)
    report("The simulated chip writes")
    simulation = Speed("simulation of the accelerator", rate(lambda: generate(chip, PIECE)))
    return Speeds(floats, integers, simulation, absent, threads)


def rate(write: Callable[[], int]) -> Rate:
    """Time something that writes some characters and returns how many, after a warm-up."""
    _timed(write)
    rates = [_timed(write) for _ in range(REPETITIONS)]
    return Rate(statistics.median(rates), min(rates), max(rates))


def _timed(write: Callable[[], int]) -> float:
    characters, begun = 0, time.perf_counter()
    while (passed := time.perf_counter() - begun) < SECONDS:
        characters += write()
    return characters / passed


def difference(writer: Writer, model: FloatModel, sequences: int) -> float:
    """Return the greatest difference of logits, over texts that the noise forces.

    Raises
    ------
    RuntimeError
        When logits or symbols are not those of the model.
    """
    symbols = len(model.vocabulary)
    text = np.random.default_rng(1).integers(0, symbols, (CHECKED, sequences))
    forcing = np.where(np.arange(symbols) == text[..., None], FORCING, 0).astype(np.float32)
    pieces = [forcing[k : k + writer.piece] for k in range(0, CHECKED, writer.piece)]
    found = np.concatenate([writer.logits(piece) for piece in pieces])
    fed = np.concatenate([np.zeros((1, sequences), np.int64), text[:-1]])
    wanted = np.stack([model.logits(fed[:, k]) for k in range(sequences)], axis=1)
    apart = float(np.abs(found - wanted).max())
    if not apart <= AGREEMENT:  # Not a NaN either.
        raise RuntimeError(
            f"{type(writer).__name__} must have the float model's logits to within {AGREEMENT}, "
            f"but they are {apart} apart"
        )
    if not np.array_equal(writer.write(pieces[0]), text[: writer.piece]):
        raise RuntimeError(f"{type(writer).__name__} must draw where the sum is greatest")
    return apart


def gumbel(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Noise of the standard Gumbel distribution."""
    noise = rng.standard_exponential(shape, np.float32)
    np.maximum(noise, np.finfo(np.float32).tiny, out=noise)
    return np.negative(np.log(noise, out=noise), out=noise)


def _implementations(
    model: FloatModel, threads: int, compiled: bool
) -> tuple[dict[str, Callable[[int], Any]], list[str]]:
    """Makers of writers of a number of sequences, by name; what is not installed."""
    makers: dict[str, Callable[[int], Any]] = {}
    absent = [
        name
        for name, packages in PACKAGES.items()
        if any(importlib.util.find_spec(package) is None for package in packages)
    ]
    if PYTORCH not in absent:
        from zynq_lstm.sim.speed_torch import VERSION as TORCH
        from zynq_lstm.sim.speed_torch import TorchWriter

        for name, compiles in {"eager": False, "compiled": True}.items():
            if compiled or not compiles:
                makers[f"{PYTORCH} {TORCH}, {name}, float32"] = partial(
                    TorchWriter, model, threads=threads, compiled=compiles
                )
    if ONNX_RUNTIME not in absent:
        from zynq_lstm.sim.speed_onnx import VERSION as ONNX
        from zynq_lstm.sim.speed_onnx import OnnxWriter

        makers[f"{ONNX_RUNTIME} {ONNX}, float32"] = partial(OnnxWriter, model, threads=threads)
    return makers, absent


def _float_rate(writer: Writer, model: FloatModel, sequences: int) -> Rate:
    rng = np.random.default_rng(2)
    shape = (writer.piece, sequences, len(model.vocabulary))
    return rate(lambda: writer.write(gumbel(rng, shape)).size)


def _golden_rate(image: Image, sequences: int | None) -> Rate:
    golden = GoldenModel(image, sequences)
    prompt = np.zeros((1,) if sequences is None else (sequences, 1), np.uint8)
    seeds = np.array([seed_state(k) for k in range(sequences or 1)], np.uint64)

    def write() -> int:
        return golden.generate(prompt, PIECE, encode_temperature(1.0), seeds).size

    return rate(write)
