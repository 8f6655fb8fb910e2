"""Folders that are written whole or not at all, and what else lies in them."""

import hashlib
import os
import re
import tempfile

import pytest

from zynq_lstm.cli import folder as module
from zynq_lstm.cli.folder import check_own, record_of, write_folder, write_recorded
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


COMMAND = "test"
RECORD = record_of(COMMAND)


def test_a_record_is_what_sha256sum_checks(tmp_path) -> None:
    assert write_recorded(tmp_path / "new", {"x/a.v": b"", "b.v": b"b"}, COMMAND) == []
    assert (tmp_path / "new" / RECORD).read_text() == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  x/a.v\n"
        "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d  b.v\n"
    )


def test_removes_what_it_has_written_and_what_is_as_it_was(tmp_path) -> None:
    write_recorded(tmp_path, {**FILES, "x/d.v": b"d", "changed.v": b"1"}, COMMAND)
    (tmp_path / "changed.v").write_bytes(b"2")
    (tmp_path / "notes.txt").write_bytes(b"mine")
    (tmp_path / "x" / "e.v").write_bytes(b"mine")
    assert write_recorded(tmp_path, {"a.md": b"page"}, COMMAND) == ["b.json", "c.png", "x/d.v"]
    left = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")]
    assert sorted(left) == ["a.md", "changed.v", "notes.txt", "x", "x/e.v", RECORD]
    assert write_recorded(tmp_path, {"a.md": b"page"}, COMMAND) == []


def test_replaces_only_what_it_has_written_and_what_is_as_it_was(tmp_path) -> None:
    others = {"a.md": b"another page", "b.json": b"[]", "c.png": b"another picture"}
    write_recorded(tmp_path, FILES, COMMAND)
    write_recorded(tmp_path, others, COMMAND)
    (tmp_path / "b.json").write_bytes(b"mine")
    before = contents(tmp_path)
    sentence = (
        f"^Output {re.escape(str(tmp_path / 'b.json'))} must be as zynq-lstm test has written it"
    )
    with pytest.raises(UserError, match=sentence):
        write_recorded(tmp_path, FILES, COMMAND)
    assert contents(tmp_path) == before
    (tmp_path / "b.json").write_bytes(FILES["b.json"])  # nothing would be lost
    write_recorded(tmp_path, FILES, COMMAND)


def test_replaces_nothing_without_a_record(tmp_path) -> None:
    (tmp_path / "a.md").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"move it away or choose another folder$"):
        write_recorded(tmp_path, FILES, COMMAND)
    assert contents(tmp_path) == {"a.md": b"mine"}


def test_removes_nothing_without_a_record_of_its_own(tmp_path) -> None:
    write_recorded(tmp_path, FILES, "another")
    assert write_recorded(tmp_path, {"a.md": b"page"}, COMMAND) == []
    assert set(contents(tmp_path)) == {*FILES, "zynq_lstm.another.sha256", RECORD}


@pytest.mark.parametrize("name", ["../mine", "x/../../mine", "/mine", "link", "linked/mine", ""])
def test_a_record_reaches_nothing_outside_of_its_folder(tmp_path, name) -> None:
    folder = tmp_path / "folder"
    (folder / "x").mkdir(parents=True)
    (tmp_path / "mine").write_bytes(b"")
    (folder / "link").symlink_to(tmp_path / "mine")
    (folder / "linked").symlink_to(tmp_path)
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    path = str(tmp_path / "mine") if name == "/mine" else name
    (folder / RECORD).write_text(f"{digest}  {path}\nnot a line of it\n")
    assert write_recorded(folder, FILES, COMMAND) == []
    assert (tmp_path / "mine").exists() and (folder / "link").is_symlink()


@pytest.mark.parametrize("name", ["x/../a.md", "x//../a.md", "a.md/.", "a.md/../a.md"])
def test_a_record_does_not_call_a_written_file_by_another_name(tmp_path, name) -> None:
    (tmp_path / "x").mkdir()
    digest = hashlib.sha256(b"page").hexdigest()
    (tmp_path / "a.md").write_bytes(b"page")
    (tmp_path / RECORD).write_text(f"{digest}  {name}\n")
    assert write_recorded(tmp_path, {"a.md": b"page"}, COMMAND) == []
    assert (tmp_path / "a.md").read_bytes() == b"page"


def test_spares_a_written_file_where_capitals_are_small_letters(tmp_path, monkeypatch) -> None:
    (tmp_path / "x").mkdir()
    monkeypatch.setattr(
        module, "_unchanged", lambda *_: {"x/../a.md": ""}
    )  # As A.md would be there.
    assert write_recorded(tmp_path, FILES, COMMAND) == []
    assert (tmp_path / "a.md").exists()


def test_a_line_that_comes_twice(tmp_path) -> None:
    write_recorded(tmp_path, {"old.v": b""}, COMMAND)
    (tmp_path / RECORD).write_text(2 * (tmp_path / RECORD).read_text())
    assert write_recorded(tmp_path, FILES, COMMAND) == ["old.v"]


def test_an_interruption_keeps_the_old_record(tmp_path, monkeypatch) -> None:
    write_recorded(tmp_path, FILES, COMMAND)
    before = (tmp_path / RECORD).read_bytes()

    def interrupted(folder, files) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "write_folder", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_recorded(tmp_path, {"a.md": b"another"}, COMMAND)
    assert contents(tmp_path) == FILES | {RECORD: before}


@pytest.mark.parametrize("moved", [1, 2])
def test_an_interruption_leaves_no_file_that_counts_as_a_person_s(
    tmp_path, monkeypatch, moved
) -> None:
    """After the record of both, and after a file."""
    write_recorded(tmp_path, {"a.md": b"old", "b.json": b"old"}, COMMAND)
    replace, left = os.replace, moved

    def interrupted(*paths) -> None:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        replace(*paths)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "replace", interrupted)
        write_recorded(tmp_path, {"a.md": b"new", "c.png": b"new"}, COMMAND)
    assert (tmp_path / "a.md").read_bytes() == (b"old" if moved == 1 else b"new")
    write_recorded(tmp_path, {"a.md": b"third"}, COMMAND)
    assert set(contents(tmp_path)) == {"a.md", RECORD}


def test_what_is_not_known_yet_must_be_its_own(tmp_path) -> None:
    check_own(tmp_path / "new", {"a.md": None}, COMMAND)
    write_recorded(tmp_path, FILES, COMMAND)
    check_own(tmp_path, {"a.md": None, "d.v": None, "b.json": b"another"}, COMMAND)
    (tmp_path / "a.md").write_bytes(b"mine")
    check_own(tmp_path, {"a.md": b"mine"}, COMMAND)
    with pytest.raises(UserError, match=r"a\.md must be as zynq-lstm test has written it"):
        check_own(tmp_path, {"a.md": None}, COMMAND)
    with pytest.raises(UserError, match=r"d\.v must be a file, but it is a folder"):
        (tmp_path / "d.v").mkdir()
        check_own(tmp_path, {"d.v": None}, COMMAND)


def test_refuses_a_folder_in_the_place_of_the_record(tmp_path) -> None:
    (tmp_path / RECORD).mkdir()
    with pytest.raises(UserError, match=r"sha256 must be a file, but it is a folder"):
        write_recorded(tmp_path, FILES, COMMAND)
    assert [path.name for path in tmp_path.iterdir()] == [RECORD]
