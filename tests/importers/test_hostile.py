"""Damaged and hostile files of each format: one sentence, soon, in bounded memory, nothing run."""

import io
import os
import pickle
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from foreign_models import foreign, keras_archive, keras_h5, keras_onnx, plain_onnx, state_dict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from zynq_lstm.importers.reader import read_model
from zynq_lstm.quant.errors import UserError

pytest.importorskip("onnx")
pytest.importorskip("h5py")

MODEL = foreign()
SOUND: dict[str, bytes] = {
    "safetensors": save(state_dict(MODEL)),
    "onnx": plain_onnx(MODEL).SerializeToString(),
    "keras_onnx": keras_onnx(MODEL).SerializeToString(),
    "keras": keras_archive(MODEL),
    "h5": keras_h5(MODEL),
}
SECONDS = 2
"""Of processor time; what this process waits for is bounded in `test_hdf5`."""


def read_or_refuse(path: Path, data: bytes) -> None:
    """Either a model, or one sentence; soon."""
    path.write_bytes(data)
    start = time.process_time()
    try:
        read_model(path, MODEL.vocabulary)
    except UserError as error:
        assert str(path) in str(error) and "\n" not in str(error)
        assert len(str(error)) < 1000
    assert time.process_time() - start < SECONDS


def damaged(data: bytes, changes: list[tuple[float, int]], length: float) -> bytes:
    """Some bytes changed, and the end cut off."""
    copy = bytearray(data)
    for where, value in changes:
        copy[int(where * (len(copy) - 1))] = value
    return bytes(copy[: int(length * len(copy))])


CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from([0, 1, 127, 128, 255]) | st.integers(0, 255)),
    min_size=1,
    max_size=8,
)
LENGTH = st.just(1.0) | st.floats(0, 1)
SAME_PATH = [HealthCheck.function_scoped_fixture]


@pytest.mark.parametrize("kind", ["safetensors", "onnx", "keras_onnx"])
@settings(max_examples=150, suppress_health_check=SAME_PATH)
@given(changes=CHANGES, length=LENGTH)
def test_damaged_files(tmp_path, kind, changes, length) -> None:
    read_or_refuse(tmp_path / f"model.{kind[-4:]}", damaged(SOUND[kind], changes, length))


@pytest.mark.parametrize("kind", ["keras", "h5"])
@settings(max_examples=8, suppress_health_check=SAME_PATH)
@given(changes=CHANGES, length=LENGTH)
def test_damaged_keras_files(tmp_path, kind, changes, length) -> None:
    read_or_refuse(tmp_path / f"model.{kind}", damaged(SOUND[kind], changes, length))


@settings(max_examples=150, suppress_health_check=SAME_PATH)
@given(
    start=st.sampled_from([b"", b"\x08", b"PK\x03\x04", b"\x80\x02", b"\x10" + bytes(7) + b"{"]),
    data=st.binary(max_size=300),
    suffix=st.sampled_from(["pt", "onnx"]),
)
def test_random_bytes(tmp_path, start, data, suffix) -> None:
    read_or_refuse(tmp_path / f"model.{suffix}", start + data)


