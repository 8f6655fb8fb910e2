"""Files are read within limits of size and time; outputs are whole or not there."""

import os
import stat
import threading
import time
from types import SimpleNamespace

import pytest

from zynq_lstm.quant import files
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import (
    read_limited,
    temporary_folder,
    write_together,
    write_whole,
    written_beside,
)


@pytest.mark.parametrize(
    ("content", "expected"), [(b"\x00\r\n\xff", b"\x00\r\n\xff"), ("é\n", b"\xc3\xa9\n"), ("", b"")]
)
def test_writes(tmp_path, content, expected):
    write_whole(tmp_path / "file", content)
    assert (tmp_path / "file").read_bytes() == expected
    assert os.listdir(tmp_path) == ["file"]


def test_replaces(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before, and longer")
    write_whole(str(path), b"after")
    assert path.read_bytes() == b"after"
    assert os.listdir(tmp_path) == ["file"]


def test_mode_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "file", b"")
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
        assert files.umask() == 0o027
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("error", "raised"),
    [(OSError(28, "No space left on device"), UserError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, error, raised):
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def fail(*_):
        raise error

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(raised) as caught:
        write_whole(path, b"after")
    if raised is UserError:
        assert str(caught.value) == (
            f"Output {path} must be writable: No space left on device; make room or choose "
            "another path"
        )
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["file"]


def test_refuses_a_missing_folder(tmp_path):
    with pytest.raises(UserError, match=r"must be writable: No such file or directory; choose"):
        write_whole(tmp_path / "none" / "file", b"")
    assert os.listdir(tmp_path) == []


def test_refuses_a_folder(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=r"must be writable: Is a directory; choose another path"):
        write_whole(tmp_path / "folder", b"")
    assert os.listdir(tmp_path) == ["folder"]


def test_refuses_a_file_as_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"must be writable: Not a directory"):
        write_whole(tmp_path / "file" / "x", b"")


def test_refuses_a_name_too_long(tmp_path):
    with pytest.raises(UserError, match=r"must be writable: File name too long"):
        write_whole(tmp_path / ("x" * 300), b"")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable to root")
def test_refuses_an_unwritable_folder(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(UserError, match=r"must be writable: Permission denied"):
        write_whole(tmp_path / "file", b"")


def test_follows_links(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_whole(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"content"


def test_writes_to_a_pipe_instead_of_replacing_it(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, b"content")
        assert os.read(end, 100) == b"content"
    finally:
        os.close(end)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


def test_writes_together_or_not_at_all(tmp_path):
    (tmp_path / "b").write_text("before")
    (tmp_path / "c").mkdir()
    contents = {tmp_path / name: name for name in "abc"}
    with pytest.raises(UserError, match=r"/c must be writable: Is a directory; choose another"):
        write_together(contents)
    assert sorted(os.listdir(tmp_path)) == ["b", "c"]
    assert (tmp_path / "b").read_text() == "before"
    del contents[tmp_path / "c"]
    write_together(contents)
    assert [(tmp_path / name).read_text() for name in "ab"] == ["a", "b"]
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "c"]


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101])
def test_reads_up_to_a_limit(tmp_path, size):
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    assert len(read_limited(path, 100)) == min(size, 100)


def test_reads_what_a_pipe_brings_little_by_little(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write():
        with pipe.open("wb", buffering=0) as file:
            for _ in range(3):
                time.sleep(0.02)
                file.write(b"piece ")

    writer = threading.Thread(target=write)
    writer.start()
    assert read_limited(pipe, 100) == b"piece piece piece "
    writer.join()


def test_gives_up_a_pipe_that_brings_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "WAIT_SECONDS", 0.1)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(TimeoutError, match=r"nothing came from it for 0.1 s"):
        read_limited(pipe, 100)
    silent = os.open(pipe, os.O_RDWR)
    try:
        with pytest.raises(TimeoutError):
            read_limited(pipe, 100)
    finally:
        os.close(silent)


@pytest.mark.parametrize("name", ["none", "."])
def test_reading_what_is_no_file(tmp_path, name):
    with pytest.raises(OSError, match=r"No such file|Is a directory"):
        read_limited(tmp_path / name, 100)


def test_a_file_written_by_its_name_appears_when_it_is_whole(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    link.symlink_to(path)
    with written_beside(link) as part:
        part.write_text("whole")
        assert not path.exists()
    assert (link.is_symlink(), path.read_text()) == (True, "whole")
    assert sorted(os.listdir(tmp_path)) == ["file", "link"]


def test_a_file_written_by_its_name_is_left_out_where_that_fails(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt), written_beside(path) as part:
        part.write_bytes(b"half")
        raise KeyboardInterrupt
    with (
        pytest.raises(UserError, match=r"none/file must be writable: No such file"),
        written_beside(tmp_path / "none" / "file"),
    ):
        pass
    assert (os.listdir(tmp_path), path.read_bytes()) == (["file"], b"before")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), UserError("badly said")])
def test_a_full_temporary_folder_is_named(tmp_path, monkeypatch, error):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(type(error)) as caught, temporary_folder() as folder:
        raise error
    assert caught.value is error and not folder.exists()
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(UserError) as caught, temporary_folder() as folder:
        raise error
    assert str(caught.value) == (
        f"Temporary folder {tmp_path} must have room, but it is full; make room or set TMPDIR to "
        "another"
    )
    assert list(tmp_path.iterdir()) == []
