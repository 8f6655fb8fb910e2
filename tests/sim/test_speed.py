"""Speeds: float implementations that are the float model, a wrong one noticed, rates as timed."""

import importlib.util
import itertools

import numpy as np
import pytest
from tiny_models import tiny_tensors, write_tiny_checkpoint

import zynq_lstm.sim.speed as speed
from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.float_model import FloatModel
from zynq_lstm.quant.quantizer import quantize

INSTALLED = {
    name: all(importlib.util.find_spec(package) for package in packages)
    for name, packages in speed.PACKAGES.items()
}


@pytest.fixture(params=[1, 2], ids=["one layer", "two layers"])
def model(request, tmp_path) -> FloatModel:
    tensors = tiny_tensors(layers=request.param)
    return load_checkpoint(write_tiny_checkpoint(tmp_path / "tiny.safetensors", tensors))


def makers(model: FloatModel, *, compiled: bool = False) -> dict:
    return speed._implementations(model, 1, compiled)[0]


def name_of(model: FloatModel, begins: str) -> str:
    return next(name for name in makers(model) if name.startswith(begins))


@pytest.mark.parametrize("begins", [speed.PYTORCH, speed.ONNX_RUNTIME])
@pytest.mark.parametrize("sequences", [1, 3])
def test_implementations_are_the_float_model(model, begins, sequences) -> None:
    if not INSTALLED[begins]:
        pytest.skip(f"needs {begins}")
    make = makers(model)[name_of(model, begins)]
    assert 0 <= speed.difference(make(sequences), model, sequences) < 1e-5


@pytest.mark.slow
@pytest.mark.skipif(not INSTALLED[speed.PYTORCH], reason="needs PyTorch")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
def test_so_is_what_torch_compiles(model) -> None:
    (name,) = (name for name in makers(model, compiled=True) if "compiled" in name)
    assert speed.difference(makers(model, compiled=True)[name](2), model, 2) < 1e-5


@pytest.mark.parametrize("begins", [speed.PYTORCH, speed.ONNX_RUNTIME])
def test_they_write_on_from_where_they_were(model, begins) -> None:
    """Greedy text, piece after piece, is that of the float model step by step."""
    if not INSTALLED[begins]:
        pytest.skip(f"needs {begins}")
    writer = makers(model)[name_of(model, begins)](2)
    noise = np.zeros((writer.piece, 2, len(model.vocabulary)), np.float32)
    noise[:, 1, 3] = speed.FORCING
    text = np.concatenate([writer.write(noise) for _ in range(3)])
    assert np.all(text[:, 1] == 3)
    greedy = [0]
    for _ in text:
        greedy.append(int(model.logits(np.array(greedy))[-1].argmax()))
    assert text[:, 0].tolist() == greedy[1:]


class Numpy:
    """The float model itself as a writer, with a fault where one is wanted."""

    piece = 8

    def __init__(self, model: FloatModel, fault: str) -> None:
        self.model, self.fault, self.text = model, fault, [0]

    def _drawn(self, noise):
        logits = []
        for row in noise[:, 0]:
            logits.append(self.model.logits(np.array(self.text))[-1])
            self.text.append(int((logits[-1] + row).argmax()))
        return np.array(self.text[-len(noise) :])[:, None], np.array(logits)[:, None]

    def write(self, noise):
        return self._drawn(noise)[0] * (self.fault != "draws")

    def logits(self, noise):
        found = self._drawn(noise)[1]
        found[-1, 0, 2] += {"": 0, "logits": 2e-4, "nan": np.nan}.get(self.fault, 0)
        return found


@pytest.mark.parametrize(
    ("fault", "message"),
    [("", None), ("logits", "to within 0.0001"), ("nan", "nan apart"), ("draws", "must draw")],
)
def test_a_wrong_implementation_is_not_timed(model, fault, message) -> None:
    if message is None:
        assert speed.difference(Numpy(model, fault), model, 1) == 0
        return
    with pytest.raises(RuntimeError, match=message):
        speed.difference(Numpy(model, fault), model, 1)


def test_rates_are_of_repetitions_after_a_warm_up(monkeypatch) -> None:
    clock = itertools.accumulate([0, *[0.5] * 100])
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(speed, "SECONDS", 0.7)
    # A repetition reads the clock at 0, 0.5 and 1.0 s, and writes after the second.
    writes = iter([1000, 10, 30, 20, 70, 40])
    assert speed.rate(lambda: next(writes)) == speed.Rate(30.0, 10.0, 70.0)


def test_noise_is_of_the_gumbel_distribution() -> None:
    noise = speed.gumbel(np.random.default_rng(1), (100, 20, 50))
    assert noise.dtype == np.float32 and np.isfinite(noise).all()
    assert noise.mean() == pytest.approx(0.5772, abs=0.02)
    assert noise.var() == pytest.approx(np.pi**2 / 6, abs=0.05)


@pytest.mark.parametrize("missing", [(), ("onnx",), ("torch", "onnxruntime")])
def test_measures_what_is_here(monkeypatch, tmp_path, missing) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        speed.importlib.util, "find_spec", lambda name: None if name in missing else find(name)
    )
    monkeypatch.setattr(speed, "SECONDS", 0.0)
    monkeypatch.setattr(speed, "_timed", lambda write: float(write()))
    monkeypatch.setattr(speed, "generate", lambda chip, length: length + chip)
    model = load_checkpoint(write_tiny_checkpoint(tmp_path / "tiny.safetensors"))
    image = quantize(model, Config(hidden=16, symbols=16, multipliers=64))
    told = []
    found = speed.measure_speeds(image, 36, report=told.append)
    absent = {"torch": speed.PYTORCH, "onnx": speed.ONNX_RUNTIME, "onnxruntime": speed.ONNX_RUNTIME}
    assert set(found.absent) >= {absent[name] for name in missing}
    assert len(found.floats) + len(found.absent) == 2
    assert [one.name.split(",")[0] for one in found.every[-2:]] == [
        "golden model",
        "simulation of the accelerator",
    ]
    assert found.simulation.one == speed.Rate(100, 100, 100)
    assert found.golden.one.median == 64 and found.golden.many.median == 64 * 64
    for one in found.floats:
        assert one.many.median == 64 * one.one.median
        assert one.logits_apart < 1e-4
    assert len(told) == 2 + len(found.floats)