def safetensors_of(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def one_tensor(shape: str, start: int, end: int) -> bytes:
    entry = f'{{"dtype":"F32","shape":{shape},"data_offsets":[{start},{end}]}}'
    return safetensors_of(f'{{"fc.weight":{entry},"fc.bias":{entry}}}'.encode(), bytes(64))


@pytest.mark.parametrize(
    "data",
    [
        one_tensor("[16]", 0, 64),
        one_tensor("[1099511627776,1099511627776]", 0, 64),
        one_tensor("[16]", 0, 1 << 60),
        one_tensor("[16]", 64, 0),
        one_tensor("[-4,-4]", 0, 64),
        safetensors_of(b"{" + b'"a":{' * 5000),
        safetensors_of(b'{"__metadata__":{"a":' + b"[" * 100_000 + b"}}"),
        struct.pack("<Q", 1 << 62) + b"{}",
        struct.pack("<Q", 2**64 - 1) + b"{}",
    ],
    ids=range(9),
)
def test_safetensors_that_lie(refused, write, data) -> None:
    refused(write(data, "m.safetensors"), vocabulary=MODEL.vocabulary)


def torch_file(program: bytes, **members: bytes) -> bytes:
    """An archive as torch.save writes it, with a program of one's own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("m/data.pkl", program)
        archive.writestr("m/version", b"3\n")
        for name, data in members.items():
            archive.writestr(f"m/data/{name}", data)
    return buffer.getvalue()


class Code:
    """Runs when it is unpickled."""

    def __init__(self, *call: object) -> None:
        self._call = call

    def __reduce__(self) -> tuple:
        function, *arguments = self._call
        return function, tuple(arguments)


def bombs() -> dict[str, tuple[bytes, str]]:
    shared = b"\x80\x02)"
    for k in range(60):  # Tuples of the same tuple twice, 2^60 when it is hashed.
        shared += b"q" + bytes([k]) + b"h" + bytes([k]) + b"\x86"
    return {
        "system": (pickle.dumps(Code(os.system, "touch run"), 2), "posix.system"),
        "eval": (pickle.dumps({"a": Code(eval, "open('run', 'w')")}, 2), "eval"),
        "memory": (pickle.dumps(Code(bytearray, 1 << 40), 2), "bytearray"),
        "import": (b"\x80\x02cthis\ns\n.", "found this.s"),
        "name from the stack": (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "SHORT_BINUNICODE"),
        "old import": (b"\x80\x02(ios\nsystem\n.", "INST"),
        "extension": (b"\x80\x02\x82\x01.", "EXT1"),
        "hash": (b"\x80\x02}" + shared[2:] + b"K\x01s.", "uses 59 tuples again"),
        "text": (b"not a pickle", "damaged"),
        "cut": (b"\x80\x02}q\x00(X\xff\xff\xff\x7f", "damaged"),
        "empty": (b"", "damaged"),
        "long": (b"\x80\x02" + b"N" * (1 << 20) + b".", "1 MB"),
    }


@pytest.mark.parametrize("case", bombs())
def test_programs_in_a_torch_file_are_not_run(refused, write, monkeypatch, tmp_path, case) -> None:
    program, reason = bombs()[case]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)  # Refused before PyTorch is imported.
    refused(write(torch_file(program), "m.pt"), reason)
    assert [path.name for path in tmp_path.iterdir()] == ["m.pt"]


def test_a_torch_file_must_be_as_torch_writes_it(refused, write) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", bytes(10_000))
    refused(write(buffer.getvalue(), "m.pt"), "are compressed")
    twice = io.BytesIO(torch_file(b"N."))
    with zipfile.ZipFile(twice, "a") as archive:
        archive.writestr("n/data.pkl", b"N.")
    refused(write(twice.getvalue(), "m.pt"), "one data.pkl")


def peak(run: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", SOUND)
def test_sizes_that_are_said_are_not_believed(write, kind) -> None:
    """Every aligned number of the file made huge, a few at a time."""
    data = SOUND[kind]
    step = max(8, len(data) // (4 if kind in ("keras", "h5") else 60) // 8 * 8)

    def run() -> None:
        for start in range(0, len(data) - 8, step):
            copy = data[:start] + b"\xff\xff\xff\xff\xff\xff\xff\x7f" + data[start + 8 :]
            read_or_refuse(write(copy, f"m.{kind[-4:]}"), copy)

    assert peak(run) < 8 << 20


MEASURED = """
import resource, sys
from zynq_lstm.importers.reader import read_model
try:
    read_model(sys.argv[1])
except ValueError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""


@pytest.mark.slow
def test_a_graph_of_empty_operators_takes_bounded_memory(write) -> None:
    def field(number: int, content: bytes) -> bytes:
        size, length = len(content), b""
        while True:
            length += bytes([size & 127 | (128 if size > 127 else 0)])
            size >>= 7
            if not size:
                return bytes([number << 3 | 2]) + length + content

    path = write(b"\x08\x08" + field(7, b"\x0a\x00" * ((4 << 20) - 100)), "m.onnx")
    start = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)], capture_output=True, text=True, timeout=60
    )
    sentence, megabytes = result.stdout.splitlines()
    assert "at most 5000 operators" in sentence
    assert int(megabytes) < 1500
    assert time.monotonic() - start < 20
