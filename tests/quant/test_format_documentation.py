"""docs/formats.md is what the formats, operators and tables are."""

from pathlib import Path

from zynq_lstm.quant import format_documentation, formats, operators, surprisal
from zynq_lstm.quant.format_documentation import render_markdown
from zynq_lstm.quant.formats import Format

DOCUMENT = Path(__file__).parents[2] / "docs" / "formats.md"


def test_the_documentation_is_the_code() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == render_markdown(), (
        "write it anew: python -m zynq_lstm.quant.format_documentation > docs/formats.md"
    )


def test_has_every_format_with_its_purpose() -> None:
    lines = render_markdown().splitlines()
    names = [n for m in (formats, surprisal) for n, f in vars(m).items() if isinstance(f, Format)]
    for name in set(names):
        (row,) = [line for line in lines if line.startswith(f"| `{name}` |")]
        assert row.split(" | ")[-1].strip(" |"), name


def test_has_every_operator() -> None:
    text = render_markdown()
    for name in ("requantize", "tanh", "cell_update", "sampling_score", "logarithm"):
        assert f"| `{name}` |" in text
    assert "tanh_table" not in text


def test_notes_a_change(monkeypatch) -> None:
    before = render_markdown()
    monkeypatch.setattr(formats, "CELL", Format(16, 10))
    monkeypatch.setattr(operators.tanh, "__doc__", "Other.")
    after = render_markdown()
    assert "| `CELL` | Q5.10 | 16 | -32 |" in after
    assert "| `tanh` | `quant/operators.py` | Other. |" in after
    assert before != after and format_documentation.__doc__
