"""The surprisal unit against `quant.surprisal`, bit for bit."""

import numpy as np
import pytest
from component_simulation import assert_follows, simulate, trace

from zynq_lstm.hw.surprisal import Surprisal
from zynq_lstm.hw.surprisal_lane import Exponential
from zynq_lstm.quant import surprisal as golden


def characters(symbols):
    """Logits of all kinds, and symbols to come after them."""
    rng = np.random.default_rng(symbols)
    shape = (3, symbols)
    kinds = [
        rng.integers(-4000, 4000, shape),
        rng.integers(-32768, 32768, shape),
        rng.choice([-32768, 32767], shape),
        np.full(shape, rng.integers(-32768, 32768)),
        np.full(shape, -32768),
        np.where(np.arange(symbols) == rng.integers(0, symbols, (3, 1)), 32767, -32768),
        rng.normal(0, 2500, shape).astype(int),
    ]
    logits = np.concatenate(kinds)
    rng.shuffle(logits)
    targets = rng.integers(0, symbols, len(logits))
    targets[:4] = 0, symbols - 1, symbols // 2, logits[3].argmin()
    return logits, targets


def play(dut, logits, targets, *, gap, rng=None):
    """Rows of each character, ``gap`` cycles apart from first to first; surprisals with cycles."""
    symbols = logits.shape[1]
    rows = -(-symbols // 4)
    padding = np.full((len(logits), rows * 4 - symbols), 32767)  # must not be looked at
    words = np.concatenate([logits, padding], axis=1).reshape(len(logits), rows, 4)
    events, found, start = {}, [], 0
    for character, target in zip(words, targets, strict=True):
        for r, row in enumerate(character):
            if rng is not None:
                start += int(rng.integers(0, 3))  # rows with pauses between them
            at = start + r
            events[at] = (row, r == 0, r == rows - 1)
        events[at + dut.TARGET_AFTER] = int(target)
        expected_at = at + dut.latency(rows)
        found.append(expected_at)
        start = max(start, start + (gap if rng is None else at + 1 - start + gap))
    seen = []

    async def bench(ctx):
        ctx.set(dut.last_lane, (symbols - 1) % 4)
        ctx.set(dut.target, 0)
        for cycle in range(found[-1] + 40):
            event = events.get(cycle)
            is_row = isinstance(event, tuple)
            ctx.set(dut.valid, is_row)
            row, first, last = event if is_row else ([cycle] * 4, cycle % 2, cycle % 3 == 0)
            ctx.set(dut.first, int(first))
            ctx.set(dut.last, int(last))
            for k in range(4):
                ctx.set(getattr(dut, f"logit{k}"), int(row[k]))
            ctx.set(dut.target, event if isinstance(event, int) else cycle % 256)
            if ctx.get(dut.done):
                seen.append((cycle, ctx.get(dut.surprisal)))
            await ctx.tick()

    simulate(dut, bench)
    return found, seen


@pytest.mark.parametrize("symbols", [2, 3, 4, 5, 8, 13, 65, 80, 128, 256])
def test_follows_golden_back_to_back(symbols):
    logits, targets = characters(symbols)
    dut = Surprisal()
    gap = dut.interval(-(-symbols // 4))
    cycles, seen = play(dut, logits, targets, gap=gap)
    assert [c for c, _ in seen] == cycles
    assert [s for _, s in seen] == golden.surprisal(logits, targets).tolist()


def test_interval_is_short_enough():
    """For the accelerator's 410 cycles a character, and for 256 symbols in a small one."""
    assert [Surprisal.interval(rows) for rows in (1, 17, 32, 64)] == [27, 43, 71, 135]


@pytest.mark.parametrize("symbols", [7, 30])
def test_rows_with_pauses(symbols):
    logits, targets = characters(symbols)
    dut = Surprisal()
    rows = -(-symbols // 4)
    gap = dut.interval(rows) - rows + 1
    cycles, seen = play(dut, logits, targets, gap=gap, rng=np.random.default_rng(1))
    assert [c for c, _ in seen] == cycles
    assert [s for _, s in seen] == golden.surprisal(logits, targets).tolist()


def test_abandoned_character_leaves_nothing_behind():
    """Some rows of great logits and no last one; the next character is as if they never were."""
    dut = Surprisal()
    rng = np.random.default_rng(5)
    logits, target = rng.integers(-3000, 0, (1, 12)), 7
    seen = []

    async def bench(ctx):
        ctx.set(dut.last_lane, 3)
        ctx.set(dut.target, target)
        rows = [([32767] * 4, k == 0, False) for k in range(5)]
        rows += [(logits[0, 4 * k : 4 * k + 4], k == 0, k == 2) for k in range(3)]
        for row, first, last in rows:
            ctx.set(dut.valid, 1)
            ctx.set(dut.first, first)
            ctx.set(dut.last, last)
            for k in range(4):
                ctx.set(getattr(dut, f"logit{k}"), int(row[k]))
            await ctx.tick()
        ctx.set(dut.valid, 0)
        for _ in range(dut.latency(3) + 20):
            if ctx.get(dut.done):
                seen.append(ctx.get(dut.surprisal))
            await ctx.tick()

    simulate(dut, bench)
    assert seen == golden.surprisal(logits, [target]).tolist()


def test_exponential():
    """Each distance at a term of the tables' products, and where the term becomes 0."""
    rng = np.random.default_rng(2)
    corners = [0, 1, 127, 128, 129, 16383, 16384, 16385, 32768, 65535]
    distances = np.concatenate([corners, np.arange(0, 16384, 7), rng.integers(0, 65536, 500)])
    counts = rng.integers(0, 8, len(distances)) > 0
    seen = trace(
        Exponential(),
        {"distance": distances, "counts": counts},
        ["term"],
        after=Exponential.latency,
    )
    expected = np.where(counts, golden.exponential(distances), 0)
    assert_follows(seen["term"], expected, Exponential.latency, distance=distances, counts=counts)
