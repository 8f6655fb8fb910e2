"""The sampler: its random numbers, its arithmetic, and that it draws from softmax(logit / T)."""

import functools
import math
import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import slow_reference as slow
from hypothesis import given, settings
from hypothesis import strategies as st

from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.quant.sampling import Sampler, advanced, encode_temperature, seed_state, xorshift64

SHIPPED = Path(__file__).parents[2] / "models" / "shakespeare.safetensors"
GENERATORS = 1024

# Temperatures and seeds


@pytest.mark.parametrize(
    ("temperature", "code"),
    [
        (0, 0),
        (0.0, 0),
        (-0.0, 0),
        (2**-12, 1),
        (0.00025, 1),
        (0.5, 2048),
        (0.8, 3277),
        (1, 4096),
        (1.5, 6144),
        (15, 61440),
        (65535 / 4096, 65535),
        (np.float64(0.8), 3277),
    ],
)
def test_temperature(temperature, code):
    found = encode_temperature(temperature)
    assert found == code and type(found) is int


@given(st.floats(2**-12, 65535 / 4096))
def test_temperature_is_rounded_to_nearest(temperature):
    assert abs(encode_temperature(temperature) / 4096 - temperature) <= 1 / 8192


@pytest.mark.parametrize(
    "temperature",
    [
        -0.1,
        -1,
        -1e-300,
        float("nan"),
        float("inf"),
        -float("inf"),
        15.9999,
        16,
        1e300,
        10**400,
        "0.8",
        "",
        None,
        True,
        False,
        [1.0],
        1j,
    ],
)
def test_temperature_refused(temperature):
    sentence = (
        f"Temperature must be a number from 0 (most likely symbol) to 15.9998, not {temperature}"
    )
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        encode_temperature(temperature)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.int64, np.uint8])
def test_temperature_of_numpy(kind):
    assert encode_temperature(kind(2)) == encode_temperature(2.0)


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8, np.uint64])
def test_seed_of_numpy(kind):
    state = seed_state(kind(200 if kind is np.uint8 else 2**31 - 1))
    assert type(state) is int
    assert state == seed_state(200 if kind is np.uint8 else 2**31 - 1)


@pytest.mark.parametrize("temperature", [1e-5, 5e-324, 0.00012])
def test_temperature_too_small_is_refused_rather_than_greedy(temperature):
    sentence = f"Temperature must be 0 or at least 0.000244, not {temperature}"
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        encode_temperature(temperature)


@pytest.mark.parametrize("seed", [-1, 2**64, 10**30, 1.0, "1", None, True, float("nan")])
def test_seed_refused(seed):
    sentence = f"Seed must be an integer from 0 to 2^64 - 1, not {seed}"
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        seed_state(seed)


def test_seed_is_splitmix64():
    assert seed_state(0) == 0xE220A8397B1DCDAF
    assert seed_state(1234567) == 6457827717110365317


def test_seed_is_never_zero():
    assert seed_state(2**64 - 0x9E3779B97F4A7C15) == 1  # splitmix64 gives 0 here
    assert seed_state(2**64 - 1) > 0


def test_seeds_give_different_states():
    assert len({seed_state(seed) for seed in range(10_000)}) == 10_000


# Random numbers


def test_xorshift64_known_sequence():
    x = 88172645463325252  # Marsaglia's own example
    found = []
    for _ in range(3):
        x = xorshift64(x)
        found.append(x)
    assert found == [8748534153485358512, 3040900993826735515, 3453997556048239312]


@given(st.integers(1, 2**64 - 1))
def test_xorshift64_bit_by_bit(x):
    assert xorshift64(x) == slow.xorshift64(x)
    assert 0 < xorshift64(x) < 2**64


def test_xorshift64_is_invertible_on_single_bits():
    """The images of the 64 unit vectors are independent: no two states ever meet."""
    rows = [xorshift64(1 << k) for k in range(64)]
    for bit in range(64):
        pivot = next(k for k in range(bit, 64) if rows[k] >> bit & 1)
        rows[bit], rows[pivot] = rows[pivot], rows[bit]
        rows = [
            row ^ rows[bit] if k != bit and row >> bit & 1 else row for k, row in enumerate(rows)
        ]


@pytest.mark.parametrize("symbols", [2, 4, 5, 65, 256])
def test_noise_of_lists_and_arrays_agree(symbols):
    """Up to four generators run on Python's integers, more on arrays."""
    states = [seed_state(k) for k in range(9)]
    together = Sampler(states, 4096, symbols)
    apart = [Sampler([state], 4096, symbols) for state in states]
    four = Sampler(states[:4], 4096, symbols)
    for _ in range(5):
        expected = np.concatenate([sampler.noise() for sampler in apart])
        assert (together.noise() == expected).all()
        assert (four.noise() == expected[:4]).all()
    assert (together.states == np.concatenate([s.states for s in apart])).all()
    assert (four.states == together.states[:4]).all()


