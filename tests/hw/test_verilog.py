"""The emitted Verilog: each block once, the same text each time, for all kinds of sizes."""

import re
from pathlib import Path

import pytest
from tiny_models import tiny_tensors, write_tiny_checkpoint

from zynq_lstm.hw import verilog
from zynq_lstm.hw.region import bank_pairs
from zynq_lstm.hw.verilog import TOP, convert, write_verilog
from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.quantizer import quantize

SMALL = Config(hidden=16, layers=1, symbols=4, multipliers=64)
CONFIGS = [
    Config(),
    Config(symbols=256),
    SMALL,
    Config(hidden=32, layers=2, symbols=16, multipliers=64, dsp_pairs=0),
    Config(hidden=48, layers=2, symbols=256, multipliers=64, dsp_pairs=32),
]
MODULE = re.compile(r"^module (\S+?)\s*(?:#|\()", re.MULTILINE)
INSTANCE = re.compile(r"^ +(zynq_lstm\w*) (?:#\(|\S+ +\()", re.MULTILINE)
MERGED = (
    "zynq_lstm_cell_states.v",
    "zynq_lstm_dsp_pair.v",
    "zynq_lstm_lut_pair.v",
    "zynq_lstm_noise.v",
    "zynq_lstm_requantizer_lane.v",
    "zynq_lstm_sigmoid.v",
    "zynq_lstm_tanh.v",
)
"""Blocks that are not kept as hierarchy: their logic merges with what is around."""
KEPT = '(* keep_hierarchy = "yes" *)\nmodule '


@pytest.fixture(scope="module")
def emitted():
    """Texts of a configuration, emitted when first asked for."""
    texts = {}

    def text_of(config):
        if config not in texts:
            texts[config] = convert(config)
        return texts[config]

    return text_of


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("config", CONFIGS, ids=Config.describe)
def test_modules(emitted, config):
    files = emitted(config)
    assert f"{TOP}.v" in files
    modules = [name for text in files.values() for name in MODULE.findall(text)]
    assert len(modules) == len(set(modules)), "module names are unique"
    used = {name for text in files.values() for name in INSTANCE.findall(text)}
    assert used <= set(modules), "every block that is placed is there"
    blocks = set(files) - {f"{TOP}.v", "zynq_lstm_ram.v"}
    assert {f"{name}.v" for name in used} >= blocks, "every block is placed"
    for name in blocks & set(MERGED):
        assert KEPT not in files[name]
    for name in blocks - set(MERGED):
        assert files[name].count(KEPT) == 1
        assert f"{KEPT}{name.removesuffix('.v')}(" in files[name]
    assert KEPT not in files[f"{TOP}.v"]
    # Nothing is there twice under two names.
    bodies = [
        re.sub(r"dump_module\$\d+", "", body)
        for text in files.values()
        for body in re.findall(r"^module \S+?\s*\((.*?)^endmodule", text, re.MULTILINE | re.DOTALL)
    ]
    assert len(bodies) == len(set(bodies)) >= len(blocks)
    # A bank of each kind, one region, whatever their number.
    banks = {f"zynq_lstm_bank_{pairs}dsp.v" for pairs in bank_pairs(config)}
    assert {name for name in files if "_bank_" in name} == banks
    assert files[f"{TOP}.v"].count("zynq_lstm_region ") == config.regions
    assert files["zynq_lstm_region.v"].count("zynq_lstm_bank_") == 8


@pytest.mark.parametrize("config", CONFIGS, ids=Config.describe)
def test_memories_are_instances(emitted, config):
    """No initial block for each word of a memory; the tables' contents are the only ones."""
    for name, text in emitted(config).items():
        if "_table" not in name or "slice" in name or "_table_ram" in name:
            assert text.count("initial") < 2000, name
    bank = next(t for n, t in emitted(config).items() if "_bank_" in n)
    depth = re.search(r"\.DEPTH\(32'd(\d+)\)", bank)
    assert depth, "the weight memory has its depth"
    assert int(depth[1]) == config.weight_depth
    assert re.search(r'\.INIT_FILE\((?:"")?\)', bank), "no contents"


def test_the_text_is_the_same_each_time(emitted):
    assert convert(SMALL) == emitted(SMALL)


NAMELESS = re.compile(r"\\\\\$(?:signal|like|signature|array)\S*")
"""What Amaranth calls what it finds no name for, which depends on the version of Python."""


