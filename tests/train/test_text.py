"""A file as a text: what is refused before PyTorch is there, and the symbols behind a model's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.vocabulary import BYTES, Vocabulary
from zynq_lstm.train.text import check_text, extended

KNOWN = Vocabulary("abc")


def test_a_vocabulary_grows_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("zebra cab", encoding="utf-8")
    assert extended(KNOWN, path).characters == (*KNOWN.characters, " ", "e", "r", "z")
    path.write_text("a" + "bc", encoding="utf-8")
    assert extended(KNOWN, path) == KNOWN
    path.write_text("".join(chr(0x400 + k) for k in range(254)), encoding="utf-8")
    with pytest.raises(UserError, match=r"at most 256 symbols, but .* adds 254 characters to the"):
        extended(KNOWN, path)


def test_bytes_have_all_symbols(tmp_path: Path) -> None:
    assert extended(BYTES, tmp_path / "not read") is BYTES


@pytest.mark.parametrize(
    ("data", "vocabulary", "message"),
    [
        (None, None, "could not be read (No such file"),
        (b"", None, "must not be empty"),
        (b"", BYTES, "must not be empty"),
        (b"aaa", None, "'a' only"),
        (b"a\xffb", None, "invalid byte at offset 1"),
        ("".join(map(chr, range(300, 557))).encode(), None, "has 257; replace"),
        ("".join(map(chr, range(300, 554))).encode(), KNOWN, "adds 254 characters"),
    ],
)
def test_an_unusable_file_is_refused(tmp_path: Path, data, vocabulary, message: str) -> None:
    path = tmp_path / "text.txt"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UserError) as error:
        check_text(path, vocabulary)
    assert message in str(error.value) and str(path) in str(error.value)


def test_other_files_are_taken(tmp_path: Path) -> None:
    path, pipe = tmp_path / "text.txt", tmp_path / "pipe"
    path.write_bytes(b"a\xff")
    check_text(path, BYTES)
    os.mkfifo(pipe)
    check_text(pipe, None)


def test_pytorch_is_not_needed() -> None:
    code = "import sys, zynq_lstm.train.text; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
