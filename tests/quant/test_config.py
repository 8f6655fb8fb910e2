"""The configuration: derived values, every sentence, and what the layout's hash depends on."""

import dataclasses
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError

CONFIGS = st.builds(
    lambda banks, groups, layers, symbols, dsp, bits: Config(
        hidden=max(1, min(groups, 64 // banks)) * banks * 2,
        layers=layers,
        symbols=2**symbols,
        multipliers=64 * banks // bits[0],
        dsp_pairs=dsp * banks // 8,
        weight_bits=bits[0],
        output_bits=bits[1],
    ),
    st.sampled_from([8, 16, 32, 64]),
    st.integers(1, 8),
    st.integers(1, 2),
    st.integers(2, 8),
    st.integers(0, 32),
    st.sampled_from([(8, 8), (4, 8), (4, 4)]),
)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"layers": 0}, "Number of layers must be an integer from 1 to 2, not 0"),
        ({"layers": 3}, "Number of layers must be an integer from 1 to 2, not 3"),
        ({"layers": True}, "Number of layers must be an integer from 1 to 2, not True"),
        ({"layers": 2.0}, "Number of layers must be an integer from 1 to 2, not 2.0"),
        ({"layers": "2"}, "Number of layers must be an integer from 1 to 2, not '2'"),
        ({"layers": None}, "Number of layers must be an integer from 1 to 2, not None"),
        ({"multipliers": 63}, "Number of multipliers must be an integer from 64 to 512, not 63"),
        ({"multipliers": 513}, "Number of multipliers must be an integer from 64 to 512, not 513"),
        (
            {"multipliers": 192},
            "Number of multipliers must be 64, 128, 256 or 512, not 192: regions of 8 banks of 8 "
            "multipliers are summed in a binary tree",
        ),
        ({"hidden": 15}, "Hidden size must be an integer from 16 to 128, not 15"),
        ({"hidden": 129}, "Hidden size must be an integer from 16 to 128, not 129"),
        ({"hidden": -16}, "Hidden size must be an integer from 16 to 128, not -16"),
        ({"hidden": float("nan")}, "Hidden size must be an integer from 16 to 128, not nan"),
        (
            {"hidden": 64},
            "Hidden size must be a multiple of 128 (a quarter of the 512 multipliers), not 64; "
            "choose fewer multipliers or a larger hidden size",
        ),
        ({"symbols": 3}, "Symbol capacity must be an integer from 4 to 256, not 3"),
        ({"symbols": 512}, "Symbol capacity must be an integer from 4 to 256, not 512"),
        (
            {"symbols": 65},
            "Symbol capacity must be a power of two from 4 to 256, not 65: symbol and unit "
            "together address the input table",
        ),
        ({"dsp_pairs": -1}, "Number of DSP pairs must be an integer from 0 to 256, not -1"),
        ({"dsp_pairs": 257}, "Number of DSP pairs must be an integer from 0 to 256, not 257"),
        ({"weight_bits": 5}, "Weight bits must be 8 or 4, not 5"),
        ({"weight_bits": 4.0}, "Weight bits must be 8 or 4, not 4.0"),
        ({"weight_bits": True}, "Weight bits must be 8 or 4, not True"),
        ({"weight_bits": [8]}, "Weight bits must be 8 or 4, not [8]"),
        ({"output_bits": "8"}, "Output weight bits must be 8 or 4, not '8'"),
        (
            {"output_bits": 4},
            "Output weight bits must be at least the 8 of the other weights, not 4: the engine's "
            "multipliers take all of them",
        ),
        (
            {"weight_bits": 4, "multipliers": 64},
            "Number of multipliers must be an integer from 128 to 1024, not 64",
        ),
        (
            {"weight_bits": 4, "multipliers": 768},
            "Number of multipliers must be 128, 256, 512 or 1024, not 768: regions of 8 banks of "
            "16 multipliers are summed in a binary tree",
        ),
        (
            {"weight_bits": 4, "multipliers": 1024, "hidden": 64},
            "Hidden size must be a multiple of 128 (an eighth of the 1024 multipliers), not 64; "
            "choose fewer multipliers or a larger hidden size",
        ),
        (
            {"dsp_pairs": 201},
            "Number of DSP pairs must be a multiple of the 8 regions, not 201: all regions are "
            "one block, emitted once",
        ),
    ],
)
def test_refuses(fields, sentence):
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        Config(**fields)
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        Config.from_dict(fields)


def test_default():
    config = Config()
    assert (config.hidden, config.layers, config.symbols) == (128, 2, 128)
    assert (config.multipliers, config.dsp_pairs) == (512, 200)
    assert (config.columns, config.groups, config.banks, config.regions) == (128, 1, 64, 8)
    assert (config.matrices, config.recurrent_steps()) == (3, 384)
    assert (config.output_rows(65), config.steps(65)) == (17, 401)
    assert config.weight_depth == 512
    assert (config.table_address_bits, config.table_ram_width) == (14, 2)


