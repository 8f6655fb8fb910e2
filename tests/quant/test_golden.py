"""The golden model against slow integers, against itself, and against the float model."""

import dataclasses
import re

import numpy as np
import pytest
import slow_reference as slow
from slow_reference import SlowModel

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.layout import pack
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.quant.sampling import encode_temperature, seed_state
from zynq_lstm.quant.state import State
from zynq_lstm.quant.surprisal import surprisal
from zynq_lstm.quant.vocabulary import Vocabulary

SIZES = {
    "two layers": Config(hidden=16, symbols=16, multipliers=64),
    "one layer": Config(hidden=16, layers=1, symbols=16, multipliers=64),
    "two groups": Config(hidden=32, symbols=16, multipliers=64),
    "4 bits": Config(hidden=16, symbols=16, multipliers=128, weight_bits=4),
}
CHARACTERS = "abcdefghijklmnop"


@pytest.fixture(params=SIZES.values(), ids=SIZES.keys())
def config(request) -> Config:
    return request.param


def image_of(parameters) -> Image:
    return Image.from_parameters(parameters, Vocabulary(CHARACTERS[: parameters.symbols]), {})


def check_against_slow(image: Image, symbols: list[int], parameters=None) -> None:
    """Step by step; the message names the first symbol at which h, c or logits differ."""
    golden = GoldenModel(image)
    reference = SlowModel(parameters or image.parameters)
    for t, symbol in enumerate(symbols):
        logits, expected = golden.step(symbol), reference.step(symbol)
        state = golden.state
        for layer in range(reference.layers):
            assert state.c[layer].tolist() == reference.c[layer], f"c{layer + 1} at {t}"
            assert state.h[layer].tolist() == reference.h[layer], f"h{layer + 1} at {t}"
        assert logits.tolist() == expected, f"logits at {t}"


# Against slow integers


def test_full_range_integers(config, make_parameters):
    for seed in range(3):
        parameters = make_parameters(config, 13, seed)
        symbols = np.random.default_rng(seed).integers(0, 13, 12).tolist()
        check_against_slow(image_of(parameters), symbols, parameters)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("gain", [0.5, 2.0, 12.0])
def test_quantized_models(make_model, layers, gain):
    config = Config(hidden=16, layers=layers, symbols=16, multipliers=64)
    image = quantize(make_model(13, 16, layers, gain=gain), config)
    check_against_slow(image, np.random.default_rng(2).integers(0, 13, 40).tolist())


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("scale", [1, 65535])
def test_all_weights_at_their_limit(config, make_parameters, sign, scale):
    parameters = make_parameters(config, 4)
    parameters.weights[:] = config.weight_limit * sign
    parameters.weights[parameters.matrix("out")] = config.output_limit * sign
    parameters.scales[:] = scale
    for bias in (32767, -32768):
        parameters.biases[parameters.biases != 0] = bias  # where there are any
        parameters.table[:] = bias
        parameters.table[1:3] = [[[32767, 32767, sign * 32767, 32767]]]
        check_against_slow(image_of(parameters), [1, 2, 1, 0, 3, 1], parameters)


@pytest.mark.parametrize("sign", [1, -1])
def test_cells_saturate_and_stay(make_parameters, sign):
    """Gates wide open: c climbs by one a character, to the end of its format."""
    config = SIZES["one layer"]
    parameters = make_parameters(config, 4)
    parameters.weights[:] = 0
    parameters.table[:] = 32767
    parameters.table[..., 2] = 32767 if sign > 0 else -32768
    golden = GoldenModel(image_of(parameters))
    golden.logits(np.zeros(40, int))
    # 0.9993 of c is kept a character, so that c settles at its end.
    assert (golden.state.c == (32767 if sign > 0 else -32768)).all()
    assert (golden.state.h == (127 if sign > 0 else -128)).all()
    check_against_slow(image_of(parameters), [0] * 20, parameters)


def test_padding_of_the_output_layer_is_left_out(make_parameters, small):
    """13 symbols take four rows of four lanes: three are never seen, whatever they hold."""
    parameters = make_parameters(small, 13)
    expected = GoldenModel(image_of(parameters)).logits(np.arange(13))
    assert expected.shape == (13, 13)
    for array in (parameters.weights, parameters.biases, parameters.scales):
        array[-1, 1:] = 127
    assert (GoldenModel(image_of(parameters)).logits(np.arange(13)) == expected).all()


@pytest.mark.parametrize("temperature", [0.0, 0.7, 3.0])
def test_generation_equals_slow_reference(image, temperature):
    code = encode_temperature(temperature)
    reference, state = SlowModel(image.parameters), seed_state(9)
    for symbol in (3, 1, 4):
        logits = reference.step(symbol)
    expected = []
    for _ in range(30):
        symbol, state = slow.draw(logits, code, state)
        expected.append(symbol)
        logits = reference.step(symbol)
    found = GoldenModel(image).generate(np.array([3, 1, 4]), 30, code, seed_state(9))
    assert found.tolist() == expected
    assert len(set(expected)) > 1 or temperature == 0


