"""Where each integer stands in the payload, found again bit by bit."""

import dataclasses
import re
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.layout import (
    header_word,
    is_sealed,
    lane_words,
    pack,
    pack_pairs,
    payload_crc,
    payload_words,
    sealed,
    unpack,
    unpack_pairs,
    weight_words,
    word_lanes,
)
from zynq_lstm.quant.parameters import Parameters, matrix_rows, row_count

CONFIGS = {
    "one group": Config(hidden=16, symbols=16, multipliers=64),
    "one layer": Config(hidden=16, layers=1, symbols=16, multipliers=64),
    "two groups": Config(hidden=32, symbols=16, multipliers=64),
    "three groups": Config(hidden=48, layers=1, symbols=16, multipliers=64),
    "eight groups": Config(hidden=128, layers=1, symbols=256, multipliers=64),
    "two groups of 64": Config(hidden=128, symbols=256, multipliers=256),
    "default": Config(),
}
FOUR_BITS = {
    "4 bits": Config(hidden=16, symbols=16, multipliers=128, weight_bits=4),
    "4 bits everywhere": Config(
        hidden=48, symbols=16, multipliers=128, weight_bits=4, output_bits=4
    ),
    "4 bits, one layer": Config(hidden=32, layers=1, multipliers=256, weight_bits=4),
    "4 bits, default": Config(multipliers=1024, weight_bits=4),
}
LARGE = Config(hidden=128, symbols=256)
FIELDS = ("weights", "scales", "biases", "table")


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS.keys())
def config(request) -> Config:
    return request.param


def signed(x: int, bits: int) -> int:
    x &= (1 << bits) - 1
    return x - (1 << bits) if x >> (bits - 1) else x


def equal(left: Parameters, right: Parameters) -> bool:
    same = (np.array_equal(getattr(left, f), getattr(right, f)) for f in FIELDS)
    types = (getattr(left, f).dtype == getattr(right, f).dtype for f in FIELDS)
    return all(same) and all(types)


def test_every_pair():
    w0, w1 = (x.ravel() for x in np.meshgrid(np.arange(-127, 128), np.arange(-127, 128)))
    pairs = pack_pairs(np.stack([w0, w1], -1).astype(np.int8))
    assert pairs.shape == (255 * 255, 1) and pairs.dtype == np.uint16
    for pair, low, high in zip(pairs[:, 0].tolist(), w0.tolist(), w1.tolist(), strict=True):
        # Sign-extended bytes side by side are the multiplicand w1 * 2^16 + w0.
        low_byte, high_byte = signed(pair, 8), signed(pair >> 8, 8)
        assert high_byte * 2**16 + (low_byte & 0xFFFF) == high * 2**16 + low
    assert (unpack_pairs(pairs) == np.stack([w0, w1], -1)).all()


def test_pair_products_never_collide():
    """Times any h, both products can be read from the sum: the low one within 16 bits."""
    w = np.arange(-127, 128)
    h = np.arange(-128, 128)
    assert np.abs(w[:, None] * h).max() < 2**15


def test_foreign_pairs_are_seen():
    assert unpack_pairs(np.array([0x7F80], np.uint16)).tolist() == [-128, 128]
    assert unpack_pairs(np.array([0x8000], np.uint16)).tolist() == [0, -128]


