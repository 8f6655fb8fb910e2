"""A soak: a million characters out of the simulated chip, each compared with the golden model's.

    make soak [SLICE=3/20] [RUN=137] [REPORT=1]     from the repository's root, or, from tests/,
    python -m soak [--slice 3/20] [--run 137] [--report] [--journal FILE]

Symbols are compared, and h and c at the end of each text; the first difference ends the soak with
status 1. Finished runs are kept in a journal and are not played again; a report is of what it has,
and plays nothing.
"""

import argparse
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path

from soak.bench import Bench, Difference
from soak.journal import Done, Journal
from soak.plan import Run, plan, slice_of

from zynq_lstm.quant.errors import UserError

JOURNAL = Path(__file__).parents[2] / "build" / "soak.jsonl"

Say = Callable[[str], None]


def soak(
    runs: list[Run], journal: Journal | None, say: Say, *, plays: bool = True
) -> list[tuple[Run, Done]]:
    """Play runs that the journal does not have, if at all; return those that have finished.

    Raises
    ------
    Difference
        At the first run that is not the golden model's.
    """
    finished = []
    with closing(Bench(say)) as bench:
        for k, run in enumerate(runs, 1):
            bench.prepare(run)
            done = journal and journal.find(run.number, bench.simulator, bench.image.payload_crc)
            if not done and plays:
                begun = time.monotonic()
                bench.play(run)
                seconds = round(time.monotonic() - begun, 2)
                crc = bench.image.payload_crc
                done = Done(run.number, bench.simulator, crc, run.length, seconds)
                say(f"{k} of {len(runs)}: {run}: equal, in {seconds} s")
                if journal:
                    journal.add(done)
            if done:
                finished.append((run, done))
    return finished


def summary(finished: Iterable[tuple[Run, Done]]) -> str:
    """Characters, seconds and rate by configuration, and of all."""
    rows: dict[str, list[tuple[Run, Done]]] = defaultdict(list)
    for run, done in finished:
        rows[run.model.shipped or f"random, {run.model.config.describe()}"].append((run, done))
        rows["all"].append((run, done))
    if rows:
        rows["all"] = rows.pop("all")  # The last.
    lines = [f"{'characters':>10} {'runs':>5} {'seconds':>8} {'per s':>7}  model"]
    for name, row in rows.items():
        characters = sum(done.characters for _, done in row)
        seconds = sum(done.seconds for _, done in row)
        rate = characters / seconds if seconds else 0
        lines.append(f"{characters:>10,} {len(row):>5} {seconds:>8,.0f} {rate:>7,.0f}  {name}")
    return "\n".join(lines)


def chosen(runs: list[Run], piece: str | None, number: int | None) -> list[Run]:
    """The runs that the options ask for.

    Raises
    ------
    UserError
        When there are none of that name.
    """
    if number is not None:
        if not 1 <= number <= len(runs):
            raise UserError(f"Run must be from 1 to {len(runs)}, not {number}")
        return [runs[number - 1]]
    if piece is None:
        return runs
    match = re.fullmatch(r"(\d+)/(\d+)", piece)
    if match is None:
        raise UserError(f"Slice must be two numbers such as 3/20, not {piece!r}")
    return slice_of(runs, int(match[1]), int(match[2]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(prog="soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slice", help="which of how many, such as 3/20")
    parser.add_argument("--run", type=int, help="one run, by its number, played in any case")
    parser.add_argument("--report", action="store_true", help="tell what is done, play nothing")
    parser.add_argument("--journal", type=Path, default=JOURNAL, help="finished runs")
    options = parser.parse_args(arguments)

    def say(text: str) -> None:
        print(text, flush=True)

    try:
        runs = chosen(plan(), options.slice, options.run)
        journal = Journal(options.journal) if options.run is None else None
        finished = soak(runs, journal, say, plays=not options.report)
    except (Difference, UserError) as error:
        print(error, file=sys.stderr)
        return 1
    say(f"\nAll equal: symbols, and h and c at the end of each run.\n\n{summary(finished)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
