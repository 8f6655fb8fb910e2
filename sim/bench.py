"""Figures of an accelerator: cycles from its own counters, and the speed of the models here."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.sampling import encode_temperature, seed_state
from zynq_lstm.sim.link import open_link

SHORT, LONG = 64, 1000
"""Characters of the two runs whose difference is the steady state."""
BATCH = 64
GOLDEN_SECONDS = 2.0


def measure(
    image: Image,
    *,
    report: Callable[[str], None] | None = None,
    transport: AcceleratorTransport | None = None,
) -> dict[str, Any]:
    """Measure one image on the simulated chip and on the golden model.

    Parameters
    ----------
    image : Image
    report : callable, optional
        Told what is being done.
    transport : AcceleratorTransport, optional
        A chip to use instead of a new one; its link is a `SimulatedLink`.

    Returns
    -------
    dict
        ``cycles_per_character_generate`` and ``…_score``: counted by the hardware, steady state
        (the difference of a long and a short run). ``multiplier_utilization``: share of these
        cycles in which all multipliers worked, while generating. ``startup_cycles``: cycles of a
        run before its first and after its last character. ``…_generating_1000_characters``: what
        the long run cost its host. ``…_characters_per_second``: wall clock on this machine; the
        golden model's are of teacher-forced text.
    """
    say = report or (lambda text: None)
    chip = transport or AcceleratorTransport(open_link(image.config, report))
    say("The image is loaded into the simulated chip")
    chip.load(image)
    say("The simulated chip generates and scores")
    rng = np.random.default_rng(1)
    text = rng.integers(0, image.symbols, LONG + 1).astype(np.uint8)
    seconds, costs = 0.0, {}

    def generate(length: int) -> None:
        nonlocal seconds
        begun, accesses, transfers = time.perf_counter(), chip.link.accesses, chip.link.transfers
        for _ in chip.generate(text[:1], length, encode_temperature(1.0), seed_state(1)):
            pass
        seconds = time.perf_counter() - begun
        costs["register_accesses"] = chip.link.accesses - accesses
        costs["transfers"] = chip.link.transfers - transfers

    def score(length: int) -> None:
        chip.score(text[: length + 1])

    counts = {}
    for name, run in (("generate", generate), ("score", score)):
        short = _counted(chip, lambda run=run: run(SHORT))  # type: ignore[misc]
        long = _counted(chip, lambda run=run: run(LONG))  # type: ignore[misc]
        counts[name] = {key: long[key] - short[key] for key in long} | {"startup": long["startup"]}
    for key in ("generate", "score"):
        if counts[key]["characters"] != LONG - SHORT:
            raise RuntimeError(f"The chip counted {counts[key]['characters']} characters")
    say("The golden model scores")
    return {
        "cycles_per_character_generate": counts["generate"]["cycles"] / (LONG - SHORT),
        "cycles_per_character_score": counts["score"]["cycles"] / (LONG - SHORT),
        "startup_cycles": counts["generate"]["startup"],
        "multiplier_utilization": counts["generate"]["steps"] / counts["generate"]["cycles"],
        **{f"{name}_generating_{LONG}_characters": n for name, n in costs.items()},
        "simulator_characters_per_second": LONG / seconds,
        "golden_characters_per_second_batch64": _golden_rate(image, BATCH),
        "golden_characters_per_second_single": _golden_rate(image, None),
    }


def _counted(chip: AcceleratorTransport, run: Callable[[], None]) -> dict[str, int]:
    """What the counters gained by a run."""
    before = chip.counters()
    run()
    after = chip.counters()
    return {key: after[key] - before[key] for key in after}


def _golden_rate(image: Image, batch: int | None) -> float:
    """Characters a second of the golden model, all sequences together."""
    model = GoldenModel(image, batch)
    shape = (64,) if batch is None else (batch, 64)
    text = np.random.default_rng(2).integers(0, image.symbols, shape)
    model.logits(text)
    characters = 0
    start = time.perf_counter()
    while (passed := time.perf_counter() - start) < GOLDEN_SECONDS:
        model.logits(text)
        characters += text.size
    return characters / passed
