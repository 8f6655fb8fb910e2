"""From the answers to a probe to the unit that has failed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zynq_lstm.host.stored_bits import wrong_bits
from zynq_lstm.host.stuck_multipliers import nearest_unit, stuck_multipliers
from zynq_lstm.host.suspects import Answer, Suspect
from zynq_lstm.quant.probe import LAYERS, OUTPUT


def suspects(answers: Sequence[Answer]) -> tuple[Suspect, ...]:
    """Name the unit that makes these answers what they are.

    Parameters
    ----------
    answers : sequence of Answer
        To the two probes of one name.

    Returns
    -------
    tuple of Suspect
        Each of which alone explains all that differs; several where the probe cannot tell them
        apart, none where nothing differs or nothing that is known explains it.
    """
    if all(answer.passed for answer in answers):
        return ()
    if not all(_as_handed_on(answer) for answer in answers):
        return ()
    bits = wrong_bits(answers)
    if answers[0].probe.name != OUTPUT:
        return bits
    if bits and answers[0].wrong_logits.shape[1] > 1:  # A multiplier takes part in each row.
        return bits
    return (bits + stuck_multipliers(answers)) or nearest_unit(answers)


def _as_handed_on(answer: Answer) -> bool:
    """Whether what is probed has had the h that it was to have."""
    before = LAYERS.index(answer.probe.name) if answer.probe.name != OUTPUT else None
    after, found = answer.probe.after.h, answer.state.h
    return np.array_equal(found[:before], after[:before])
