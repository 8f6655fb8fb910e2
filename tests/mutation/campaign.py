"""A mutation campaign: faults in the emitted Verilog, and whether the default tests notice them.

An accelerator of two layers, that of the benches, is flattened, and all faults are planted in the
one netlist, each behind a comparison with a number, so that one compilation serves them all.
`faults` says which, `trials` who looks for them, `alike` which provably change nothing, `survivors`
why the others that are not found are not. The campaign fails where one is not found without a
reason, or where less than `LEAST` of those that change something are found.

    python tests/mutation/campaign.py [--sampled N] [--folder PATH]
"""

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(1, str(Path(__file__).parents[1]))  # the tests' own modules

from mutation.faults import faults
from mutation.netlist import flatten
from mutation.trials import BENCHES, CONFIG, Trials, Verdict, self_test

from zynq_lstm.hw.verilog import write_verilog

LEAST = 0.98
SAMPLED = 150


def campaign(folder: Path, sampled: int) -> bool:
    """Run it, print what came of it; whether it is as it must be."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:4.0f} s  {text}", flush=True)

    write_verilog(CONFIG, folder)
    netlist = flatten(folder)
    planted = faults(netlist, sampled)
    trials = Trials(netlist, planted, folder)
    say(f"{len(planted)} faults planted")
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("fork")) as pool:
        list(pool.map(trials.record, BENCHES))
        say(f"{len(BENCHES)} benches recorded")
        trials.check_without_a_fault()
        verdicts = []
        for verdict in pool.map(trials.try_fault, range(1, len(planted) + 1)):
            verdicts.append(verdict)
            if verdict.noticed_by != self_test.__name__:
                say(str(verdict))
    say("all faults tried")
    return summary(verdicts)


def summary(verdicts: list[Verdict]) -> bool:
    """Print the sums; whether they are as they must be."""
    for test, count in Counter(v.noticed_by for v in verdicts if v.noticed_by).most_common():
        print(f"{count} noticed by {test}")
    for kind in Counter(v.fault.kind for v in verdicts):
        these = [v for v in verdicts if v.fault.kind == kind]
        noticed = sum(v.noticed_by is not None for v in these)
        alike = sum(v.changes_nothing for v in these)
        print(f"{kind}: {len(these)} planted, {noticed} noticed, {alike} change nothing")
    unexplained = [v.fault.name for v in verdicts if not v.is_explained]
    for name in unexplained:
        print(f"no reason is known for: {name}")
    noticed = sum(v.noticed_by is not None for v in verdicts)
    proved = sum(v.is_alike for v in verdicts)
    real = [v for v in verdicts if not v.changes_nothing]
    share = noticed / len(real)
    print(
        f"{noticed} of {len(verdicts)} noticed; {len(verdicts) - len(real)} change nothing, "
        f"{proved} of them by proof; of the other {len(real)}: {100 * share:.1f} %"
    )
    return not unexplained and share >= LEAST


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description="Plant faults and see whether they are noticed.")
    parser.add_argument("--sampled", type=int, default=SAMPLED, help="faults all over the netlist")
    parser.add_argument("--folder", type=Path, help="for what is made; kept")
    asked = parser.parse_args()
    if asked.folder:
        asked.folder.mkdir(parents=True, exist_ok=True)
        passed = campaign(asked.folder, asked.sampled)
    else:
        with TemporaryDirectory() as name:
            passed = campaign(Path(name), asked.sampled)
    sys.exit(not passed)


if __name__ == "__main__":
    main()
