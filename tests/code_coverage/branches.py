"""How many branches of the packages that run on a board the tests have taken.

    python branches.py FILE

FILE is the JSON of coverage.py. The command fails where a package is below `LEAST`.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

LEAST = 0.9
KEYS = ("covered_lines", "num_statements", "covered_branches", "num_branches")


def packages(report: dict) -> dict[str, Counter[str]]:
    """Add up the files of each package."""
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    for path, file in report["files"].items():
        totals[Path(path).parts[0]].update({key: file["summary"][key] for key in KEYS})
    return dict(totals)


def main() -> None:
    """Show lines and branches of each package."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    totals = packages(json.loads(parser.parse_args().file.read_text()))
    low = []
    for name, n in sorted(totals.items()):
        branches = n["covered_branches"] / n["num_branches"]
        print(
            f"{name:6} {n['covered_lines']:,} of {n['num_statements']:,} statements, "
            f"{n['covered_branches']:,} of {n['num_branches']:,} branches ({branches:.1%})"
        )
        if branches < LEAST:
            low.append(name)
    if low or not totals:
        sys.exit(
            f"Branches must be taken to {LEAST:.0%}: {', '.join(low) or 'nothing was measured'}"
        )


if __name__ == "__main__":
    main()
