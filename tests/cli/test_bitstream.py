"""`zynq-lstm bitstream`: a board's build, with and without a Vivado on the PATH."""

import os
import stat
import sys
import types
from pathlib import Path

import pytest
import typer

from zynq_lstm.boards.definitions import BOARDS
from zynq_lstm.boards.vivado import RESULTS
from zynq_lstm.cli.app import app

FAKE = """#!{python}
import pathlib, sys
expected = "-mode batch -notrace -nojournal -log vivado.log -source build.tcl -tclargs 2".split()
assert sys.argv[1:] == expected, sys.argv
assert pathlib.Path("build.tcl").is_file()
print("zynq-lstm: Synthesizing")
print("some of Vivado's own lines")
{body}
"""


@pytest.fixture(autouse=True)
def verilog(monkeypatch):
    """A module in the place of hw.verilog, which need not be installed."""
    module = types.ModuleType("zynq_lstm.hw.verilog")

    def write_verilog(config, directory: Path, *, image=None) -> list[Path]:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "zynq_lstm.v"
        path.write_text("module zynq_lstm; endmodule")
        return [path]

    module.write_verilog = write_verilog
    monkeypatch.setitem(sys.modules, module.__name__, module)
    import zynq_lstm.hw

    monkeypatch.setattr(zynq_lstm.hw, "verilog", module, raising=False)