# Against itself


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_batch_equals_singles(config, make_parameters, batch):
    image = image_of(make_parameters(config, 13))
    symbols = np.random.default_rng(batch).integers(0, 13, (batch, 12))
    together = GoldenModel(image, batch)
    found = together.logits(symbols)
    assert found.shape == (batch, 12, 13) and found.dtype == np.int16
    for b in range(batch):
        alone = GoldenModel(image)
        assert (alone.logits(symbols[b]) == found[b]).all()
        assert alone.state == State(together.state.h[:, b], together.state.c[:, b])


@pytest.mark.parametrize("batch", [1, 2, 7])
@pytest.mark.parametrize("temperature", [0, 3277])
def test_generated_batch_equals_singles(image, batch, temperature):
    prompts = np.random.default_rng(batch).integers(0, 13, (batch, 4))
    seeds = np.array([seed_state(b) for b in range(batch)], np.uint64)
    found = GoldenModel(image, batch).generate(prompts, 25, temperature, seeds)
    assert found.shape == (batch, 25) and found.dtype == np.uint8
    for b in range(batch):
        alone = GoldenModel(image).generate(prompts[b], 25, temperature, int(seeds[b]))
        assert (alone == found[b]).all()


def test_generate_is_stream(image):
    arguments = (np.array([1, 2]), 40, 4096, seed_state(3))
    pieces = list(GoldenModel(image).stream(*arguments))
    assert all(piece.shape == () and piece.dtype == np.uint8 for piece in pieces)
    assert GoldenModel(image).generate(*arguments).tolist() == [int(p) for p in pieces]


def test_stream_comes_symbol_by_symbol(image):
    golden = GoldenModel(image)
    stream = golden.stream(np.array([1]), 10**9, 4096, seed_state(3))
    first = [int(next(stream)) for _ in range(5)]
    assert first == GoldenModel(image).generate(np.array([1]), 5, 4096, seed_state(3)).tolist()


def test_greedy_takes_the_largest_logit_and_ignores_the_seed(image):
    found = GoldenModel(image).generate(np.array([5]), 30, 0, seed_state(1))
    assert (found == GoldenModel(image).generate(np.array([5]), 30, 0, seed_state(2))).all()
    logits = GoldenModel(image).logits(np.append([5], found[:-1]))
    assert (logits.argmax(-1) == found).all()


def test_seed_decides(image):
    texts = {
        tuple(GoldenModel(image).generate(np.array([5]), 30, 4096, seed_state(seed)).tolist())
        for seed in (1, 1, 2)
    }
    assert len(texts) == 2


def test_last_symbol_is_sampled_but_not_fed(image):
    golden = GoldenModel(image)
    found = golden.generate(np.array([1, 2]), 20, 3277, seed_state(4))
    other = GoldenModel(image)
    other.logits(np.concatenate([[1, 2], found[:-1]]))
    assert golden.state == other.state


@pytest.mark.parametrize("cut", [1, 7, 19])
def test_going_on_from_a_written_state(image, cut):
    symbols = np.random.default_rng(5).integers(0, 13, 20)
    through = GoldenModel(image)
    expected = through.logits(symbols)
    before, after = GoldenModel(image), GoldenModel(image)
    before.logits(symbols[:cut])
    after.logits(symbols[::-1])  # something else, which the write must wipe out
    after.state = before.state
    assert (after.logits(symbols[cut:]) == expected[cut:]).all()
    assert after.state == through.state


def test_state_of_extremes_is_read_as_written(image):
    golden = GoldenModel(image)
    state = golden.state
    state.h[:] = np.resize([-128, 127, -1, 0], state.h.shape)
    state.c[:] = np.resize([-32768, 32767, -1], state.c.shape)
    golden.state = state
    assert golden.state == state
    assert (golden.state.h.dtype, golden.state.c.dtype) == (np.int8, np.int16)
    reference = SlowModel(image.parameters)
    reference.h, reference.c = state.h.tolist(), state.c.tolist()
    assert golden.step(3).tolist() == reference.step(3)


def test_state_is_a_copy(image):
    golden = GoldenModel(image)
    golden.step(1)
    taken = golden.state
    kept = taken.copy()
    golden.step(2)
    assert taken == kept
    golden.state = taken
    taken.h[:], taken.c[:] = 9, 9
    assert golden.state == kept


def test_reset(image):
    golden = GoldenModel(image)
    first = golden.logits(np.arange(5))
    assert golden.state != State.zeros(2, 16)
    golden.reset()
    assert golden.state == State.zeros(2, 16)
    assert (golden.logits(np.arange(5)) == first).all()


def test_symbols_of_any_integer_type(image):
    expected = GoldenModel(image).logits(np.arange(13))
    for dtype in (np.uint8, np.int8, np.int32, np.uint64):
        assert (GoldenModel(image).logits(np.arange(13, dtype=dtype)) == expected).all()
    assert (GoldenModel(image).logits(list(range(13))) == expected).all()  # type: ignore[arg-type]


# Against the float model


