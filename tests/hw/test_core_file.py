"""The core file: FuseSoC reads it, finds its files, and sets each target up."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("fusesoc")

from zynq_lstm.hw.core_file import core_files

SECONDS = 60


@pytest.fixture(params=["", 'ram #(.INIT_FILE("bank_00.hex")) a(); // "b.v"'])
def core(request, tmp_path):
    """A folder with a core, with and without memory files, and what its Verilog names."""
    folder = tmp_path / "rtl"
    folder.mkdir()
    sources = [folder / "zynq_lstm_part.v", folder / "zynq_lstm.v"]
    for path in sources:
        path.write_text(f"module {path.stem}(); endmodule\n")
    sources[0].write_text(f"module zynq_lstm_part(); {request.param}\nendmodule\n")
    (folder / "bank_00.hex").write_text("00\n")
    files = core_files(sources, "0.1.0", "2 x 16 units, 64 multipliers (50 x)", 1e9 / 7)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder, "bank_00.hex" in request.param


def fusesoc(folder, *arguments):
    """Run FuseSoC on a folder of cores, with nothing of the person's own."""
    environment = {**os.environ, "HOME": str(folder.parent), "XDG_CONFIG_HOME": str(folder.parent)}
    return subprocess.run(
        [sys.executable, "-m", "fusesoc.main", "--cores-root", str(folder), *arguments],
        cwd=folder.parent, env=environment, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip


def test_fusesoc_shows_it(core) -> None:
    done = fusesoc(core[0], "core", "show", "::zynq_lstm:0.1.0")
    assert done.returncode == 0, done.stderr
    for target in ("default", "lint", "synth"):
        assert target in done.stdout
    assert "2 x 16 units" in done.stdout


@pytest.mark.parametrize("target", ["lint", "synth"])
def test_fusesoc_sets_a_target_up(core, target) -> None:
    folder, has_contents = core
    done = fusesoc(
        folder, "run", "--setup", "--target", target, "--build-root", "work", "::zynq_lstm"
    )
    assert done.returncode == 0, done.stderr
    (description,) = (folder.parent / "work").rglob("*.eda.yml")
    text = description.read_text()
    assert "zynq_lstm_part.v" in text and "toplevel: zynq_lstm\n" in text
    assert ("bank_00.hex" in text) == has_contents


def test_vivado_gets_clock_mode_and_memory_files(core) -> None:
    folder, has_contents = core
    done = fusesoc(
        folder, "run", "--setup", "--target", "synth", "--build-root", "work", "::zynq_lstm"
    )
    assert done.returncode == 0, done.stderr
    (project,) = (folder.parent / "work").rglob("zynq_lstm_0.1.0.tcl")
    commands = project.read_text().splitlines()
    work = project.parent
    (constraints,) = [c.split()[-1].strip("{}") for c in commands if c.startswith("read_xdc ")]
    assert (work / constraints).read_text() == (
        "create_clock -name aclk -period 7.000 [get_ports aclk]\n"
    )
    settings = [c.split()[-1].strip("{}") for c in commands if c.startswith("source ")]
    assert ["-mode out_of_context" in (work / name).read_text() for name in settings] == [True]
    memories = [c.split()[-1].strip("{}") for c in commands if c.startswith("read_mem ")]
    assert memories == (["bank_00.hex"] if has_contents else [])
    assert all((work / name).is_file() for name in memories)