@pytest.fixture
def vivado(tmp_path, monkeypatch):
    """Put a program of the name onto the PATH that does as it is told; none at first."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))

    def install(body: str) -> None:
        path = programs / "vivado"
        path.write_text(FAKE.format(python=sys.executable, body=body))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return install


WRITE_RESULTS = "\n".join(f"pathlib.Path({name!r}).write_text('x')" for name in RESULTS)


def test_without_vivado_it_writes_the_build_and_says_so(run, vivado, tmp_path) -> None:
    folder = tmp_path / "new" / "build"
    result = run("bitstream", "--board", "zedboard", "-o", folder)
    assert (result.status, result.out) == (0, "")
    assert "Vivado was not run: it is not on the PATH" in result.err
    assert sorted(path.name for path in folder.iterdir()) == [
        "Makefile",
        "README.md",
        "build.tcl",
        "verilog",
        "zynq_lstm.bitstream.sha256",
        "zynq_lstm.xdc",
    ]
    told = [line.removeprefix(f"  {folder}/") for line in result.err.splitlines()[:6]]
    assert sorted(told) == sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    assert "xc7z020clg484-1" in (folder / "build.tcl").read_text()
    assert "not yet run on a board" in " ".join((folder / "README.md").read_text().split())
    assert str(tmp_path) not in (folder / "build.tcl").read_text()


def test_replaces_the_verilog_of_an_earlier_run(run, vivado, tmp_path, monkeypatch) -> None:
    """The Makefile asks for all that is in the folder."""
    folder = tmp_path / "b"
    arguments = ("bitstream", "--board", "pynq-z2", "-o", folder)
    module = sys.modules["zynq_lstm.hw.verilog"]
    write = module.write_verilog

    def write_another_too(config, directory: Path) -> list[Path]:
        paths = write(config, directory)
        (directory / "another.v").write_text("module another; endmodule")
        return [*paths, directory / "another.v"]

    monkeypatch.setattr(module, "write_verilog", write_another_too)
    assert "Removed" not in run(*arguments).err
    (folder / "project").mkdir()
    monkeypatch.setattr(module, "write_verilog", write)
    assert "Removed 1 file of an earlier run: verilog/another.v\n" in run(*arguments).err
    assert [path.name for path in (folder / "verilog").iterdir()] == ["zynq_lstm.v"]
    assert (folder / "project").is_dir()
    (folder / "verilog" / "mine.v").write_text("module mine; endmodule")
    assert "not of this run: verilog/mine.v\n" in run(*arguments).err


def test_an_interruption_leaves_nothing(run, vivado, tmp_path, monkeypatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zynq_lstm.cli.bitstream.write_build", interrupted)  # Verilog is written.
    assert run("bitstream", "--board", "pynq-z2", "-o", tmp_path / "b").status == 130
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("name", ["Makefile", "README.md", "build.tcl"])
def test_a_person_s_file_is_seen_before_the_work(run, vivado, tmp_path, monkeypatch, name) -> None:
    folder = tmp_path / "b"
    arguments = ("bitstream", "--board", "pynq-z2", "-o", folder)
    run(*arguments)
    monkeypatch.setattr(sys.modules["zynq_lstm.hw.verilog"], "write_verilog", None)
    (folder / name).write_text("mine")
    run(*arguments).refused(f"{folder / name} must be as zynq-lstm bitstream has written it")
    assert (folder / name).read_text() == "mine"


def test_the_makefile_runs_what_the_command_runs(run, vivado, tmp_path) -> None:
    run("bitstream", "--board", "pynq-z1", "-o", tmp_path / "b")
    command = "vivado -mode batch -notrace -nojournal -log vivado.log -source build.tcl -tclargs"
    assert f"\t{command} $(JOBS)\n" in (tmp_path / "b" / "Makefile").read_text()


def test_runs_vivado(run, vivado, tmp_path) -> None:
    vivado(WRITE_RESULTS)
    result = run("bitstream", "--board", "pynq-z2", "-o", tmp_path / "b", "--jobs", 2)
    assert result.status == 0
    assert result.out.splitlines() == [str(tmp_path / "b" / name) for name in RESULTS]
    assert "Synthesizing" in result.err
    assert "Vivado's own lines" not in result.err


def test_does_not_run_it_when_told_so(run, vivado, tmp_path) -> None:
    vivado("raise SystemExit(1)")
    result = run("bitstream", "--board", "pynq-z2", "-o", tmp_path / "b", "--no-run")
    assert (result.status, result.out) == (0, "")


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (
            "print('zynq-lstm: Error: Timing must be met, but WNS (setup) is -0.2 ns')\n"
            "print('ERROR: [Common 17-69] Command failed')\nraise SystemExit(1)",
            ("ended with status 1", "WNS (setup) is -0.2 ns", "vivado.log"),
        ),
        (
            "print('ERROR: [BD 41-701] no pin')\nprint('ERROR: more')\nraise SystemExit(2)",
            ("ended with status 2", "[BD 41-701] no pin"),
        ),
        ("raise SystemExit(3)", ("ended with status 3;",)),
        ("pass", ("must write zynq_lstm.bit", "zynq_lstm.hwh")),
    ],
)
def test_a_build_that_fails_is_an_error(run, vivado, tmp_path, body, parts) -> None:
    vivado(body)
    result = run("bitstream", "--board", "pynq-z2", "-o", tmp_path / "b", "--jobs", 2)
    assert (result.status, result.out) == (1, "")
    last = result.err.splitlines()[-1]
    assert last.startswith("zynq-lstm: Vivado must")
    for part in parts:
        assert part in last
    assert "Traceback" not in result.err


def test_refuses_an_unknown_board(run, vivado, tmp_path) -> None:
    run("bitstream", "--board", "none", "-o", tmp_path / "b").refused(
        f"Board must be one of {', '.join(BOARDS)}, not none"
    )
    assert not (tmp_path / "b").exists()


def test_help_lists_the_boards() -> None:
    options = typer.main.get_command(app).commands["bitstream"].params
    (board,) = (option for option in options if option.name == "board")
    assert all(name in board.help for name in BOARDS)


def test_refuses_sizes_and_folders(run, vivado, tmp_path) -> None:
    run("bitstream", "--board", "pynq-z2", "-o", tmp_path / "b", "--hidden", 20).refused("Hidden")
    assert not (tmp_path / "b").exists()
    (tmp_path / "file").write_text("")
    run("bitstream", "--board", "pynq-z2", "-o", tmp_path / "file").refused("must be writable")
    if os.geteuid():
        (tmp_path / "locked").mkdir(mode=0o500)
        run("bitstream", "--board", "pynq-z2", "-o", tmp_path / "locked").refused("writable")


def test_board_and_folder_must_be_given(run) -> None:
    assert run("bitstream", "-o", "b").status == 2
    assert run("bitstream", "--board", "pynq-z2").status == 2
