"""`zynq-lstm quantize`: an image is written whole, or nothing is."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from tiny_models import CHARACTERS, tiny_tensors, write_tiny_checkpoint

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import read_image

SIZES = ("--hidden", 16, "--symbols", 16, "--multipliers", 64)


def test_writes_the_image(run, checkpoint_path, image_path, tmp_path) -> None:
    output = tmp_path / "out.zlstm"
    result = run("quantize", checkpoint_path, "-o", output, *SIZES)
    assert result.status == 0
    assert result.out == ""
    assert output.read_bytes() == image_path.read_bytes()
    assert list(tmp_path.iterdir()) == [output]


def test_pads_for_the_full_accelerator(run, checkpoint_path, tmp_path) -> None:
    output = tmp_path / "out.zlstm"
    assert run("quantize", checkpoint_path, "-o", output).status == 0
    image = read_image(output)
    assert image.config == Config()
    assert image.symbols == len(CHARACTERS)


def test_weights_of_4_bits(run, tmp_path) -> None:
    output = tmp_path / "out.zlstm"
    halved = {name: values / 2 for name, values in tiny_tensors().items()}
    checkpoint = write_tiny_checkpoint(tmp_path / "tiny.safetensors", halved)
    arguments = ("quantize", checkpoint, "-o", output, "--weight-bits", 4)
    result = run(*arguments, "--output-bits", 4)
    assert result.status == 0
    assert "1024 multipliers (200 DSP pairs), weights of 4 bits (output layer 4)" in result.err
    assert read_image(output).config == Config(multipliers=1024, weight_bits=4, output_bits=4)
    assert run(*arguments).status == 0
    assert read_image(output).config == Config(multipliers=1024, weight_bits=4)
    for refused in (["--weight-bits", 5], ["--output-bits", 4]):
        run("quantize", checkpoint, "-o", output, *refused).refused("bits must be")
    # The chip itself takes 8 bits so far.
    run("rtl", "-o", tmp_path / "rtl", "--image", output).refused("must have weights of 8 bits")
    sim = ("generate", output, "-p", "a", "-n", 5, "--backend", "sim")
    result = run(*sim)
    assert (result.status, result.out) == (1, "")
    assert "must have weights of 8 bits, not 4" in result.err
    assert run(*sim[:-2]).status == 0


def test_replaces_an_earlier_image(run, checkpoint_path, tmp_path) -> None:
    output = tmp_path / "out.zlstm"
    output.write_text("earlier")
    assert run("quantize", checkpoint_path, "-o", output, *SIZES).status == 0
    assert read_image(output).config.hidden == 16


def test_writes_memory_files_too(run, checkpoint_path, tmp_path) -> None:
    output, folder = tmp_path / "out.zlstm", tmp_path / "memories"
    result = run("quantize", checkpoint_path, "-o", output, *SIZES, "--memory-files", folder)
    assert result.status == 0
    banks = read_image(output).config.banks
    assert len(list(folder.glob("bank_*.hex"))) == banks
    assert (folder / "scales.hex").exists()
    assert f"{folder}: " in result.err


def test_memory_files_replace_those_of_an_earlier_run(run, checkpoint_path, tmp_path) -> None:
    folder, fresh = tmp_path / "memories", tmp_path / "fresh"
    arguments = ("quantize", checkpoint_path, "-o", tmp_path / "out.zlstm", "--memory-files")
    run(*arguments, fresh, *SIZES)
    run(*arguments, folder)
    (folder / "notes.txt").write_text("mine")
    result = run(*arguments, folder, *SIZES)
    assert result.status == 0
    assert "Removed " in result.err and "files of an earlier run: bank_" in result.err
    names = {path.name for path in fresh.iterdir()}
    assert {path.name for path in folder.iterdir()} == names | {"notes.txt"}
    assert "zynq_lstm.quantize.sha256" in names


@pytest.mark.parametrize("name", ["header.json", "zynq_lstm.quantize.sha256"])
def test_memory_files_spare_a_person_s_and_the_image(run, checkpoint_path, tmp_path, name) -> None:
    image, folder = tmp_path / "out.zlstm", tmp_path / "memories"
    folder.mkdir()
    arguments = ("quantize", checkpoint_path, *SIZES, "--memory-files", folder, "-o")
    run(*arguments, folder / name).refused("must have another name than a memory file")
    assert list(folder.iterdir()) == []
    (folder / "header.json").write_text("mine")
    run(*arguments, image).refused("header.json must be as zynq-lstm quantize has written it")
    assert (folder / "header.json").read_text() == "mine"
    assert not image.exists()


def test_refuses_a_folder_for_memory_files(run, checkpoint_path, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    output = tmp_path / "out.zlstm"
    arguments = ("quantize", checkpoint_path, "-o", output, "--memory-files", tmp_path / "file")
    run(*arguments).refused("must be writable")
    assert not output.exists()


def test_writes_through_a_link(run, checkpoint_path, image_path, tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    link = tmp_path / "link.zlstm"
    link.symlink_to(tmp_path / "folder" / "out.zlstm")
    assert run("quantize", checkpoint_path, "-o", link, *SIZES).status == 0
    assert link.is_symlink()
    assert link.read_bytes() == image_path.read_bytes()


def test_writes_to_a_device(run, checkpoint_path) -> None:
    assert run("quantize", checkpoint_path, "-o", "/dev/null", *SIZES).status == 0
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("place", ["missing/out.zlstm", "file/out.zlstm", "."])
def test_refuses_outputs_that_cannot_be_written(run, checkpoint_path, tmp_path, place) -> None:
    (tmp_path / "file").write_text("")
    run("quantize", checkpoint_path, "-o", tmp_path / place, *SIZES).refused("Output", "must be")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_refuses_to_replace_its_input(run, tmp_path) -> None:
    path = write_tiny_checkpoint(tmp_path / "model.safetensors")
    before = path.read_bytes()
    run("quantize", path, "-o", tmp_path / "." / "model.safetensors").refused("input")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--multipliers", 100), "multipliers"),
        (("--hidden", 12), "Hidden size"),
        (("--symbols", 300), "Symbol capacity"),
        (("--symbols", 8), "at most 128 units and 8 symbols"),
    ],
)
def test_refuses_sizes(run, checkpoint_path, tmp_path, options, part) -> None:
    run("quantize", checkpoint_path, "-o", tmp_path / "out", *options).refused(part)
    assert list(tmp_path.iterdir()) == []


def _without(name: str) -> dict:
    return {key: value for key, value in tiny_tensors().items() if key != name}


def _with(name: str, value: float) -> dict:
    tensors = tiny_tensors()
    tensors[name].flat[3] = value
    return tensors


@pytest.mark.parametrize(
    ("tensors", "metadata", "part"),
    [
        (_without("head.bias"), {}, "head.bias"),
        (_without("lstm.weight_hh_l0"), {}, "lstm.weight_hh_l0"),
        (_with("lstm.weight_hh_l1", math.nan), {}, "lstm.weight_hh_l1"),
        (_with("head.weight", math.inf), {}, "head.weight"),
        (_with("head.weight", 1e6), {}, "output layer"),
        (tiny_tensors() | {"head.weight": np.zeros((5, 16), np.float32)}, {}, "head.weight"),
        (None, {"vocabulary": "nothing"}, "vocabulary"),
        (None, {"vocabulary": json.dumps(["a", "a"])}, "twice"),
        (None, {"format_version": "99"}, "version"),
    ],
)
def test_refuses_bad_checkpoints(run, tmp_path, tensors, metadata, part) -> None:
    path = write_tiny_checkpoint(tmp_path / "bad.safetensors", tensors, **metadata)
    run("quantize", path, "-o", tmp_path / "out.zlstm").refused(part)
    assert list(tmp_path.iterdir()) == [path]


def test_refuses_what_is_no_checkpoint(run, image_path, tmp_path) -> None:
    run("quantize", image_path, "-o", tmp_path / "out.zlstm").refused("safetensors")
    run("quantize", tmp_path / "none", "-o", tmp_path / "out.zlstm").refused("none")
    assert list(tmp_path.iterdir()) == []


def test_refuses_one_path_for_image_and_memory_files(run, checkpoint_path, tmp_path) -> None:
    output = tmp_path / "out"
    result = run("quantize", checkpoint_path, "-o", output, "--memory-files", output, *SIZES)
    result.refused("Memory files", str(output))
    assert not output.exists()
