"""Golden model and emitted Verilog: the same integers, always.

Every logit, every symbol and every final state is compared, at full size on the shipped model and
on random ones at the ends of every format, and at other sizes of the generator.
"""

import numpy as np
import pytest
from random_models import STYLES, random_image

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.sampling import encode_temperature, seed_state
from zynq_lstm.quant.state import State

FULL = Config()
SMALL = [
    Config(hidden=16, symbols=8, multipliers=64),
    Config(hidden=32, symbols=32, multipliers=64),  # two steps a row
    Config(hidden=32, symbols=16, multipliers=128, layers=1, dsp_pairs=0),
]
MORE = [
    Config(hidden=48, symbols=256, multipliers=64, dsp_pairs=32),  # three steps a row
    Config(hidden=16, symbols=256, multipliers=64, layers=1),
    Config(hidden=128, symbols=16, multipliers=64, layers=1),  # eight steps a row
    Config(hidden=96, symbols=64, multipliers=128),
    Config(hidden=64, symbols=128, multipliers=256, dsp_pairs=128),
    Config(hidden=128, symbols=128, multipliers=256),
    Config(symbols=256),
]


def compare(
    transport: AcceleratorTransport,
    image: Image,
    *,
    scored: int,
    generated: int,
    seed: int,
    temperatures: tuple[float, ...] = (0.0, 0.8, 2.5),
    state: State | None = None,
) -> None:
    """Score and generate on both, from the same state, and compare everything."""
    rng = np.random.default_rng(seed)
    golden = GoldenModel(image)
    transport.load(image)
    if state is not None:
        golden.state = state
        transport.write_state(state)
    assert transport.read_state() == golden.state
    text = rng.integers(0, image.symbols, scored).astype(np.uint8)
    expected, found = golden.logits(text), transport.logits(text)
    wrong = np.argwhere(expected != found)
    if len(wrong):
        t, symbol = wrong[0]
        pytest.fail(
            f"seed {seed}: logit of symbol {symbol} after character {t} is {found[t, symbol]} on "
            f"the chip, {expected[t, symbol]} in the golden model; {len(wrong)} differ"
        )
    assert transport.read_state() == golden.state
    surprisals = transport.score(text)
    assert surprisals.tolist() == golden.score(text).tolist(), f"seed {seed}"
    assert transport.read_state() == golden.state
    for k, temperature in enumerate(temperatures):
        length = generated // len(temperatures)
        prompt = rng.integers(0, image.symbols, 1 + 5 * k).astype(np.uint8)
        arguments = (prompt, length, encode_temperature(temperature), seed_state(seed + k))
        drawn = np.concatenate(list(transport.generate(*arguments)))
        assert drawn.tolist() == golden.generate(*arguments).tolist(), f"seed {seed}"
        assert transport.read_state() == golden.state


def extreme_state(config: Config, seed: int) -> State:
    """A state at the ends of its formats."""
    rng = np.random.default_rng(seed)
    shape = (config.layers, config.hidden)
    return State(
        rng.choice([-128, 127, 0, -1], shape).astype(np.int8),
        rng.choice([-32768, 32767, 0, -1], shape).astype(np.int16),
    )


def compare_sizes(transport: AcceleratorTransport, config: Config, style: str) -> None:
    """Compare models of few symbols and of as many as there may be."""
    for symbols in (2, 3, config.symbols - 1, config.symbols):
        image = random_image(config, symbols, style, seed=symbols)
        state = extreme_state(config, symbols)
        compare(transport, image, scored=60, generated=60, seed=symbols, state=state)


def test_shipped_model(chip, shakespeare):
    compare(chip(FULL), shakespeare, scored=2000, generated=2000, seed=1)


@pytest.mark.slow
def test_shipped_model_long(chip, shakespeare):
    compare(chip(FULL), shakespeare, scored=20_000, generated=20_000, seed=2)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("symbols", [2, 65, 127])
def test_random_models_at_full_size(chip, style, symbols):
    image = random_image(FULL, symbols, style, seed=symbols)
    state = extreme_state(FULL, symbols)
    compare(chip(FULL), image, scored=40, generated=42, seed=symbols, state=state)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("config", SMALL, ids=Config.describe)
def test_small_configurations(chip, config, style):
    compare_sizes(chip(config), config, style)


@pytest.mark.slow
@pytest.mark.parametrize("config", MORE, ids=Config.describe)
def test_more_configurations(chip, config):
    for symbols in (2, 5, config.symbols - 3, config.symbols):
        for style in STYLES:
            image = random_image(config, symbols, style, seed=symbols)
            state = extreme_state(config, symbols)
            compare(chip(config), image, scored=60, generated=60, seed=symbols, state=state)


def test_stalls_change_nothing(chip):
    """Random pauses on both streams, also long ones that fill the FIFOs."""
    config = SMALL[0]
    transport = chip(config)
    image = random_image(config, 7, "ordinary", seed=3)
    for seed, (into, out) in enumerate([(0.5, 0.5), (0.95, 0.0), (0.0, 0.95), (0.99, 0.99)]):
        transport.link.chip.stalls(into, out, seed + 1)
        compare(transport, image, scored=300, generated=300, seed=seed)


def test_sequences_take_turns(chip):
    """Sixteen sequences interleaved on one chip, each as if it were alone."""
    config = SMALL[0]
    transport = chip(config)
    image = random_image(config, 8, "ordinary", seed=4)
    transport.load(image)
    rng = np.random.default_rng(5)
    texts = rng.integers(0, 8, (16, 12)).astype(np.uint8)
    alone = [GoldenModel(image).logits(text) for text in texts]
    states = [transport.read_state() for _ in texts]
    for start in range(0, 12, 4):
        for k in rng.permutation(16):
            transport.write_state(states[k])
            found = transport.logits(texts[k, start : start + 4])
            assert np.array_equal(found, alone[k][start : start + 4])
            states[k] = transport.read_state()


def test_abandoned_run_leaves_a_sound_chip(chip):
    config = SMALL[0]
    transport = chip(config)
    image = random_image(config, 8, "ordinary", seed=6)
    transport.load(image)
    for pieces in (1, 2, 4):
        run = transport.generate(np.zeros(3, np.uint8), 1000, 4096, 1, promptly=True)
        for _ in range(pieces):
            next(run)
        run.close()
        compare(transport, image, scored=20, generated=21, seed=pieces)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_interrupted_run_leaves_a_sound_chip(chip, monkeypatch, share):
    """Ctrl-C in the middle of each kind of run; what was under way is abandoned."""
    config = SMALL[0]
    transport = chip(config)
    image = random_image(config, 8, "ordinary", seed=7)
    transport.load(image)
    text = np.zeros(200, np.uint8)

    def interrupted(cycles):
        transport.link.chip.clock(int(share * cycles))
        monkeypatch.undo()
        raise KeyboardInterrupt

    for run in (
        lambda: list(transport.generate(text, 200, 4096, 1)),
        lambda: transport.logits(text),
        lambda: transport.score(text),
        transport.read_state,
        lambda: transport.write_state(extreme_state(config, 1)),
        lambda: transport.load(image),
    ):
        monkeypatch.setattr(transport.link, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run()
        compare(transport, image, scored=20, generated=21, seed=int(100 * share))
