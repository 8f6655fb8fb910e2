"""What an accelerator can be asked without a golden model: registers, and its check of memories.

A check that never tells of anything looks like sound memories. So it is given what it must tell of:
a load writes wrong check bits into all words, and a run reads them.
"""

from __future__ import annotations

from collections.abc import Callable

from zynq_lstm.host.command import Command, CommandPort, WrongWordsError
from zynq_lstm.quant.registers import register

SCRATCH_PATTERNS = (0, 0xFFFF_FFFF, 0x5555_5555, 0xAAAA_AAAA, *(1 << k for k in range(32)))


def scratch_difference(port: CommandPort) -> str | None:
    """Write patterns to the register that holds what is written; the first one read otherwise."""
    difference = None
    for pattern in SCRATCH_PATTERNS:
        found = port.exchange("SCRATCH", pattern)
        if found != pattern and difference is None:
            difference = f"SCRATCH must read {pattern:08x} as written, not {found:08x}"
    return difference


def unnoticed_words(port: CommandPort, load: Callable[[], None], run: Command) -> str | None:
    """Let a run read wrong words only; tell whose were not noticed.

    Parameters
    ----------
    port : CommandPort
        Holds a model with wrong check bits afterwards, or none.
    load : callable
        Loads a model.
    run : Command
        Reads each of its words.

    Raises
    ------
    CommandError, LinkError
        When the load fails, or the run for another reason.
    """
    before, check = port.memory_check, register("MEMORY_CHECK")
    port.memory_check = check.field("FAIL").mask | check.field("INVERT").mask
    try:
        load()
        port.execute(run)
    except WrongWordsError as error:
        noticed = error.memories
    else:
        return "a run that reads wrong words must fail, it does not"
    finally:
        port.memory_check = before
    port.reset()
    silent = [bank for bank in range(port.config.banks) if bank not in noticed]
    if not silent:
        return None
    return f"wrong words of each weight memory must be noticed, those of {silent} are not"
