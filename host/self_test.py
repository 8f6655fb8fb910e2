"""The self-test: an accelerator against the golden model, on models made to show a fault.

A fault of one multiplier, or one bit of a memory, is small beside the sums that it is part of, and
training makes models that bear such things. So the models here are those of `quant.probe` and
`quant.exercise`, and all that can be read is compared, bit by bit, from near to far:

bits      probes, in which one wrong bit shows and shows where it is; `host.diagnosis` names it
tables    probes in which each word of a table shows, and whose it is: `host.table_tests`
steps     from written states, at random and at the ends of their range, one character: its logits
          and the state behind it, where a difference still stands in the unit that made it
scores    texts in which every symbol comes, from written states: surprisals, state in the end
texts     drawn greedily and at random: symbols, state in the end
weights   whether the hardware's check of them has noticed any that were not as loaded

What a wrong bit does to a text of an ordinary model is rounded off more often than not: probes are
for that. The golden model computes all sequences side by side, for a board's processor is slow.

The hardware's own check of the weight memories must not end the runs meanwhile. What it notices is
told in the end, for each run reads all words, and not only those of what is probed; by then each
check bit has been 0 and 1.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.host.checks import Check, Report
from zynq_lstm.host.diagnosis import suspects
from zynq_lstm.host.suspects import Answer, Suspect
from zynq_lstm.host.table_tests import probe_activations, probe_noise, probe_surprisals
from zynq_lstm.host.transport import Transport
from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.errors import AcceleratorError
from zynq_lstm.quant.exercise import STYLES, exercise_image, with_other_parity
from zynq_lstm.quant.formats import CELL, HIDDEN
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.probe import Probe, probe_image, probe_names, probes
from zynq_lstm.quant.sampling import encode_temperature, seed_state
from zynq_lstm.quant.state import State
from zynq_lstm.quant.table_probe import blank_parameters

SEED = 1
SEQUENCES = 16
"""Steps, and texts that are scored, each from a state of its own."""

CHARACTERS = 32
"""Of a text that is scored: together they have each of 256 symbols twice."""

LENGTH = 16
TEMPERATURES = (0.0, 0.7, 15.3)
"""Of texts that are drawn; each bit of a temperature is 0 in one of them and 1 in another."""


def examine(transport: Transport) -> Report:
    """Test an accelerator; model and state are others afterwards.

    An accelerator that fails ends the test, and is a difference.
    """
    return Report(tuple(checks(transport)))


def checks(transport: Transport) -> Iterator[Check]:
    """The checks of a self-test, each when it has been done."""
    failing = transport.check_memories(False)
    noticed: set[int] = set()
    try:
        image = exercise_image(transport.config, STYLES[0], SEED)
        for name, found in transport.examine(image).items():
            yield Check(name, found)
        for name in probe_names(transport.config):
            yield _probe(transport, name, noticed)
        for probe_tables in (probe_activations, probe_noise, probe_surprisals):
            yield probe_tables(transport)
        yield Check("equal logits", _equal_logits(transport))
        for style in STYLES:
            yield from _exercise(transport, style)
        yield _weights(transport, image, noticed)
    except AcceleratorError as error:
        yield Check("operation", str(error))
    finally:
        transport.check_memories(failing)


def _probe(transport: Transport, name: str, noticed: set[int]) -> Check:
    """Single wrong bits, and where they are; adds the weight memories with wrong words."""
    answers: list[Answer] = []
    for probe in probes(transport.config, name, SEED):
        answers.append(_answer(transport, probe))
        noticed.update(transport.faulty_memories())  # before the next load forgets them
    differences = (
        _state_difference(a.state.sequence(k), a.probe.after.sequence(k))
        or _logit_difference(a.logits[k], a.probe.logits[k])
        for a in answers
        for k in range(len(a.logits))
    )
    difference = next((found for found in differences if found is not None), None)
    named, told = suspects(answers), _wrong_words(noticed)
    if difference and not {suspect.unit for suspect in named} & {suspect.unit for suspect in told}:
        named += told
    return Check(f"bits of {name}", difference, named)


def _answer(transport: Transport, probe: Probe) -> Answer:
    transport.load(probe.image)
    states, logits = [], []
    for k, symbol in enumerate(probe.symbols):
        transport.write_state(probe.before.sequence(k))
        logits.append(transport.logits(np.array([symbol], np.uint8))[0])
        states.append(transport.read_state())
    h, c = (np.stack([getattr(s, part) for s in states], axis=1) for part in "hc")
    return Answer(probe, State(h, c), np.stack(logits))


def _equal_logits(transport: Transport) -> str | None:
    """A model of zeros, so that terms are 1 and their total as great as can be."""
    config = transport.config
    image = probe_image(blank_parameters(config, config.symbols), "equal logits")
    transport.load(image)
    text = np.array([0, image.symbols - 1], np.uint8)
    (found,), (expected,) = transport.score(text), GoldenModel(image).score(text)
    return None if found == expected else f"surprisal must be {expected}, not {found}"


def _exercise(transport: Transport, style: str) -> Iterator[Check]:
    image = exercise_image(transport.config, style, SEED)
    transport.load(image)
    rng = np.random.default_rng(SEED)
    yield Check(f"{style} steps", _steps(transport, image, rng))
    yield Check(f"{style} scores", _scores(transport, image, rng))
    yield Check(f"{style} texts", _texts(transport, image))


def _weights(transport: Transport, image: Image, noticed: set[int]) -> Check:
    """Whether the hardware's check has noticed a word, also with each check bit as 0 and as 1."""
    for model in (image, with_other_parity(image)):
        transport.load(model)
        transport.logits(np.zeros(1, np.uint8))
        noticed.update(transport.faulty_memories())
    found = "weights must be read as they were loaded; they are not" if noticed else None
    return Check("weights as loaded", found, _wrong_words(noticed))


