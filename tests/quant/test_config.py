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
    lambda multipliers, groups, layers, symbols, dsp: Config(
        hidden=max(1, min(groups, 512 // multipliers)) * multipliers // 4,
        layers=layers,
        symbols=2**symbols,
        multipliers=multipliers,
        dsp_pairs=dsp * multipliers // 64,
    ),
    st.sampled_from([64, 128, 256, 512]),
    st.integers(1, 8),
    st.integers(1, 2),
    st.integers(2, 8),
    st.integers(0, 32),
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


@pytest.mark.parametrize(("symbols", "rows"), [(2, 1), (4, 1), (5, 2), (65, 17), (256, 64)])
def test_output_rows(symbols, rows):
    assert Config().output_rows(symbols) == rows
    assert Config().steps(symbols) == 384 + rows


@given(CONFIGS)
def test_derived_values_agree(config):
    assert config.columns * 4 == config.multipliers
    assert config.groups * config.columns == config.hidden
    assert config.banks * 8 == config.multipliers == config.regions * 64
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
    assert set(fields) == {"hidden", "layers", "symbols", "multipliers", "dsp_pairs"}
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
        f"['dsp_pairs', 'hidden', 'layers', 'multipliers', 'symbols'], not {fields!r}"
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
