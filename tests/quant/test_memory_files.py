"""Memory files hold the payload's integers, read back as text."""

import json
import re

import pytest

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.layout import pack
from zynq_lstm.quant.memory_files import write_memory_files
from zynq_lstm.quant.vocabulary import Vocabulary

CHARACTERS = "abcdefghijklm"


def image_of(make_parameters, config: Config) -> Image:
    return Image.from_parameters(make_parameters(config, 13), Vocabulary(CHARACTERS), {})


def words_of(path) -> list[int]:
    return [int(line, 16) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    "config",
    [
        Config(hidden=16, symbols=16, multipliers=64),
        Config(hidden=48, layers=1, symbols=64, multipliers=64),
        Config(hidden=128, symbols=256, multipliers=512),
    ],
    ids=["16", "3 groups", "default"],
)
def test_contents(make_parameters, tmp_path, config):
    image = image_of(make_parameters, config)
    names = write_memory_files(image, tmp_path / "made" / "here")
    folder = tmp_path / "made" / "here"
    payload = [int(word) for word in pack(image.parameters)]
    steps = config.steps(13)
    assert len(names["banks"]) == config.banks
    for bank, name in enumerate(names["banks"]):
        words = words_of(folder / name)
        assert len(words) == config.weight_depth
        written = payload[1 + bank : 1 + steps * config.banks : config.banks]
        for address, (word, plain) in enumerate(zip(words[:steps], written, strict=True)):
            assert word % (1 << 64) == plain
            assert word >> 64 == (plain.bit_count() + address.bit_count()) % 2
        assert not any(words[steps:])
    at = 1 + steps * config.banks
    rows = len(image.parameters.scales)
    for name in (names["scales"], names["biases"]):
        words = words_of(folder / name)
        assert words[:rows] == payload[at : at + rows] and not any(words[rows:])
        at += rows
    unit_bits = (config.hidden - 1).bit_length()
    for gate, slices in enumerate(names["table"]):
        width = 16 // len(slices)
        parts = [words_of(folder / name) for name in slices]
        assert {len(part) for part in parts} == {config.symbols << unit_bits}
        assert max(max(part) for part in parts) < 2**width
        for symbol in range(13):
            for unit in range(config.hidden):
                word = payload[at + symbol * config.hidden + unit]
                address = symbol << unit_bits | unit
                found = sum(part[address] << width * k for k, part in enumerate(parts))
                assert found == word >> 16 * gate & 0xFFFF
    header = json.loads((folder / "header.json").read_text())
    assert header["config"] == config.to_dict() and header["symbols"] == 13
    assert header["payload_crc"] == f"{image.payload_crc:08x}"
    assert header["files"] == names
    written = {*names["banks"], names["scales"], names["biases"], "header.json"}
    written |= {name for slices in names["table"] for name in slices}
    assert {path.name for path in folder.iterdir()} == written


def test_hardware_of_more_symbols(make_parameters, tmp_path):
    image = image_of(make_parameters, Config(hidden=16, symbols=16, multipliers=64))
    hardware = Config(hidden=16, symbols=256, multipliers=64, dsp_pairs=0)
    names = write_memory_files(image, tmp_path, hardware)
    assert len(words_of(tmp_path / names["banks"][0])) == hardware.weight_depth
    assert json.loads((tmp_path / "header.json").read_text())["config"] == hardware.to_dict()


@pytest.mark.parametrize(
    "hardware",
    [Config(), Config(hidden=16, layers=1, multipliers=64), Config(16, 2, 8, 64)],
    ids=["other size", "other layers", "too few symbols"],
)
def test_refuses_other_hardware(make_parameters, tmp_path, hardware):
    image = image_of(make_parameters, Config(hidden=16, symbols=16, multipliers=64))
    sentence = (
        f"The image must be made for {hardware.describe()}, not for {image.config.describe()}"
    )
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}$"):
        write_memory_files(image, tmp_path / "x", hardware)
    assert not (tmp_path / "x").exists()


def test_refuses_a_file_as_folder(image, tmp_path):
    path = tmp_path / "file"
    path.touch()
    for folder in (path, path / "below"):
        with pytest.raises(UserError) as caught:
            write_memory_files(image, folder)
        assert str(caught.value).startswith(f"Output folder {folder} must be writable: ")
        assert str(caught.value).endswith("; choose another")


def test_writes_all_or_none(image, tmp_path):
    (tmp_path / "table_o_0.hex").mkdir()
    with pytest.raises(UserError, match=r"table_o_0.hex must be writable: Is a directory"):
        write_memory_files(image, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["table_o_0.hex"]
