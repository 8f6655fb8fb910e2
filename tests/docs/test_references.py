"""Files, options and links that the documentation names are there."""

import re
from pathlib import Path

import pytest
import typer

import zynq_lstm.host as host
from zynq_lstm.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
FOLDERS = "boards|cli|docs|host|hw|importers|models|quant|sim|tests|train"
NAMED = re.compile(rf"`((?:{FOLDERS})/[\w./-]*)(?::[^`]*)?`")
"""Paths in code type, with a name in the file behind a colon, perhaps."""
ATTRIBUTE = re.compile(rf"`((?:{FOLDERS})/[\w./-]*\.py): (\w+)`")
LINK = re.compile(r"\]\(([^)#]+\.md)(?:#[\w-]+)?\)")

EACH = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


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
def test_links_to_pages_lead_somewhere(page) -> None:
    for name in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in name:
            assert (page.parent / name).exists(), f"{page.name} links to {name}"


@EACH
def test_named_commands_and_options_exist(page) -> None:
    commands = typer.main.get_command(app).commands
    for name, rest in re.findall(r"`zynq-lstm ([\w-]+)([^`]*)`", page.read_text(encoding="utf-8")):
        assert name in commands, f"{page.name} names zynq-lstm {name}"
        known = {opt for parameter in commands[name].params for opt in parameter.opts}
        for option in re.findall(r"(?<!\w)(--[\w-]+)", rest):
            assert option in known, f"{page.name} names {option} of zynq-lstm {name}"


def test_the_readme_lists_each_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in typer.main.get_command(app).commands:
        assert f"| `zynq-lstm {name}`" in text, name


def test_the_api_page_has_each_public_name() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for name in set(host.__all__) - {"Transport"}:
        assert f":: zynq_lstm.host.{name}\n" in text, name