@given(st.lists(st.integers(-32768, 65535), min_size=4, max_size=40))
def test_lanes_round_trip(values):
    lanes = np.array(values[: len(values) // 4 * 4]).reshape(-1, 4)
    words = lane_words(lanes)
    for word, (a, b, c, d) in zip(words.tolist(), (lanes & 0xFFFF).tolist(), strict=True):
        assert word == a | b << 16 | c << 32 | d << 48
    assert (word_lanes(words) == lanes & 0xFFFF).all()


def test_header_word():
    word = header_word(Config(), 65)
    assert word & 0xFFFF == 65
    assert word >> 16 & 0xFFFF == 0x5A4C
    assert word >> 32 == Config().layout_hash


@pytest.mark.parametrize("symbols", [2, 4, 5, 13, 16])
def test_payload_words(config, symbols):
    matrices = {1: 1, 2: 3}[config.layers]
    rows = matrices * config.hidden + (symbols + 3) // 4
    weights = rows * config.hidden * 4 // 8
    assert payload_words(config, symbols) == 1 + weights + 2 * rows + symbols * config.hidden + 1


def test_every_integer_has_its_place(config, make_parameters):
    """Read from the payload as the hardware does: by step, bank, column and lane."""
    symbols = 13
    parameters = make_parameters(config, symbols)
    payload = [int(word) for word in pack(parameters)]
    assert len(payload) == payload_words(config, symbols)
    assert payload[0] == header_word(config, symbols)
    rows = row_count(config, symbols)
    columns, groups = config.multipliers // 4, config.groups
    weights = parameters.weights.tolist()
    at = 1
    for row in range(rows):
        for group in range(groups):
            for bank in range(columns // 2):
                word = payload[at]
                at += 1
                for column in (0, 1):
                    unit = (2 * bank + column) * groups + group
                    for half in (0, 1):
                        pair = word >> (32 * column + 16 * half)
                        low = signed(pair, 8)
                        high = signed(pair >> 8, 8) + (low < 0)
                        assert low == weights[row][2 * half][unit]
                        assert high == weights[row][2 * half + 1][unit]
    for array, bits in ((parameters.scales, 0), (parameters.biases, 16), (parameters.table, 16)):
        for lanes in array.reshape(-1, 4).tolist():
            word = payload[at]
            at += 1
            for lane, value in enumerate(lanes):
                found = word >> 16 * lane & 0xFFFF
                assert (signed(found, 16) if bits else found) == value
    octets = b"".join(word.to_bytes(8, "little") for word in payload[:at])
    assert payload[at:] == [zlib.crc32(octets)]


@pytest.mark.parametrize("config", FOUR_BITS.values(), ids=FOUR_BITS.keys())
def test_every_weight_of_4_bits_has_its_place(config, make_parameters):
    """As the engine meets them: by step, bank, column and one of eight lanes."""
    symbols = 13
    parameters = make_parameters(config, symbols)
    words = weight_words(parameters).tolist()
    assert len(pack(parameters)) == payload_words(config, symbols)
    weights = parameters.weights.tolist()
    recurrent = matrix_rows(config, symbols)["out"].start
    seen = 0
    for step, banks in enumerate(words):
        row, group = 2 * (step // config.groups), step % config.groups
        whole = row < recurrent or config.output_bits == 4
        if not whole:
            row = recurrent + (step - recurrent // 2 * config.groups) // config.groups
        for bank, word in enumerate(banks):
            for column in (0, 1):
                unit = (2 * bank + column) * config.groups + group
                lanes = [signed(word >> 4 * (8 * column + lane), 4) for lane in range(8)]
                for lane in range(4):
                    found = (
                        [lanes[lane], lanes[4 + lane]]
                        if whole
                        else [16 * lanes[4 + lane] + lanes[lane]]
                    )
                    rows = range(row, row + len(found))
                    assert found == [weights[r][lane][unit] for r in rows]
                    seen += len(found)
    assert seen == parameters.weights.size


@pytest.mark.parametrize("place", ["hh1", "out"])
def test_refuses_weights_beyond_4_bits(make_parameters, place):
    config = FOUR_BITS["4 bits"]
    parameters = make_parameters(config, 5)
    limit = config.output_limit if place == "out" else config.weight_limit
    parameters.weights[parameters.matrix(place).start, 2, 3] = -limit - 1
    sentence = (
        f"The image's weights must be within +-{limit}; found a larger one in the rows of {place}"
    )
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        unpack(config, 5, pack(parameters))


def test_weight_words_by_step_and_bank(config, make_parameters):
    parameters = make_parameters(config, 5)
    words = weight_words(parameters)
    assert words.shape == (config.steps(5), config.banks)
    assert (pack(parameters)[1 : 1 + words.size] == words.ravel()).all()


@settings(max_examples=60)
@given(
    st.sampled_from([*CONFIGS.values()][:4] + [*FOUR_BITS.values()][:3]),
    st.integers(2, 16),
    st.integers(0, 2**32),
)
def test_round_trip(make_parameters, config, symbols, seed):
    parameters = make_parameters(config, symbols, seed)
    assert equal(unpack(config, symbols, pack(parameters)), parameters)


@pytest.mark.parametrize(("config", "symbols"), [(LARGE, 256), (LARGE, 2), (Config(), 65)])
def test_round_trip_of_large_ones(make_parameters, config, symbols):
    parameters = make_parameters(config, symbols)
    assert equal(unpack(config, symbols, pack(parameters)), parameters)


FIT = (
    "The image's payload must fit the sizes in its header; it does not. "
    "Make the image again with zynq-lstm quantize"
)


def test_refuses_a_payload_of_other_sizes(make_parameters, small):
    payload = pack(make_parameters(small, 5))
    other_hash = dataclasses.replace(small, layers=1)
    wrong = [payload[:-1], np.append(payload, payload[:1]), payload[:0], payload ^ np.uint64(1)]
    for words in wrong:
        with pytest.raises(UserError, match=f"^{re.escape(FIT)}$"):
            unpack(small, 5, words)
    for config, symbols in ((small, 6), (other_hash, 5)):
        with pytest.raises(UserError, match=f"^{re.escape(FIT)}$"):
            unpack(config, symbols, payload)


@pytest.mark.parametrize("pair", [0x0080, 0x8000, 0x7FFF, 0x7F80, 0x80 << 8 | 0x7F])
@pytest.mark.parametrize("place", [0, 3])
def test_refuses_weights_beyond_their_limit(make_parameters, small, pair, place):
    payload = pack(make_parameters(small, 5))
    mask = np.uint64(0xFFFF << 16 * place)
    payload[9] = payload[9] & ~mask | np.uint64(pair << 16 * place)
    payload = sealed(payload[:-1])
    sentence = "The image's weights must be within +-127; found a larger one in the rows of ih2"
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        unpack(small, 5, payload)


@pytest.mark.parametrize("place", [1, 60, -2, -1])
@pytest.mark.parametrize("bit", [0, 31, 32, 63])
def test_refuses_a_payload_without_its_crc(make_parameters, small, place, bit):
    payload = pack(make_parameters(small, 5))
    assert is_sealed(payload)
    right = payload_crc(payload)
    payload[place] ^= np.uint64(1 << bit)
    assert not is_sealed(payload)
    with pytest.raises(UserError, match=r"^The image's payload must end with the CRC-32 of") as e:
        unpack(small, 5, payload)
    assert (f" {right:08x}, " in str(e.value)) == (place == -1)


def test_nothing_is_not_sealed():
    assert not is_sealed(np.zeros(0, np.uint64))
    assert is_sealed(sealed(np.zeros(0, np.uint64)))


@pytest.mark.parametrize("layers, name", [(1, "hh1"), (2, "hh1"), (2, "ih2")])
@pytest.mark.parametrize("row, lane", [(0, 0), (-1, 3)])
def test_refuses_biases_where_there_are_none(make_parameters, layers, name, row, lane):
    config = Config(hidden=16, layers=layers, symbols=16, multipliers=64)
    parameters = make_parameters(config, 5)
    parameters.biases[parameters.matrix(name)][row, lane] = 1
    sentence = (
        f"The image's biases must be 0 in the rows of {name}; found another one. "
        "Make the image again with zynq-lstm quantize"
    )
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        unpack(config, 5, pack(parameters))