@pytest.mark.parametrize("symbols", [2, 3, 4, 5, 13, 65])
@pytest.mark.parametrize("temperature", [0, 1, 3277, 65535])
@pytest.mark.parametrize("batch", [1, 6])
def test_draws_equal_reference(symbols, temperature, batch):
    random = np.random.default_rng(symbols)
    states = [seed_state(k) for k in range(batch)]
    sampler = Sampler(states, temperature, symbols)
    for bound in (32767, 3000, 1, 0):
        logits = random.integers(-bound - (bound > 1), bound, (batch, symbols), endpoint=True)
        found = sampler.draw(logits)
        assert found.shape == (batch,) and found.dtype == np.uint8
        for b in range(batch):
            symbol, states[b] = slow.draw(logits[b].tolist(), temperature, states[b])
            assert found[b] == symbol
        assert sampler.states.tolist() == states


def test_generator_advances_a_word_for_each_four_symbols():
    for symbols, words in ((2, 1), (4, 1), (5, 2), (65, 17), (256, 64)):
        state = seed_state(5)
        sampler = Sampler([state], 0, symbols)
        sampler.draw(np.zeros((1, symbols), np.int64))
        for _ in range(words):
            state = xorshift64(state)
        assert sampler.states.tolist() == [state]


def test_sampler_does_not_touch_the_caller_states():
    states = np.array([seed_state(k) for k in range(8)], np.uint64)
    before = states.copy()
    for part in (states, states[:2]):
        Sampler(part, 4096, 4).noise()
    assert (states == before).all()


@settings(max_examples=50)
@given(st.lists(st.integers(-32768, 32767), min_size=2, max_size=70))
def test_temperature_zero_takes_the_first_of_the_largest(logits):
    sampler = Sampler([seed_state(1)], 0, len(logits))
    drawn = int(sampler.draw(np.array([logits]))[0])
    assert drawn == logits.index(max(logits))


# Distribution


def sampler_of(symbols: int, temperature: float, generators: int = GENERATORS) -> Sampler:
    states = [seed_state(seed) for seed in range(generators)]
    return Sampler(states, encode_temperature(temperature), symbols)


