"""Faults that no test notices, and why.

Places are regular expressions of the faults' names, without what Yosys numbers. A fault changes
nothing where no input that keeps to AXI, from power-on on, makes an output other than it was: those
are not counted. The others count as not noticed.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Survivor:
    """Faults that live for one reason.

    Parameters
    ----------
    faults : str
        Regular expression of their whole names.
    reason : str
    changes_nothing : bool
        Equivalent to no fault.
    """

    faults: str
    reason: str
    changes_nothing: bool = True


SURVIVORS = (
    Survivor(
        r"accelerator\.datapath\.surprisal\.close: \$dff to mantissa: [DQ]\[[0-3]\] .*",
        "A total is at least 1, the greatest logit's exponential, so it is shifted by 8 at most; "
        "these bits do not come to where a line of the logarithm is chosen or followed.",
    ),
    Survivor(
        r"accelerator\.datapath\.surprisal\.close: \$mux to at([2-9]|\d\d): S\[0\] const0",
        "The register before this one is reset, too, and a reset lasts longer than a cycle: it is "
        "0 before anything starts.",
    ),
    Survivor(
        r"accelerator\.datapath\.surprisal\.lane\d\.rows: "
        r"\$mem(rd|wr_v2) to \w+: ADDR\[[3-5]\] const0",
        "16 symbols have 4 rows, of a memory for 64: the address's upper lines are 0.",
    ),
    Survivor(
        r"accelerator\.datapath\.surprisal\.lane\d\.rows: \$memrd to \w+: ADDR\[2\] const0",
        "16 symbols have 4 rows; with a 1 here the row behind the last is read, and not counted.",
    ),
    Survivor(
        r"accelerator\.state_port: \$and to o_valid \(\d+\): A\[0\] const1",
        "While nothing turns, the cycle of a unit is its first, in which no byte is sent: both are "
        "reset together, and the last cycle leads back to the first as the turning ends.",
    ),
    Survivor(
        r"accelerator\.[io]_fifo: \$and to w_en: [AB]\[0\] const1",
        "What is written without a word to take goes to the place of the next word, which is free "
        "also when there is no room, for eight places are kept; the next word is written over it. "
        "Proved with the fault in place (tests/formal/test_streams.py).",
    ),
    Survivor(
        r"accelerator\.controller: \$not to raises_PACKET \(\d+\): Y\[0\] const1",
        "An abort in the three cycles before a run's close tells PACKET beside ABORTED, where more "
        "of the packet was to come; so does one that comes later, and no test knows the cycle.",
        changes_nothing=False,
    ),
    Survivor(
        r"accelerator\.sequencer: \$not to entering: Y\[0\] const1",
        "An abort in the cycle in which a character may start lets it start and ends it in the "
        "next: CHARACTERS counts one more, as if the abort had come a cycle later. It is the proof "
        "of the sequencer that fails, and proofs are not part of the campaign.",
        changes_nothing=False,
    ),
)


def survivor(name: str) -> Survivor | None:
    """What is known of a fault."""
    return next((s for s in SURVIVORS if re.fullmatch(s.faults, name)), None)
