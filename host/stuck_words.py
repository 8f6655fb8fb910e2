"""Names the word of a table that a probe of tables has shown to be wrong.

Whatever has gone wrong reads that word, so candidates are few. Each bit of each is tried: as if it
was the other way round, what would all answers have been? Which bit it is most answers cannot tell,
for any that makes a word too great shows alike.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zynq_lstm.host.suspects import Suspect
from zynq_lstm.quant.table_probe import Integers, TableProbe


def wrong_words(probe: TableProbe, found: Integers) -> tuple[Suspect, ...]:
    """Words of tables, of each of which a wrong bit explains all that was found.

    Parameters
    ----------
    probe : TableProbe
    found : ndarray of int, shape (answers, numbers)
        As of `TableProbe.outcome`.
    """
    wrong = (found != probe.expected).any(axis=1)
    if not wrong.any():
        return ()
    return tuple(
        Suspect(name, fault_of(word))
        for name, table in probe.tables.items()
        for word in _common(probe.reads(name)[wrong])
        if any(
            np.array_equal(probe.outcome({**probe.right, name: table.changed(word, bit)}), found)
            for bit in range(table.bits)
        )
    )


def fault_of(word: int) -> str:
    """What is wrong with a table, for people."""
    return f"word {word} is wrong"


def _common(reads: Integers) -> Iterator[int]:
    """Words that are in every row."""
    for word in np.unique(reads[0]):
        if word >= 0 and (reads == word).any(axis=1).all():
            yield int(word)
