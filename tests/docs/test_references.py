"""Files, options and links that the documentation names are there."""

import re
from collections import Counter
from pathlib import Path

import pytest
import typer

import zynq_lstm.host as host
from zynq_lstm.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "models/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
FOLDERS = "boards|cli|docs|host|hw|importers|models|quant|sim|tests|train"
NAMED = re.compile(rf"`((?:{FOLDERS})/[\w./-]*)(?::[^`]*)?`")
"""Paths in code type, with a name in the file behind a colon, perhaps."""
ATTRIBUTE = re.compile(rf"`((?:{FOLDERS})/[\w./-]*\.py): (\w+)`")
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

EACH = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def anchors_of(page: Path) -> set[str]:
    """Return what GitHub makes of a page's headings: small letters, blanks as hyphens, no signs.

    Where this is also what Sphinx makes of them, and `make docs` says so, a link works in both.
    """
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = (re.sub(r"[^\w\- ]", "", line.lower()) for line in HEADING.findall(text))
    return {line.strip().replace(" ", "-") for line in headings}


@EACH
def test_named_files_exist(page) -> None:
    for name in NAMED.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), f"{page.name} names {name}"


@EACH
def test_named_objects_exist(page) -> None:
    for name, thing in ATTRIBUTE.findall(page.read_text(encoding="utf-8")):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.search(rf"\b(class|def) {thing}\b|^{thing}\b", text, re.MULTILINE), (name, thing)


@EACH
def test_links_lead_somewhere(page) -> None:
    for name, anchor in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in name:
            continue
        target = page.parent / name if name else page
        assert target.exists(), f"{page.name} links to {name}"
        if anchor:
            assert anchor in anchors_of(target), f"{page.name} links to {name}#{anchor}"


@EACH
def test_named_commands_and_options_exist(page) -> None:
    commands = typer.main.get_command(app).commands
    for name, rest in re.findall(r"`zynq-lstm ([\w-]+)([^`]*)`", page.read_text(encoding="utf-8")):
        assert name in commands, f"{page.name} names zynq-lstm {name}"
        known = {opt for parameter in commands[name].params for opt in parameter.opts}
        for option in re.findall(r"(?<!\w)(--[\w-]+)", rest):
            assert option in known, f"{page.name} names {option} of zynq-lstm {name}"


def test_architecture_names_each_file_once() -> None:
    """A file's home in the tables; in running text it may be named as often as one likes."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    named = Counter(name for row in rows for name in re.findall(r"`([^`]+)`", row))
    files = {
        path.relative_to(ROOT).as_posix()
        for folder in set(FOLDERS.split("|")) - {"docs", "tests"}
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".v", ".sv", ".cpp") and path.name != "__init__.py"
    }
    assert set(named) == files
    assert set(named.values()) == {1}


def test_the_readme_lists_each_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in typer.main.get_command(app).commands:
        assert f"| `zynq-lstm {name}`" in text, name


def test_the_readme_says_which_commands_have_json() -> None:
    commands = typer.main.get_command(app).commands
    have = [
        f"`{name}`"
        for name in sorted(commands)
        if any("--json" in parameter.opts for parameter in commands[name].params)
    ]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{', '.join(have[:-1])} and {have[-1]} have `--json`" in text


def test_the_readme_lists_each_extra_and_those_that_setup_leaves_out() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = project.split("[project.optional-dependencies]\n")[1].split("\n[")[0]
    extras = set(re.findall(r"^(\w+) = \[", extras, re.MULTILINE))
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", text.split("## Installing parts")[1], re.M)
    assert extras <= {name for row in rows for name in re.findall(r"\w+", row)}

    (installed,) = re.findall(r"-e '\.\[([\w,]+)\]'\n\ttouch", (ROOT / "Makefile").read_text())[:1]
    (left_out,) = re.findall(r"`make setup` installs all but ([^;]*);", text)
    assert extras - set(installed.split(",")) == set(re.findall(r"\w+", left_out)) - {"and"}


def test_the_api_page_has_each_public_name() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in set(host.__all__) - {"Transport"}:
        assert f":: zynq_lstm.host.{name}\n" in text, name