def _wrong_words(memories: set[int]) -> tuple[Suspect, ...]:
    """What the hardware's check tells of these weight memories."""
    fault = "words read that are not those loaded"
    return tuple(Suspect(f"weight memory {bank}", fault) for bank in sorted(memories))


def _steps(transport: Transport, image: Image, rng: np.random.Generator) -> str | None:
    """Single characters."""
    golden = GoldenModel(image, SEQUENCES)
    golden.state = before = _random_states(image.config, rng)
    symbols = rng.integers(0, image.symbols, SEQUENCES).astype(np.uint8)
    expected = golden.step(symbols)
    for k in range(SEQUENCES):
        transport.write_state(before.sequence(k))
        written = _state_difference(transport.read_state(), before.sequence(k))
        if written is not None:
            return f"a state that was written and read: {written}"
        logits = transport.logits(symbols[k : k + 1])[0]
        found = _state_difference(transport.read_state(), golden.state.sequence(k))
        found = found or _logit_difference(logits, expected[k])
        if found is not None:
            return found
    return None


def _scores(transport: Transport, image: Image, rng: np.random.Generator) -> str | None:
    """Texts in which each symbol is fed as often as the others."""
    golden = GoldenModel(image, SEQUENCES)
    golden.state = before = _random_states(image.config, rng)
    fed = np.arange(SEQUENCES * CHARACTERS) % image.symbols
    last = rng.integers(0, image.symbols, (SEQUENCES, 1))
    texts = np.hstack([rng.permutation(fed).reshape(SEQUENCES, CHARACTERS), last]).astype(np.uint8)
    expected = golden.score(texts)
    for k in range(SEQUENCES):
        transport.write_state(before.sequence(k))
        found = transport.score(texts[k])
        t = _first_difference(found, expected[k])
        if t is not None:
            return f"surprisal after {t + 1} characters must be {expected[k, t]}, not {found[t]}"
        different = _state_difference(transport.read_state(), golden.state.sequence(k))
        if different is not None:
            return f"after {CHARACTERS} characters, {different}"
    return None


def _texts(transport: Transport, image: Image) -> str | None:
    """Texts, one going on behind the other."""
    golden = GoldenModel(image)
    transport.reset_state()
    prompt = np.array([image.symbols - 1], np.uint8)
    for temperature in TEMPERATURES:
        code, generator = encode_temperature(temperature), seed_state(SEED)
        found = np.concatenate(list(transport.generate(prompt, LENGTH, code, generator)))
        expected = golden.generate(prompt, LENGTH, code, generator)
        k = _first_difference(found, expected)
        if k is not None:
            return (
                f"symbol {k} drawn at temperature {temperature} must be {expected[k]}, "
                f"not {found[k]}"
            )
    return _state_difference(transport.read_state(), golden.state)


def _random_states(config: Config, rng: np.random.Generator) -> State:
    """States of all sequences: at the ends of their range, all over it, and with smaller cells."""
    shape = (config.layers, SEQUENCES, config.hidden)
    h = rng.integers(HIDDEN.minimum, HIDDEN.maximum + 1, shape)
    c = rng.integers(CELL.minimum, CELL.maximum + 1, shape)
    ends = slice(0, None, 4)
    h[:, ends] = rng.choice([HIDDEN.minimum, HIDDEN.maximum, 0, 1, -1], h[:, ends].shape)
    c[:, ends] = rng.choice([CELL.minimum, CELL.maximum, 0, 1, -1], c[:, ends].shape)
    c[:, 1::2] >>= 3  # Where tanh is not at its end.
    return State(h.astype(np.int8), c.astype(np.int16))


def _state_difference(found: State, expected: State) -> str | None:
    """The first unit that differs, the first layer's cells before all else."""
    for layer in range(len(expected.h)):
        for name, a, b, follows in (
            ("c", found.c[layer], expected.c[layer], "gate i, f or g, or what follows them"),
            ("h", found.h[layer], expected.h[layer], "gate o, or what follows it, for c agrees"),
        ):
            units = np.flatnonzero(a != b)
            if len(units):
                u = units[0]
                return (
                    f"{name} of layer {layer + 1}, unit {u}, must be {b[u]}, not {a[u]} "
                    f"({follows}); so do {len(units)} of {len(b)} units differ"
                )
    return None


def _logit_difference(found: NDArray[np.integer], expected: NDArray[np.integer]) -> str | None:
    symbols = np.flatnonzero(found != expected)
    if not len(symbols):
        return None
    s = symbols[0]
    return (
        f"logit of symbol {s} (lane {s % GATES} of row {s // GATES}) must be {expected[s]}, "
        f"not {found[s]}, while the state agrees; {len(symbols)} of {len(expected)} logits differ"
    )


def _first_difference(found: NDArray[np.integer], expected: NDArray[np.integer]) -> int | None:
    places = np.flatnonzero(found != expected)
    return int(places[0]) if len(places) else None