@pytest.mark.parametrize("config", CONFIGS, ids=Config.describe)
def test_each_signal_has_a_name(emitted, config):
    assert {name: NAMELESS.findall(text) for name, text in emitted(config).items()} == {
        name: [] for name in emitted(config)
    }


def test_no_path_of_this_machine(emitted):
    for config in CONFIGS:
        for name, text in emitted(config).items():
            code = without_comments(text)
            assert not re.search(r'(?<![\w)])"?/(?:\w+/)+\w', code), name
            assert str(Path(verilog.__file__).parents[1]) not in text, name
            assert "site-packages" not in text, name
            assert "(* src" not in text, name


def test_other_sizes_make_other_blocks(emitted):
    """What differs between configurations differs in the text, under the same names."""
    default, more_symbols, small = (emitted(c) for c in (CONFIGS[0], CONFIGS[1], SMALL))
    assert default["zynq_lstm_region.v"] != small["zynq_lstm_region.v"]
    assert default["zynq_lstm_table_slice.v"] != more_symbols["zynq_lstm_table_slice.v"]
    assert default[f"{TOP}.v"] != more_symbols[f"{TOP}.v"]
    assert default["zynq_lstm_tanh_table.v"] == small["zynq_lstm_tanh_table.v"]


def test_multipliers_of_each_kind(emitted):
    """DSP pairs are products, LUT pairs hold none."""
    none, whole = (emitted(c) for c in CONFIGS[3:5])
    assert none["zynq_lstm_bank_0dsp.v"].count("zynq_lstm_lut_pair ") == 4
    assert " * " not in without_comments(none["zynq_lstm_lut_pair.v"])
    assert "zynq_lstm_dsp_pair.v" not in none
    assert whole["zynq_lstm_bank_4dsp.v"].count("zynq_lstm_dsp_pair ") == 4
    assert without_comments(whole["zynq_lstm_dsp_pair.v"]).count(" * ") == 1
    assert "zynq_lstm_lut_pair.v" not in whole


def test_files(tmp_path, emitted):
    folder = tmp_path / "some" / "where"
    for _ in range(2):  # the second time over the first
        written = write_verilog(SMALL, folder)
        assert written[-1].name == f"{TOP}.v"
        assert sorted(written) == sorted(folder.iterdir())
        assert {path.name: path.read_text() for path in written} == emitted(SMALL)


@pytest.fixture
def image(tmp_path):
    model = load_checkpoint(
        write_tiny_checkpoint(
            tmp_path / "tiny.safetensors", tiny_tensors("abcd", layers=1), characters="abcd"
        )
    )
    return quantize(model, SMALL)


def test_a_model_that_is_there_from_the_start(tmp_path, image, emitted):
    folder = tmp_path / "rtl"
    written = write_verilog(SMALL, folder, image=image)
    texts = {path.name: path.read_text() for path in written}
    named = [f for text in texts.values() for f in re.findall(r'\.INIT_FILE\("([^"]+)"\)', text)]
    assert len(named) == len(set(named)), "each memory has a file of its own"
    assert len(named) == SMALL.banks + 2 + 4 * 16 // SMALL.table_ram_width
    for file in named:
        assert (folder / file).is_file(), file
    contents = {p.name for p in folder.iterdir()} - set(texts)
    assert set(named) <= contents
    # Banks of the same kind but other contents are modules of their own.
    assert len([n for n in texts if n.startswith("zynq_lstm_bank_")]) == SMALL.banks
    assert set(texts) != set(emitted(SMALL))


def test_an_image_of_another_size(tmp_path, image):
    other = Config(hidden=32, layers=1, symbols=4, multipliers=64)
    with pytest.raises(
        UserError, match=r"The image must be made for 1 x 32 units.*, not for 1 x 16"
    ):
        write_verilog(other, tmp_path / "rtl", image=image)


def test_weights_of_4_bits_have_no_hardware_yet(tmp_path):
    config = Config(multipliers=1024, weight_bits=4)
    with pytest.raises(
        UserError, match=r"^The accelerator must have weights of 8 bits, not 4: .*four-bit.md\)$"
    ):
        write_verilog(config, tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        UserError, match=r"Output folder .*file must be writable: .*; choose another"
    ):
        write_verilog(SMALL, tmp_path / "file")


def test_a_block_must_be_in_its_text_once():
    with pytest.raises(RuntimeError, match="Module bank must be in its Verilog once, not 0 times"):
        verilog._kept("module other(clk);\nendmodule\n", "bank")
