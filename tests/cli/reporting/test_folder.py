"""Folders that are written whole or not at all, and what else lies in them."""

import os
import tempfile

import pytest

from zynq_lstm.cli.reporting import folder as module
from zynq_lstm.cli.reporting.folder import write_folder
from zynq_lstm.quant.errors import UserError

FILES = {"a.md": b"page", "b.json": b"{}", "c.png": b"picture"}


def contents(folder) -> dict:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def full_disk(monkeypatch):
    """The second file cannot be written."""

    def write(folder, files) -> None:
        (folder / "a.md").write_bytes(files["a.md"])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_write", write)


def test_makes_a_folder_and_its_parents(tmp_path) -> None:
    write_folder(tmp_path / "x" / "y", FILES)
    assert contents(tmp_path / "x" / "y") == FILES
    assert list((tmp_path / "x").iterdir()) == [tmp_path / "x" / "y"]
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "x" / "y").stat().st_mode & 0o777 == 0o777 & ~umask


def test_spares_foreign_files(tmp_path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"mine")
    (tmp_path / "a.md").write_bytes(b"old")
    write_folder(tmp_path, FILES)
    assert contents(tmp_path) == FILES | {"notes.txt": b"mine"}


def test_follows_a_link(tmp_path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write_folder(tmp_path / "link", FILES)
    assert (tmp_path / "link").is_symlink()
    assert contents(tmp_path / "real") == FILES


def test_leaves_nothing_of_a_new_folder_that_failed(tmp_path, full_disk) -> None:
    with pytest.raises(UserError, match="must be writable: No space left on device"):
        write_folder(tmp_path / "new", FILES)
    assert list(tmp_path.iterdir()) == []


def test_leaves_an_old_folder_as_it_was(tmp_path, monkeypatch) -> None:
    (tmp_path / "a.md").write_bytes(b"old")
    make = tempfile.mkstemp

    def full(*, prefix: str, dir: str):
        if "b.json" in prefix:
            raise OSError(28, "No space left on device")
        return make(prefix=prefix, dir=dir)

    monkeypatch.setattr(tempfile, "mkstemp", full)
    with pytest.raises(UserError, match=r"b\.json must be writable: No space left on device"):
        write_folder(tmp_path, FILES)
    assert contents(tmp_path) == {"a.md": b"old"}


def test_refuses_a_folder_in_the_place_of_a_file(tmp_path) -> None:
    (tmp_path / "b.json").mkdir()
    with pytest.raises(UserError, match=r"b\.json must be a file, but it is a folder"):
        write_folder(tmp_path, FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


def test_refuses_a_file_in_the_place_of_the_folder(tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="must be writable"):
            write_folder(path, FILES)
    assert contents(tmp_path) == {"file": b""}
