"""What the documentation shows is tried: Python runs, commands are the command line's own.

Each page's blocks run in order, in a folder with the shipped model and a text, on the golden model
whatever backend they name. Commands that take long, or that work on a reader's own files, are
looked at only: their options must exist and their values be possible.
"""

import importlib.util
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

import zynq_lstm.host as host
from zynq_lstm.cli import program
from zynq_lstm.cli.app import app
from zynq_lstm.models import SHAKESPEARE

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"python", "sh", "json", "text"}

QUICK = {"info", "generate", "quantize", "score"}
"""Commands that are run, where their files are there."""
OWN_FILES = re.compile(r"\b(my|model|four)\.\w+")
"""What readers have and we have not."""
TEXT = "First Citizen:\nBefore we proceed any further, hear me speak.\n" * 40
NOT_RUN = {"import.md": "needs PyTorch and Keras; the importers' tests have such models"}
BEFORE = {
    "driver.md": 'lstm = host.open("shakespeare.zlstm")',
}
"""What a page's fragments take for given."""


@dataclass(frozen=True)
class Block:
    """A block of a page, with its number in it."""

    page: str
    number: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}-{self.number}"


def blocks_of(page: Path) -> Iterator[Block]:
    for number, (language, text) in enumerate(FENCE.findall(page.read_text(encoding="utf-8")), 1):
        yield Block(page.name, number, language, text)


def commands_of(block: Block) -> Iterator[list[str]]:
    """Yield the commands of a block of shell lines, without comments."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if words := shlex.split(line, comments=True):
            yield words


BLOCKS = [block for page in PAGES if page.exists() for block in blocks_of(page)]
SHELL = [b for b in BLOCKS if b.language == "sh"]
PYTHON = [b for b in BLOCKS if b.language == "python"]
OURS = [
    pytest.param(words[1:], id=f"{block}-{words[1]}-{k}")
    for block in SHELL
    for k, words in enumerate(commands_of(block))
    if words[0] == "zynq-lstm"
]
RUN = [p for p in OURS if p.values[0][0] in QUICK and not OWN_FILES.search(" ".join(p.values[0]))]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder as the examples take it for given."""
    (tmp_path / "models").mkdir()
    for name in ("shakespeare.zlstm", "shakespeare.safetensors"):
        shutil.copy(ROOT / "models" / name, tmp_path / "models")
    shutil.copy(SHAKESPEARE, tmp_path)
    (tmp_path / "TEXT").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def golden(monkeypatch) -> None:
    """Every backend is the golden model."""
    real = host.open
    monkeypatch.setattr(host, "open", lambda image, *_, **options: real(image))


def test_there_are_examples_in_languages_that_are_known() -> None:
    assert len(OURS) > 10 and len(RUN) > 3 and len(PYTHON) > 3
    assert {block.language for block in BLOCKS} - {""} <= LANGUAGES


@pytest.mark.parametrize("words", OURS)
def test_commands_are_the_command_line_s(words) -> None:
    command = typer.main.get_command(app)
    name, *arguments = words
    command.commands[name].make_context(name, arguments, resilient_parsing=False).close()


@pytest.mark.parametrize("words", RUN)
def test_quick_commands_run(words, folder, capfd) -> None:
    if words[0] == "generate":
        if "half.zlstm" in words:
            shutil.copy(folder / "shakespeare.zlstm", folder / "half.zlstm")
        words = ["golden" if w in ("sim", "virtual", "board") else w for w in words]
    with pytest.raises(SystemExit) as ended:
        program.run(words)
    assert ended.value.code in (0, None), capfd.readouterr().err


def test_the_text_that_readme_shows_is_what_its_command_writes(folder) -> None:
    readme = [block for block in BLOCKS if block.page == "README.md"]
    (sample,) = (block.text for block in readme if block.language == "text")
    prompt = sample.splitlines()[0]
    commands = (words for block in readme if block in SHELL for words in commands_of(block))
    (words,) = (words for words in commands if words[1:2] == ["generate"] and prompt in words)
    given = dict(zip(words[3::2], words[4::2], strict=True))
    with host.open(words[2]) as golden:
        text = golden.generate(
            prompt, 100, temperature=float(given["--temperature"]), seed=int(given["--seed"])
        )
    assert (prompt + text).startswith(sample)


@pytest.mark.parametrize("page", sorted({block.page for block in PYTHON}))
def test_python_runs(page, folder, golden) -> None:
    names: dict[str, object] = {"host": host, "__name__": "example"}
    for block in PYTHON:
        if block.page == page:
            code = compile(block.text, str(block), "exec")
            if page not in NOT_RUN:
                exec(BEFORE.get(page, ""), names)
                exec(code, names)


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_targets_of_make_exist(block) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for words in commands_of(block):
        if words[0] == "make":
            assert {w for w in words[1:] if not w.startswith("-") and "=" not in w} <= set(targets)


def test_modules_of_python_m_exist() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        for name in re.findall(r"python -m (zynq_lstm[\w.]+)", text):
            assert importlib.util.find_spec(name), f"{page.name}: {name}"
