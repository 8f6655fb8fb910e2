"""Tests of making the models' texts."""

import gettext
import io
import struct
import zipfile
from pathlib import Path

import pytest

from zynq_lstm.quant.errors import UserError
from zynq_lstm.train.corpora import LANGUAGES, catalogs, main, python_modules, translations


def compiled(messages: dict[str, str]) -> bytes:
    """A catalog (.mo) of messages, in order."""
    texts = [[text.encode() for text in column] for column in zip(*messages.items(), strict=True)]
    start = 28 + 16 * len(messages)
    table, content = [], b""
    for text in texts[0] + texts[1]:
        table.append(struct.pack("<2I", len(text), start + len(content)))
        content += text + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(messages), 28, 28 + 8 * len(messages), 0, start)
    return head + b"".join(table) + content


CATALOG = {
    "": "Project-Id-Version: x\nContent-Type: text/plain; charset=UTF-8\n",
    "day": "Größe",
    "one\0many": "день\0дни",
}


def test_translations_of_a_catalog() -> None:
    data = compiled(CATALOG)
    assert gettext.GNUTranslations(io.BytesIO(data)).gettext("day") == "Größe"
    assert list(translations(data)) == ["Größe".encode(), "день".encode(), "дни".encode()]


def wheel(path: Path, languages: list[str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for language in languages:
            name = f"pack/locale/{language}/LC_MESSAGES/django.mo"
            archive.writestr(name, compiled({"a": f"text {language}"}))
            archive.writestr(name.replace(".mo", ".po"), "source")
        archive.writestr("pack/locale.py", "code")
    return path


def test_catalogs_of_wheels(tmp_path: Path) -> None:
    first = wheel(tmp_path / "1.whl", ["de", "xx", "ja"])
    text = catalogs([first])
    assert sorted(text.split(b"\n\n")) == [b"text de", b"text ja"]
    both = catalogs([first, wheel(tmp_path / "2.whl", ["de", "fr"])])
    assert sorted(both.split(b"\n\n")) == [b"text de", b"text fr", b"text ja"]
    assert len(set(LANGUAGES)) == len(LANGUAGES)


def test_files_that_are_no_wheels(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must come from a wheel that holds some, but .* has none"):
        catalogs([wheel(tmp_path / "1.whl", ["xx"])])
    other = tmp_path / "other"
    other.write_text("text")
    for path in (other, tmp_path / "none"):
        with pytest.raises(UserError, match=r"must come from a wheel, but .* cannot be read"):
            catalogs([path])
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("pack/locale/de/LC_MESSAGES/django.mo", b"\0" * 40)
    with pytest.raises(UserError, match="another magic number"):
        catalogs([other])


def test_modules_of_a_library(tmp_path: Path) -> None:
    modules = {"a.py": "a = 1\n", "b.py": "b = 'é'\n", "c.py": "if c:\n\td\n", "d.py": "d = 4\n"}
    modules["_sysconfigdata_x.py"] = "path = 5\n"
    for name, text in modules.items():
        (tmp_path / name).write_text(text)
    text = python_modules(tmp_path)
    assert text in (b"a = 1\n\n\nd = 4\n", b"d = 4\n\n\na = 1\n")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "text"
    main(["catalogs", str(output), str(wheel(tmp_path / "1.whl", ["de"]))])
    assert output.read_bytes() == b"text de"
    assert "text: 7 bytes, SHA-256 " in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["catalogs", str(output)])
    assert "name them, too" in capsys.readouterr().err