def draws(logits: np.ndarray, temperature: float, count: int, generators=GENERATORS) -> np.ndarray:
    """Shape (steps, generators), of generators with the seeds 0, 1, 2, …"""
    sampler = sampler_of(len(logits), temperature, generators)
    rows = np.broadcast_to(logits, (generators, len(logits)))
    return np.stack([sampler.draw(rows) for _ in range(-(-count // generators))])


def total_variation(logits: np.ndarray, temperature: float, count: int) -> float:
    """Distance of so many draws from the exact distribution."""
    found = draws(logits, temperature, count)
    frequency = np.bincount(found.ravel(), minlength=len(logits)) / found.size
    z = logits / 2**10 / temperature
    exact = np.exp(z - z.max())
    return float(np.abs(frequency - exact / exact.sum()).sum() / 2)


def text_logits(prompt: str) -> np.ndarray:
    """Logits of the shipped model after a prompt; without it, spread alike."""
    if not SHIPPED.exists():
        return np.random.default_rng(len(prompt)).normal(0, 4096, 65).astype(np.int64)
    golden = GoldenModel(quantize(load_checkpoint(SHIPPED)))
    return golden.logits(golden.image.vocabulary.encode(prompt))[-1].astype(np.int64)


@pytest.mark.parametrize("temperature", [0.5, 0.8, 1.0, 1.5])
@pytest.mark.parametrize("prompt", ["ROMEO:\n", "\n\nKING RICHARD"])
def test_distribution_on_text(prompt, temperature):
    assert total_variation(text_logits(prompt), temperature, 10**6) <= 0.01


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.2, 0.5, 0.8, 1.0, 1.5, 4.0, 15.0])
@pytest.mark.parametrize("prompt", ["q", "the ", "What, ", "First Citizen:\nBefore we proceed an"])
def test_distribution_on_more_text(prompt, temperature):
    assert total_variation(text_logits(prompt), temperature, 10**6) <= 0.01


HARD = {
    "two equal": [0, 0],
    "two unequal": [0, -2048],
    "two very unequal": [-3000, 4000],
    "two at the ends": [-32768, 32767],
    "three": [100, -100, 0],
    "ties": [1000, 1000, 0, 1000, 0, 0, 1000],
    "65 flat": [0] * 65,
    "65 flat but one": [*[0] * 64, 4096],
    "slope": list(range(0, 65 * 64, 64)),
}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("name", [name for name in HARD if not name.startswith("65")])
def test_distribution_of_few_symbols(name, temperature):
    assert total_variation(np.array(HARD[name]), temperature, 10**6) <= 0.01


@pytest.mark.parametrize("name", [name for name in HARD if name.startswith("65")])
def test_distribution_of_flat_logits(name):
    assert total_variation(np.array(HARD[name]), 1.0, 10**6) <= 0.01


def test_distribution_of_256_flat_symbols():
    # Chance alone makes 0.0064 of a million draws.
    assert total_variation(np.zeros(256, np.int64), 1.0, 10**6) <= 0.01


@pytest.mark.slow
def test_distribution_of_256_flat_symbols_with_less_chance():
    assert total_variation(np.zeros(256, np.int64), 1.0, 2 * 10**7) <= 0.003


def exact_distribution(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Chances of the symbols, had the generator perfect 15-bit numbers: no draws, no chance."""
    code = encode_temperature(temperature)
    noise, counts = np.unique([slow.gumbel(u) for u in range(2**15)], return_counts=True)
    noise = np.array([slow.sampling_score(0, code, n) for n in noise.tolist()])
    below = np.concatenate([[0], counts.cumsum()]) / 2**15

    @functools.cache
    def wins(lead: int, side: Literal["left", "right"]) -> np.ndarray:
        """Chance to beat a symbol whose logit is lower by so much, for each value of noise."""
        return below[np.searchsorted(noise, noise + 4 * lead, side)]

    chances = np.empty(len(logits))
    for k, logit in enumerate(logits.tolist()):
        chance = counts / 2**15
        for j, other in enumerate(logits.tolist()):
            if j != k:  # of equal scores the lower symbol wins
                chance = chance * wins(logit - other, "left" if j < k else "right")
        chances[k] = chance.sum()
    return chances


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("name", ["text", *HARD, "256 flat"])
def test_distribution_without_chance(name, temperature):
    """What rounding, 15 bits and ties cost: 0.0013 at most, of flat logits; 0.0001 of text."""
    hard = HARD | {"256 flat": [0] * 256}
    logits = text_logits("ROMEO:\n") if name == "text" else np.array(hard[name])
    found = exact_distribution(logits, temperature)
    assert found.sum() == pytest.approx(1)
    z = logits / 2**10 / temperature
    exact = np.exp(z - z.max())
    distance = np.abs(found - exact / exact.sum()).sum() / 2
    assert distance <= (0.0002 if name == "text" else 0.0013)


# Independence


def assert_independent(left: np.ndarray, right: np.ndarray, symbols: int) -> None:
    """Pearson's chi-square of a table of pairs against the product of its margins."""
    table = np.bincount(left.ravel().astype(int) * symbols + right.ravel(), minlength=symbols**2)
    table = table.reshape(symbols, symbols)
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    enough = expected >= 5
    statistic = ((table - expected)[enough] ** 2 / expected[enough]).sum()
    freedom = enough.sum() - 2 * symbols + 1
    sigmas = (statistic - freedom) / math.sqrt(2 * freedom)
    assert abs(sigmas) < 5, f"{sigmas:.1f} standard deviations from independence"


@pytest.mark.parametrize(("symbols", "count"), [(2, 10**6), (4, 10**6), (5, 10**6), (17, 10**6)])
@pytest.mark.parametrize("lag", [1, 2])
def test_successive_draws_are_independent(symbols, count, lag):
    found = draws(np.zeros(symbols, np.int64), 1.0, count)
    assert_independent(found[:-lag], found[lag:], symbols)


def test_successive_draws_of_one_generator_are_independent():
    found = draws(np.zeros(4, np.int64), 1.0, 40_000, generators=1)
    assert_independent(found[:-1], found[1:], 4)


def test_neighbouring_seeds_are_independent():
    found = draws(np.array([0, 500, -500, 0, 100]), 1.0, 10**6)
    assert_independent(found[:, :-1], found[:, 1:], 5)
    assert_independent(found[:, ::2], found[:, 1::2], 5)


def test_first_draws_of_many_seeds_follow_the_distribution():
    """A person who tries seed after seed sees the distribution, too."""
    logits = np.array([0, 1024, -1024, 0])
    found = draws(logits, 1.0, 50_000, generators=50_000)
    exact = np.exp(logits / 1024) / np.exp(logits / 1024).sum()
    assert np.abs(np.bincount(found[0], minlength=4) / 50_000 - exact).sum() / 2 < 0.01


# Leaps of the generator


@given(st.integers(1, 2**64 - 1), st.integers(0, 300))
def test_advances_as_steps_do(state, steps):
    stepped = state
    for _ in range(steps):
        stepped = xorshift64(stepped)
    assert advanced(state, steps) == stepped


@given(st.integers(1, 2**64 - 1), st.integers(0, 2**40), st.integers(0, 2**40))
def test_advances_twice_as_once(state, first, second):
    assert advanced(advanced(state, first), second) == advanced(state, first + second)


@given(st.integers(1, 2**64 - 1))
def test_advances_around_the_whole_period(state):
    assert advanced(state, 2**64 - 1) == state
