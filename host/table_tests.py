"""The probes of tables put to an accelerator: what it answers, and which word is wrong.

Each reads nothing but what its tables have a part in: c and h of single units, symbols drawn,
surprisals. Probes are in `quant.activation_probe`, `quant.noise_probe`, `quant.surprisal_probe`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.host.checks import Check
from zynq_lstm.host.stuck_words import wrong_words
from zynq_lstm.host.transport import Transport
from zynq_lstm.quant.activation_probe import ActivationModel, ActivationProbe, activation_models
from zynq_lstm.quant.noise_probe import (
    DRAWS,
    TEMPERATURE,
    NoiseProbe,
    draws,
    noise_image,
    noise_state,
)
from zynq_lstm.quant.state import State
from zynq_lstm.quant.surprisal_probe import SurprisalProbe, surprisal_image, surprisal_states
from zynq_lstm.quant.table_probe import Integers, TableProbe

_FIRST = np.zeros(1, np.uint8)
"""A symbol that is fed for no reason of its own."""


def probe_activations(transport: Transport) -> Check:
    """Tables of tanh, which gates and cells read."""
    found = []
    for model in activation_models(transport.config):
        transport.load(model.image)
        answers = [units_answer(transport, model, k) for k in range(len(model.c))]
        found.append(np.concatenate(answers)[: model.count])
    return _result(ActivationProbe(), np.concatenate(found), "c or h of a unit of layer 1")


def probe_noise(transport: Transport) -> Check:
    """Tables of noise, which draws read."""
    transport.load(noise_image(transport.config))
    found, texts = [], draws()
    for advantage in np.unique(texts.advantage):
        transport.write_state(noise_state(transport.config, int(advantage)))
        seeds = texts.seeds[texts.advantage == advantage]
        found += [drawn(transport, int(seed)) for seed in seeds]
    return _result(NoiseProbe(), np.stack(found), "symbol drawn")


def probe_surprisals(transport: Transport) -> Check:
    """Tables of the exponential and of the logarithm."""
    probe = SurprisalProbe(transport.config)
    transport.load(surprisal_image(transport.config))
    states = surprisal_states(transport.config)
    found = [
        surprisal_of(transport, states.sequence(k), int(target))
        for k, target in enumerate(probe.characters.targets)
    ]
    return _result(probe, np.stack(found), "surprisal")


def units_answer(transport: Transport, model: ActivationModel, symbol: int) -> Integers:
    """c and h of layer 1's units, shape (hidden, 2), after one symbol of a model that is loaded."""
    before = State.zeros(transport.config.layers, transport.config.hidden)
    before.c[0] = model.c[symbol]
    transport.write_state(before)
    transport.logits(np.array([symbol], np.uint8))
    after = transport.read_state()
    return np.stack([after.c[0], after.h[0]], axis=1).astype(np.int64)


def drawn(transport: Transport, seed: int) -> NDArray[np.uint8]:
    """Symbols of a text, shape (2,); model and state are there."""
    return np.concatenate(list(transport.generate(_FIRST, DRAWS, TEMPERATURE, seed)))


def surprisal_of(transport: Transport, state: State, symbol: int) -> NDArray[np.uint16]:
    """Surprisal of a symbol, shape (1,), by the logits of a state; the model is loaded."""
    transport.write_state(state)
    return transport.score(np.append(_FIRST, np.uint8(symbol)))


def _result(probe: TableProbe, found: NDArray[np.integer], what: str) -> Check:
    answers = found.astype(np.int64)
    return Check(probe.name, _difference(probe, answers, what), wrong_words(probe, answers))


def _difference(probe: TableProbe, found: Integers, what: str) -> str | None:
    expected = probe.expected
    wrong = np.argwhere(found != expected)
    if not len(wrong):
        return None
    answer, number = wrong[0]
    return (
        f"{what} must be {expected[answer, number]}, not {found[answer, number]}, in answer "
        f"{answer}; so do {len(np.unique(wrong[:, 0]))} of {len(found)} answers differ"
    )
