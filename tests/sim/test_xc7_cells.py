"""The cells that netlists are simulated with, against plain Python; and what they refuse."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from cells.bench import HARNESS, Played
from cells.instances import block_ram, block_rams, dsps, logic

from zynq_lstm.quant.errors import UserError
from zynq_lstm.sim.library import compile_library
from zynq_lstm.sim.netlist import CELLS, REFUSALS

CYCLES = 1500
SEED = 1


def compare(folder: Path, cells: Sequence[Path] = CELLS) -> None:
    """Play all cells and compare each output in each cycle."""
    rng = np.random.default_rng(SEED)
    instances = [*logic(rng), *dsps(), *block_rams(rng)]
    drawn = [[instance.draw(rng) for instance in instances] for _ in range(CYCLES)]
    found = Played(folder, instances, cells)(drawn)
    references = [instance.reference() for instance in instances]
    for t, (pins, shown) in enumerate(zip(drawn, found, strict=True)):
        for k, (instance, reference) in enumerate(zip(instances, references, strict=True)):
            expected = reference.step({**instance.tied, **pins[k]})
            assert shown[k] == expected, f"cycle {t}, cell{k}: {instance.kind}, {pins[k]}"


def test_cells_do_what_plain_python_does(tmp_path: Path) -> None:
    compare(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("CARRY4", "S[3] ? carry3 : DI[3]", "S[3] ? carry3 : DI[2]"),
        ("LUT5", "{I4, I3, I2, I1, I0}", "{I3, I4, I2, I1, I0}"),
        ("FDSE", "if (S) Q <= 1;", "if (S && CE) Q <= 1;"),
        ("SRLC32E", "bits[A]", "bits[A ^ 5'd16]"),
        ("RAM32M", "b[{ADDRD, 1'b0} +: 2] <= DIB", "b[{ADDRB, 1'b0} +: 2] <= DIB"),
        ("DSP48E1", "{{5{m[42]}}, m}", "{5'd0, m}"),
        ("DSP48E1", "(CLK, CEM, RSTM, product, m)", "(CLK, CEP, RSTM, product, m)"),
        ("RAMB", "if (write_b[k])", "if (write_b[0])"),
        ("RAMB", "STEP*n+:STEP", "STEP*(n^1)+:STEP"),
        ("RAMB", "out_b <= words[word_b]", "out_b <= words[word_b ^ 1]"),
    ],
)
def test_planted_faults_are_found(tmp_path: Path, kind: str, right: str, wrong: str) -> None:
    cells, places = [], 0
    for path in CELLS:
        text = path.read_text()
        start = max(text.find(f"module {kind}"), 0)
        places += text.count(right, start)
        cells.append(tmp_path / path.name)
        cells[-1].write_text(text[:start] + text[start:].replace(right, wrong))
    assert places == 1, f"{right} must be there once"
    with pytest.raises(AssertionError, match=rf"^cycle \d+, cell\d+: {kind}"):
        compare(tmp_path, cells)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("DSP48E1 #(.AREG(2))", "must have at most one register at A and at B"),
        ("DSP48E1 #(.CREG(1))", "must have registers at A, B, M and P only"),
        ('DSP48E1 #(.B_INPUT("CASCADE"))', "must take A and B from its pins"),
        ('DSP48E1 #(.USE_DPORT("TRUE"))', "must multiply, without the pre-adder"),
        ("DSP48E1 #(.MASK(1))", "Parameter not found: 'MASK'"),
        ("RAMB36E1 #(.READ_WIDTH_A(72))", "ports of a width that it has, not of 72"),
        ("RAMB36E1 #(.READ_WIDTH_A(9), .WRITE_WIDTH_B(18))", "ports of one width"),
        ("RAMB36E1 #(.READ_WIDTH_A(9))", "must read first"),
        ("RAMB18E1 #(.READ_WIDTH_A(9), .DOA_REG(1))", "no output register"),
        ('RAMB36E1 #(.READ_WIDTH_A(1), .RAM_EXTENSION_A("LOWER"))', "in a cascade"),
        ("SRL16E #(.IS_CLK_INVERTED(1))", "must shift at the rising edge"),
        ("FDRE #(.IS_C_INVERTED(1))", "Parameter not found: 'IS_C_INVERTED'"),
        ("FDCE", "Cannot find file containing module: 'FDCE'"),
    ],
)
def test_what_is_not_modelled_is_refused(tmp_path: Path, cell: str, reason: str) -> None:
    path = tmp_path / "cells.v"
    path.write_text(f"module cells (input clk); {cell} cell0 (); endmodule\n")
    with pytest.raises(UserError, match=reason):
        compile_library([*CELLS, path], "cells", harness=HARNESS, flags=REFUSALS)


def test_modes_at_pins_are_refused_where_they_come(tmp_path: Path) -> None:
    (dsp, *_), ram = dsps(), block_ram(np.random.default_rng(SEED), 2, "TDP", (9, 0, 0, 9))
    for instance, pin, width in ((dsp, "OPMODE", 7), (ram, "RSTRAMB", 1)):
        instance.tied = {n: v for n, v in instance.tied.items() if n != pin}
        instance.inputs = {pin: width, **instance.inputs}
    played = Played(tmp_path, [dsp, ram])
    quiet = [dict.fromkeys(dsp.inputs, 0) | {"OPMODE": 5}, dict.fromkeys(ram.inputs, 0)]
    played([quiet])
    for k, pin, value, said in (
        (0, "OPMODE", 0b0100101, "must have OPMODE"),
        (1, "RSTRAMB", 1, "must have 0 at its resets"),
    ):
        cycle = [dict(pins) for pins in quiet]
        cycle[k][pin] = value
        x = played.packed([cycle])
        program = (
            "import ctypes, sys; library = ctypes.CDLL(sys.argv[1]); "
            "library.cells_new.restype = ctypes.c_void_p; "
            "library.cells_play(ctypes.c_void_p(library.cells_new()), bytes.fromhex(sys.argv[2]), "
            "ctypes.create_string_buffer(4096), 1)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, played.library, x.tobytes().hex()],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode != 0
        assert said in done.stdout + done.stderr