@pytest.mark.parametrize(
    ("fields", "groups", "regions", "dsp_pairs", "steps", "depth"),
    [
        ((16, 1, 4, 64), 1, 1, 25, 16 + 1, 32),
        ((16, 2, 16, 64), 1, 1, 25, 3 * 16 + 4, 64),
        ((48, 2, 64, 64), 3, 1, 25, (3 * 48 + 16) * 3, 512),
        ((128, 2, 128, 64), 8, 1, 25, (3 * 128 + 32) * 8, 4096),
        ((64, 1, 256, 128), 2, 2, 50, (64 + 64) * 2, 256),
        ((128, 2, 256, 256), 2, 4, 100, (3 * 128 + 64) * 2, 1024),
        ((128, 2, 256, 512), 1, 8, 200, 3 * 128 + 64, 512),
    ],
)
def test_derived(fields, groups, regions, dsp_pairs, steps, depth):
    config = Config(*fields)
    assert (config.groups, config.regions, config.dsp_pairs) == (groups, regions, dsp_pairs)
    assert config.steps(config.symbols) == steps
    assert config.weight_depth == depth


@pytest.mark.parametrize(
    ("output_bits", "symbols", "rows", "steps"),
    [(8, 65, 17, 192 + 17), (4, 65, 18, 192 + 9), (8, 2, 1, 192 + 1), (4, 2, 2, 192 + 1)],
)
def test_four_bits(output_bits, symbols, rows, steps):
    config = Config(multipliers=1024, weight_bits=4, output_bits=output_bits)
    assert (config.columns, config.groups, config.banks, config.regions) == (128, 1, 64, 8)
    assert (config.lanes, config.rows_per_step, config.dsp_pairs) == (8, 2, 200)
    assert (config.output_rows(symbols), config.steps(symbols)) == (rows, steps)
    assert (config.weight_limit, config.output_limit) == (7, {8: 119, 4: 7}[output_bits])
    assert (Config().weight_limit, Config().output_limit) == (127, 127)


@pytest.mark.parametrize(("symbols", "rows"), [(2, 1), (4, 1), (5, 2), (65, 17), (256, 64)])
def test_output_rows(symbols, rows):
    assert Config().output_rows(symbols) == rows
    assert Config().steps(symbols) == 384 + rows


@given(CONFIGS)
def test_derived_values_agree(config):
    assert config.columns * config.lanes == config.multipliers
    assert config.groups * config.columns == config.hidden
    assert config.banks * 2 == config.columns and config.banks == config.regions * 8
    assert 64 * config.banks == config.weight_bits * config.multipliers
    assert config.dsp_pairs % config.regions == 0
    steps = config.steps(config.symbols)
    assert config.weight_depth // 2 < steps <= config.weight_depth
    entries = 2**config.table_address_bits
    assert entries >= config.symbols * config.hidden
    assert 16 % config.table_ram_width == 0
    assert config.table_ram_width * entries <= 2**15


@given(CONFIGS)
def test_dict_round_trip(config):
    fields = config.to_dict()
    assert set(fields) == {field.name for field in dataclasses.fields(Config)}
    assert all(type(value) is int for value in fields.values())
    assert Config.from_dict(fields) == config
    assert hash(Config.from_dict(fields)) == hash(config)


def test_dict_may_leave_fields_out():
    assert Config.from_dict({}) == Config()
    assert Config.from_dict({"symbols": 256}) == Config(symbols=256)


@pytest.mark.parametrize("fields", [{"width": 3}, {"hidden": 128, "": 1}, [], None, "hidden", 5])
def test_from_dict_refuses_other_fields(fields):
    sentence = (
        "Configuration must have the fields "
        "['dsp_pairs', 'hidden', 'layers', 'multipliers', 'output_bits', 'symbols', "
        f"'weight_bits'], not {fields!r}"
    )
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        Config.from_dict(fields)


def test_layout_hash_is_the_same_where_the_layout_is():
    configs = [Config(symbols=s, dsp_pairs=d) for s in (4, 128, 256) for d in (0, 200, 256, None)]
    assert len({config.layout_hash for config in configs}) == 1


def test_layout_hash_differs_where_the_layout_does():
    hashes = {}
    for multipliers, groups, layers in itertools.product((64, 128, 256, 512), range(1, 9), (1, 2)):
        hidden = groups * multipliers // 4
        if hidden <= 128:
            config = Config(hidden=hidden, layers=layers, multipliers=multipliers)
            hashes[hidden, layers, multipliers] = config.layout_hash
    assert len(hashes) == len(set(hashes.values())) == 30
    assert all(0 <= value < 2**32 for value in hashes.values())


def test_layout_hash_tells_the_bits_of_weights():
    same = {"hidden": 128, "multipliers": 512}
    configs = [Config(**same), Config(weight_bits=4, **same)]
    configs.append(dataclasses.replace(configs[1], output_bits=4))
    assert len({config.layout_hash for config in configs}) == 3


def test_layout_hash_is_stable():
    """Images in people's hands carry it."""
    assert Config().layout_hash == 0xD48110E7


def test_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().hidden = 64  # type: ignore[misc]


def test_describe():
    assert Config(64, 1, 4, 64, 3).describe() == (
        "1 x 64 units, up to 4 symbols, 64 multipliers (3 DSP pairs)"
    )
    assert Config(multipliers=1024, weight_bits=4).describe() == (
        "2 x 128 units, up to 128 symbols, 1024 multipliers (200 DSP pairs), "
        "weights of 4 bits (output layer 8)"
    )
