"""The process that reads HDF5 files: whatever the library does, this one goes on."""

import sys
import time
from pathlib import Path

import pytest
from foreign_models import foreign, keras_h5

from zynq_lstm.importers import hdf5
from zynq_lstm.importers.hdf5 import read_hdf5
from zynq_lstm.quant.errors import UserError

pytest.importorskip("h5py")


def test_reads_datasets_and_the_description() -> None:
    model = foreign()
    found = read_hdf5(keras_h5(model), "Model x")
    assert (found.tensors["/model_weights/out/out/bias:0"] == model.bias).all()
    assert found.config is not None and '"LSTM"' in found.config
    assert found.names == {}


@pytest.mark.parametrize(
    "data", [b"", b"nothing", b"\x89HDF\r\n\x1a\n", keras_h5(foreign())[:9000]]
)
def test_refuses_what_is_damaged(data) -> None:
    with pytest.raises(UserError, match=r"^Model x is damaged: "):
        read_hdf5(data, "Model x")


def replaced_worker(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    limits = "from zynq_lstm.importers.hdf5_worker import _limit; _limit(); "
    monkeypatch.setattr(
        hdf5, "_START", "import sys; sys.path[:] = sys.argv[1:]; " + limits + script
    )


@pytest.mark.parametrize(
    "script",
    [
        "\nwhile True: pass",
        "import ctypes; ctypes.string_at(0)",
        "bytearray(3 << 30)",
        "print('{')",
        "import sys; sys.stdout.buffer.write((2 << 60).to_bytes(8, 'little'))",
    ],
    ids=["endless", "crash", "memory", "no result", "wrong result"],
)
@pytest.mark.skipif(sys.platform == "win32", reason="limits are set on Unix only")
def test_bears_a_library_that_goes_wrong(monkeypatch, script) -> None:
    replaced_worker(monkeypatch, script)
    start = time.monotonic()
    with pytest.raises(UserError, match=r"^Model x is damaged: the HDF5 library"):
        read_hdf5(b"", "Model x")
    assert time.monotonic() - start < 10


def test_bears_a_process_that_sleeps(monkeypatch) -> None:
    replaced_worker(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(hdf5, "SECONDS", 1)
    with pytest.raises(UserError, match="reading it does not end"):
        read_hdf5(b"", "Model x")


def test_both_sides_mean_the_same_status() -> None:
    from zynq_lstm.importers.hdf5_worker import REFUSED

    assert hdf5._REFUSED == REFUSED


def test_imports_nothing_from_the_current_folder(monkeypatch, tmp_path: Path) -> None:
    for name in ("h5py", "numpy", "json", "io", "zynq_lstm", "safetensors"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    assert read_hdf5(keras_h5(foreign()), "Model x").tensors
    assert not (tmp_path / "run").exists()


def test_says_that_h5py_is_missing(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError) as caught:
        read_hdf5(b"", "Model x")
    assert caught.value.name == "h5py"
