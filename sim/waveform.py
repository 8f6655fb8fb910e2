"""Waveforms of a traced chip: which signals to look at, and reading them cycle by cycle.

A save file of GTKWave groups the signals as one follows a character: registers and streams, the
run, the engine's steps, layer by layer to h, logits to the symbol.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from vcd.gtkw import GTKWSave

from zynq_lstm.quant.config import GATES

TOP = "TOP.zynq_lstm"
CLOCK = "aclk"
CORE = "accelerator"
DATAPATH = f"{CORE}.datapath"

GROUPS: Mapping[str, tuple[str, ...]] = {
    "clock and reset": (CLOCK, "aresetn", "interrupt"),
    "registers": tuple(
        f"s_axi_{name}"
        for name in (
            *("awvalid", "awready", "awaddr", "wvalid", "wready", "wdata", "wstrb"),
            *("bvalid", "bready", "bresp"),
            *("arvalid", "arready", "araddr", "rvalid", "rready", "rdata", "rresp"),
        )
    ),
    "stream in": tuple(f"s_axis_{n}" for n in ("tvalid", "tready", "tdata", "tkeep", "tlast")),
    "stream out": tuple(f"m_axis_{n}" for n in ("tvalid", "tready", "tdata", "tkeep", "tlast")),
    "run": tuple(
        f"{CORE}.controller.{name}"
        for name in ("mode", "busy", "go", "character_start", "prologue", "fed", "nth_output")
    ),
    "engine's steps": tuple(
        f"{CORE}.sequencer.{name}"
        for name in ("valid", "kind_A", "kind_B", "kind_C", "kind_O", "row", "address", "layer")
    ),
    "row sums": tuple(f"{DATAPATH}.sum{k}" for k in range(GATES)),
    "layer 1 without multipliers": (f"{DATAPATH}.launch", f"{CORE}.controller.symbol"),
    "element-wise unit": tuple(
        f"{DATAPATH}.elementwise.{name}"
        for name in (
            *("valid", "layer", "z0", "z1", "z2", "z3"),
            *("i_q", "f_q", "g_q", "c_q", "c_new", "h", "saturated"),
        )
    ),
    "hidden states": tuple(
        f"{DATAPATH}.engine.{n}" for n in ("h1_shift", "h1_in", "h1_load", "h2_shift", "h2_in")
    ),
    "logits": (f"{DATAPATH}.logits_valid", *(f"{DATAPATH}.logit{k}" for k in range(GATES))),
    "symbol": tuple(f"{DATAPATH}.{n}" for n in ("done", "sampled", "scored", "surprisal")),
}
"""Signals below the top, by what they belong to.

A block's port can be told by its name only where nothing within the block has the same: Amaranth
gives the name to the inner one, and the port a number behind it. So the engine's sums are looked at
where they arrive.
"""

_NUMBERS = ("sum", "elementwise.z", "logit")
SIGNED = {
    *(f"{DATAPATH}.{name}{k}" for name in _NUMBERS for k in range(GATES)),
    *(f"{DATAPATH}.elementwise.{name}" for name in ("i_q", "f_q", "g_q", "c_q", "c_new", "h")),
    *(f"{DATAPATH}.engine.{name}" for name in ("h1_in", "h2_in")),
}


def view(waveform: Path, signals: Mapping[str, int]) -> str:
    """Return a save file of GTKWave for a waveform beside it.

    Parameters
    ----------
    waveform : Path
    signals : mapping of str to int
        Width of each signal that the waveform has, from `signals_of`; a chip of one layer lacks
        some of `GROUPS`.
    """
    text = io.StringIO()
    save = GTKWSave(text)
    save.dumpfile(waveform.name, abspath=False)
    save.treeopen(f"{TOP}.")
    for title, names in GROUPS.items():
        with save.group(title, closed=title == "registers"):
            for name in names:
                if name in signals:
                    width = signals[name]
                    bits = f"[{width - 1}:0]" if width > 1 else ""
                    save.trace(f"{TOP}.{name}{bits}", datafmt="signed" if name in SIGNED else "hex")
    return text.getvalue()


def signals_of(waveform: Path) -> dict[str, int]:
    """Return the width in bits of each signal below the top."""
    return {name: width for name, (_, width) in _header(waveform).items()}


def cycles_of(waveform: Path, names: Iterable[str]) -> dict[str, NDArray[np.int64]]:
    """Return what signals below the top were in each cycle: as they stood when the clock rose.

    Parameters
    ----------
    waveform : Path
    names : iterable of str
        At most 63 bits wide.

    Returns
    -------
    dict of str to ndarray of int64, shape (cycles,)
    """
    header = _header(waveform)
    names = list(names)
    codes = {header[name][0] for name in names}
    clock = header[CLOCK][0]
    now = dict.fromkeys(codes | {clock}, 0)
    rows: list[list[int]] = []
    changes: dict[str, int] = {}
    with waveform.open(encoding="ascii") as lines:
        for line in lines:
            kind = line[0]
            if kind == "#":
                _step(now, changes, clock, rows, [header[name][0] for name in names])
                changes = {}
            elif kind in "01":
                code = line[1:].strip()
                if code in now:
                    changes[code] = int(kind)
            elif kind == "b":
                bits, code = line[1:].split()
                if code in now:
                    changes[code] = int(bits.replace("x", "0"), 2)
        _step(now, changes, clock, rows, [header[name][0] for name in names])
    table = np.array(rows, np.int64).reshape(-1, len(names))
    return {name: table[:, k] for k, name in enumerate(names)}


def _step(
    now: dict[str, int],
    changes: Mapping[str, int],
    clock: str,
    rows: list[list[int]],
    columns: list[str],
) -> None:
    """Apply a time's changes; where the clock rises in them, note what was before."""
    if changes.get(clock) and not now[clock]:
        rows.append([now[code] for code in columns])
    now.update(changes)


def _header(waveform: Path) -> dict[str, tuple[str, int]]:
    """Code and width of each signal below the top."""
    found: dict[str, tuple[str, int]] = {}
    scopes: list[str] = []
    with waveform.open(encoding="ascii") as lines:
        for line in lines:
            words = line.split()
            match words[:1]:
                case ["$scope"]:
                    scopes.append(words[2])
                case ["$upscope"]:
                    scopes.pop()
                case ["$var"]:
                    name = ".".join([*scopes, words[4]])
                    if name.startswith(f"{TOP}."):
                        found[name.removeprefix(f"{TOP}.")] = (words[3], int(words[2]))
                case ["$enddefinitions"]:
                    break
    return found
