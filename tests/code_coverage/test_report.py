"""Coverage reports: counts of several files are added up, and what is missing needs a reason."""

import json
import sys
from pathlib import Path

import pytest
from code_coverage import branches, report

VERILOG = """\
module zynq_lstm(aclk);
  always @* begin
    if (\\$auto$verilog_backend.cc:2355:dump_module$9 ) begin end
    a = 1'h0;
    if (b) begin
      a = 1'h1;
    end
  end
endmodule
module \\zynq_lstm.accelerator.loader (aclk);
  always @(posedge aclk) c <= d;
endmodule
"""


def point(kind: str, line: int, hits: int, name: str = "", lines: str = "") -> str:
    keys = {"f": "/somewhere/zynq_lstm.v", "l": str(line), "t": kind, "o": name, "S": lines}
    return "C '" + "".join(f"\1{k}\2{v}" for k, v in keys.items() if v) + f"' {hits}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "2_x_16_units"
    made.mkdir()
    (made / "zynq_lstm.v").write_text(VERILOG)
    return made


def counts(folder: Path, name: str, *, inner: int, loader: int) -> None:
    text = point("line", 2, 9, "block", "2,4-5") + point("branch", 3, 0, "if", "3")
    text += point("branch", 5, inner, "if", "6") + point("line", 11, loader, "block", "11")
    text += point("toggle", 11, inner, "c[0]:0->1") + point("toggle", 11, 0, "c[0]:1->0")
    (folder / name).write_text(text)


def test_counts_are_added_up_by_module(folder: Path) -> None:
    counts(folder, "1.dat", inner=0, loader=1)
    counts(folder, "2.dat", inner=2, loader=0)
    modules, missing = report.measured(folder)
    assert missing == {}
    assert {name: (m.reached, len(m.lines)) for name, m in modules.items()} == {
        "zynq_lstm": (4, 4),
        "accelerator.loader": (1, 1),
    }
    loader = modules["accelerator.loader"]
    assert (loader.toggled, len(loader.toggles)) == (1, 2)
    assert report.show(folder)


def test_a_line_needs_a_reason(folder: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(report, "LEAST", 0.5)
    counts(folder, "1.dat", inner=1, loader=0)
    assert report.show(folder), "the loader's are explained"
    monkeypatch.setitem(report.EXPLAINED, "loader", (0, "but no more of them"))
    assert not report.show(folder)
    counts(folder, "1.dat", inner=0, loader=1)
    assert not report.show(folder)
    assert "zynq_lstm.v:6  a = 1'h1;" in capsys.readouterr().out


def test_too_few_lines(folder: Path, monkeypatch) -> None:
    counts(folder, "1.dat", inner=1, loader=0)
    assert not report.show(folder), "four of five"
    monkeypatch.setattr(sys, "argv", ["report", str(folder.parent)])
    with pytest.raises(SystemExit, match="98%"):
        report.main()


@pytest.mark.parametrize(("taken", "sentence"), [(9, None), (8, "90%: host")])
def test_branches_of_a_package(tmp_path: Path, monkeypatch, capsys, taken, sentence) -> None:
    summary = dict(zip(branches.KEYS, (30, 30, taken, 10), strict=True))
    path = tmp_path / "python.json"
    path.write_text(json.dumps({"files": {"host/link.py": {"summary": summary}}}))
    monkeypatch.setattr(sys, "argv", ["branches", str(path)])
    if sentence is None:
        branches.main()
    else:
        with pytest.raises(SystemExit, match=sentence):
            branches.main()
    assert f"{taken} of 10 branches" in capsys.readouterr().out
