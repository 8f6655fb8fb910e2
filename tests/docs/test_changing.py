"""docs/changing.md: the commands of *Another size* work as they stand there, one after the other.

Not so two of them: a random checkpoint stands for the trained one, and the golden model for the
simulation, which other tests compare with it.
"""

import re
import shlex
from pathlib import Path

import pytest
from tiny_models import tiny_tensors, write_tiny_checkpoint

pytest.importorskip("amaranth")

from zynq_lstm.cli import program
from zynq_lstm.hw.verilog import TOP
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import read_image

PAGE = Path(__file__).parents[2] / "docs" / "changing.md"
TEXT = "The quick brown fox jumps over the lazy dog"


def commands() -> list[list[str]]:
    section = PAGE.read_text(encoding="utf-8").split("## Another size\n")[1]
    (block, *_) = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for line in block.splitlines()]


def test_another_size(tmp_path, monkeypatch, capsys) -> None:
    (_, train, *trained), *others = commands()
    assert (train, [words[1] for words in others]) == ("train", ["quantize", "rtl", "generate"])
    monkeypatch.chdir(tmp_path)
    characters = "".join(sorted(set(TEXT)))
    hidden = int(trained[trained.index("--hidden") + 1])
    write_tiny_checkpoint(
        Path(trained[trained.index("-o") + 1]),
        tiny_tensors(characters, hidden=hidden),
        characters=characters,
    )
    for _, *words in others:
        with pytest.raises(SystemExit) as ended:
            program.run(["golden" if word == "sim" else word for word in words])
        assert ended.value.code in (0, None), capsys.readouterr().err

    (quantize, rtl, _) = others
    image = read_image(quantize[quantize.index("-o") + 1])
    assert image.config == Config(hidden=hidden, multipliers=256)
    verilog = Path(rtl[rtl.index("-o") + 1]) / f"{TOP}.v"
    assert f"16'h{image.config.layout_hash >> 16:04x}" in verilog.read_text()
