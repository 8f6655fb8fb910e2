"""Files that are no sound checkpoint: cut, damaged, foreign, hostile; each is refused, quickly."""

import json
import os
import pickle
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refused_checkpoints import SAME_PATH, check_refused, load_or_refuse
from tiny_models import tiny_tensors, write_tiny_checkpoint


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> bytes:
    """A checkpoint of 2 units and 3 symbols: 1.5 KB."""
    path = tmp_path_factory.mktemp("checkpoint") / "model"
    tensors = tiny_tensors("abc", hidden=2)
    return write_tiny_checkpoint(path, tensors, characters="abc").read_bytes()


def test_truncated_at_every_byte(path, content):
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert "must be a safetensors file: " in check_refused(path)


def test_with_more_at_its_end(path, content):
    path.write_bytes(content + b"\0")
    assert "must be a safetensors file: " in check_refused(path)


def test_every_flipped_bit_of_the_header(path, content):
    """The format has no checksum: some flips make another sound model."""
    (header,) = struct.unpack_from("<Q", content)
    for bit in range(64):
        path.write_bytes(flipped(content, bit))
        check_refused(path)
    for bit in range(64, 64 + 8 * header, 3):
        path.write_bytes(flipped(content, bit))
        load_or_refuse(path)


def flipped(content: bytes, bit: int) -> bytes:
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def test_flipped_bits_of_the_data(path, content):
    (header,) = struct.unpack_from("<Q", content)
    for bit in range(64 + 8 * header, 8 * len(content), 7):
        path.write_bytes(flipped(content, bit))
        load_or_refuse(path)


@SAME_PATH
@given(st.binary(max_size=300))
def test_foreign(path, data):
    path.write_bytes(data)
    assert "must be a safetensors file" in check_refused(path)


@SAME_PATH
@given(st.binary(max_size=100))
def test_foreign_header(path, data):
    path.write_bytes(struct.pack("<Q", len(data)) + data)
    check_refused(path)


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps({"head.weight": [1.0]}),
        pickle.dumps(tiny_tensors(), protocol=4),
        b"PK\x03\x04" + bytes(1000),
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'}",
        b"ZLSTM\r\n\x1a" + bytes(100),
        b"{}",
        bytes(8),
        bytes(1000),
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2**64 - 1) + b"{}",
        struct.pack("<Q", 99_000_000) + b"{}",
    ],
    ids=range(12),
)
def test_known_foreign_files(path, data):
    path.write_bytes(data)
    tracemalloc.start()
    try:
        check_refused(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_pickle_is_not_run(path, tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    path.write_bytes(pickle.dumps(Trap()))
    check_refused(path)
    assert not (tmp_path / "sprung").exists()


def write_raw(path: Path, header: dict, data: bytes) -> Path:
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


@pytest.mark.parametrize("size", [4 << 40, 2**63, 2**64 - 4])
def test_huge_declared_tensors(path, size):
    tensor = {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}
    assert "must be a safetensors file: " in check_refused(
        write_raw(path, {"head.bias": tensor}, bytes(64))
    )


@pytest.mark.parametrize("shape", [[2**32, 2**32], [-1], [1.5], ["4"], None, [2**70]])
def test_strange_declared_shapes(path, shape):
    tensor = {"dtype": "F32", "shape": shape, "data_offsets": [0, 16]}
    check_refused(write_raw(path, {"head.bias": tensor}, bytes(16)))


KINDS = {"BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "BOOL": 1, "U8": 1, "I64": 8, "C64": 8, "X9": 4}


@pytest.mark.parametrize("kind", KINDS)
def test_other_types(path, kind):
    offsets = [0, 64 * KINDS[kind]]
    tensor = {"dtype": kind, "shape": [16, 4], "data_offsets": offsets}
    metadata = {"format": "zynq-lstm-checkpoint", "format_version": "1", "vocabulary": '["a","b"]'}
    header = {"__metadata__": metadata, "lstm.weight_hh_l0": tensor}
    check_refused(write_raw(path, header, bytes(64 * KINDS[kind])))


# Tensors
