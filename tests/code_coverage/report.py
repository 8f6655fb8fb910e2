"""What of the emitted Verilog tests have reached: lines, and bits that went up and down.

    PYTHONPATH=tests python -m code_coverage.report FOLDER

FOLDER is what `collect` has filled. Counts of one configuration are added up. A line is one that
Verilator's points of kinds line and branch name; an assignment outside of a process is none, and
is what toggles are there for. A bit toggles when it has gone both ways.

Not every line can be reached: `NO_CODE` are left out, `EXPLAINED` are counted and say why. The
command fails below `LEAST` of a configuration's lines, or where a line is missing without a reason.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LEAST = 0.98

NO_CODE = re.compile(r"if \(\\\$auto\$verilog_backend\.cc:\S+ \) begin end|^\s*words\[\d+\] = ")
"""What Yosys writes so that a process without inputs runs once, and does nothing; and contents of
tables, which would flatter."""

EXPLAINED = {
    "sequencer": (
        10,
        "a character with a prologue directly behind a complete one; but only a run's first has a "
        "prologue, and a run's last is not complete. tests/hw/test_sequencer.py and the proof play "
        "it",
    ),
    "loader": (
        18,
        "a packet's end among the scales, and an abort in single states, which the benches' random "
        "ones missed. tests/hw/test_loader.py ends packets in each section, and "
        "tests/sim/test_faults.py aborts all along a load",
    ),
}
"""Of a module, by the last part of its name, how many lines may be missing at most, and why."""

TOP = "zynq_lstm"
_MODULE = re.compile(r"^module \\?(\S+?) ?\(")


@dataclass
class Module:
    """Counts of one module of the Verilog.

    Parameters
    ----------
    lines : dict
        Hits of each line, by file and number.
    toggles : dict
        Hits of each direction of each bit.
    """

    lines: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    toggles: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def reached(self) -> int:
        """Lines that were."""
        return sum(hits > 0 for hits in self.lines.values())

    @property
    def toggled(self) -> int:
        """Directions of bits that were gone."""
        return sum(hits > 0 for hits in self.toggles.values())


def points(path: Path) -> Iterator[tuple[dict[str, str], int]]:
    """Yield the points of a file of Verilator's: its keys, and how often it was hit."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("C "):
            keys, _, hits = line[3:].rpartition("' ")
            parts = (part.split("\2", 1) for part in keys.split("\1") if part)
            yield dict(parts), int(hits)


def numbers(ranges: str) -> Iterator[int]:
    """Yield the lines of a list of them such as ``3,5-7``."""
    for part in filter(None, ranges.split(",")):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def measured(folder: Path) -> tuple[dict[str, Module], dict[str, list[tuple[str, str]]]]:
    """Add up a configuration's counts.

    Returns
    -------
    modules : dict of str to Module
    missing : dict of str to list
        Of each module its lines that were not reached: file and line, text.
    """
    texts = {path.name: path.read_text().splitlines() for path in folder.glob("*.v")}
    names = {name: list(_modules(text)) for name, text in texts.items()}
    modules: dict[str, Module] = defaultdict(Module)
    places: dict[tuple[str, int], int] = defaultdict(int)
    for path in sorted(folder.glob("*.dat")):
        for keys, hits in points(path):
            file = Path(keys["f"]).name
            if file not in texts:
                continue  # The benches' own.
            if keys["t"] == "toggle":
                module = modules[names[file][int(keys["l"]) - 1]]
                module.toggles[f"{keys['l']} {keys['o']}"] += hits
                continue
            for number in numbers(keys.get("S", "")):
                if not NO_CODE.search(texts[file][number - 1]):
                    places[file, number] += hits
    missing: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for (file, number), hits in sorted(places.items()):
        name = names[file][number - 1]
        place = f"{file}:{number}"
        modules[name].lines[place] = hits
        if not hits:
            missing[name].append((place, texts[file][number - 1].strip()))
    return dict(modules), dict(missing)


def _modules(text: list[str]) -> Iterator[str]:
    """The module of each line of a file, without the top's name."""
    name = ""
    for line in text:
        if found := _MODULE.match(line):
            name = found.group(1).removeprefix(f"{TOP}.")
        yield name


def show(folder: Path) -> bool:
    """Print a configuration's figures; tell whether they suffice."""
    modules, missing = measured(folder)
    width = max(map(len, modules))
    print(f"\n{folder.name.replace('_', ' ')}\n{'':{width}}   lines           bits both ways")
    for name, module in sorted(modules.items()):
        print(
            f"{name:{width}} {_share(module.reached, len(module.lines))}   "
            f"{_share(module.toggled, len(module.toggles))}"
        )
    reached = sum(module.reached for module in modules.values())
    lines = sum(len(module.lines) for module in modules.values())
    toggled = sum(module.toggled for module in modules.values())
    toggles = sum(len(module.toggles) for module in modules.values())
    print(f"{'all':{width}} {_share(reached, lines)}   {_share(toggled, toggles)}")
    enough = bool(lines) and reached >= LEAST * lines
    for name, places in missing.items():
        most, reason = EXPLAINED.get(name.rpartition(".")[2], (0, "without a reason"))
        enough &= len(places) <= most
        print(f"{name}: {len(places)} lines not reached: {reason}")
        if len(places) > most:
            for place, text in places:
                print(f"    {place}  {text}")
    return enough


def _share(part: int, whole: int) -> str:
    return f"{part:6,} of {whole:6,} {part / whole:7.1%}" if whole else f"{'-':>24}"


def main() -> None:
    """Show all configurations of a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folders = [path for path in sorted(parser.parse_args().folder.iterdir()) if path.is_dir()]
    results = [show(folder) for folder in folders]
    if not results or not all(results):
        sys.exit(f"\nLines must be reached to {LEAST:.0%}, and each of the others have a reason")


if __name__ == "__main__":
    main()