@pytest.mark.parametrize("layers", [1, 2])
def test_close_to_the_float_model(make_model, layers):
    model = make_model(13, 16, layers, gain=1.0)
    config = Config(hidden=16, layers=layers, symbols=16, multipliers=64)
    symbols = np.random.default_rng(1).integers(0, 13, 300)
    found = GoldenModel(quantize(model, config)).logits(symbols) / 2**10
    error = np.abs(found - model.logits(symbols))
    assert error.max() < 0.03  # measured 0.02; logits span 2.2
    assert error.mean() < 0.005


# Mistakes


def refused(sentence: str):
    return pytest.raises(UserError, match=f"^{re.escape(sentence)}$")


@pytest.mark.parametrize("batch", [0, -3])
def test_refuses_batch(image, batch):
    with refused(f"Batch size must be at least 1, not {batch}"):
        GoldenModel(image, batch)


EMPTY = "There must be at least one symbol to feed; the text is empty"


@pytest.mark.parametrize(
    ("symbols", "sentence"),
    [
        ([], EMPTY),
        ([13], "Symbols must be from 0 to 12, not 13"),
        ([0, 255, 14], "Symbols must be from 0 to 12, not 255"),
        ([0, -1], "Symbols must be from 0 to 12, not -1"),
        ([[1, 2]], "Symbols must have the shape (n,), not (1, 2)"),
        (5, "Symbols must have the shape (n,), not ()"),
    ],
)
def test_refuses_symbols(image, symbols, sentence):
    golden = GoldenModel(image)
    with refused(sentence):
        golden.logits(np.array(symbols, int))
    with refused(sentence):
        golden.generate(np.array(symbols, int), 5, 0, 1)
    assert golden.state == State.zeros(2, 16)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((2, 0), EMPTY),
        ((3, 4), "Symbols must have the shape (2, n), not (3, 4)"),
        ((4,), "Symbols must have the shape (2, n), not (4,)"),
    ],
)
def test_refuses_symbols_of_a_batch(image, shape, sentence):
    with refused(sentence):
        GoldenModel(image, 2).logits(np.zeros(shape, int))


@pytest.mark.parametrize("length", [0, -5])
def test_refuses_length(image, length):
    with refused(f"Length must be at least 1, not {length}"):
        GoldenModel(image).generate(np.array([1]), length, 0, 1)


def test_refuses_other_numbers_of_seeds(image):
    with refused("There must be one seed a sequence, 3, not 2"):
        GoldenModel(image, 3).generate(np.zeros((3, 1), int), 5, 0, np.ones(2, np.uint64))
    with refused("There must be one seed a sequence, 1, not 2"):
        GoldenModel(image).generate(np.array([1]), 5, 0, np.ones(2, np.uint64))


@pytest.mark.parametrize(("layers", "hidden", "batch"), [(1, 16, None), (2, 32, None), (2, 16, 1)])
def test_refuses_states_of_another_shape(image, layers, hidden, batch):
    golden, state = GoldenModel(image), State.zeros(layers, hidden, batch)
    with refused(
        f"State must have h and c of the shape (2, 16), not {state.h.shape} and {state.c.shape}"
    ):
        golden.state = state
    mixed = State(np.zeros((2, 16), np.int8), state.c)
    with refused(f"State must have h and c of the shape (2, 16), not (2, 16) and {state.c.shape}"):
        golden.state = mixed


def test_reads_the_payload_and_nothing_else(image):
    """What the hardware is loaded with decides."""
    changed = dataclasses.replace(image.parameters, table=image.parameters.table.copy())
    changed.table[3, 5, 1] += 400
    other = dataclasses.replace(image, payload=pack(changed))
    symbols = np.array([3, 3, 3])
    assert (GoldenModel(other).logits(symbols) != GoldenModel(image).logits(symbols)).any()


@pytest.mark.parametrize("batch", [None, 3])
def test_score_is_the_surprisal_of_what_follows(image, batch):
    shape = (9,) if batch is None else (batch, 9)
    symbols = np.random.default_rng(5).integers(0, image.symbols, shape)
    logits = GoldenModel(image, batch).logits(symbols[..., :-1])
    model = GoldenModel(image, batch)
    found = model.score(symbols)
    assert found.dtype == np.uint16 and found.shape == (*shape[:-1], 8)
    assert (found == surprisal(logits, symbols[..., 1:])).all()
    # The last symbol is not fed: feeding it goes on where an uncut text would.
    whole = GoldenModel(image, batch)
    whole.logits(symbols)
    model.logits(symbols[..., -1:])
    assert (model.state.h == whole.state.h).all() and (model.state.c == whole.state.c).all()


def test_score_in_pieces_is_the_same(image):
    symbols = np.random.default_rng(6).integers(0, image.symbols, 12)
    model = GoldenModel(image)
    pieces = [model.score(symbols[a : b + 1]) for a, b in ((0, 1), (1, 7), (7, 11))]
    assert (np.concatenate(pieces) == GoldenModel(image).score(symbols)).all()


def test_score_needs_two_symbols(image):
    with pytest.raises(UserError, match=r"^There must be at least two symbols to score; there is"):
        GoldenModel(image).score(np.array([1]))
    with pytest.raises(UserError, match=r"^Symbols must be from 0 to "):
        GoldenModel(image).score(np.array([1, image.symbols]))
