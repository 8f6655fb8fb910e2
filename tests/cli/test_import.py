"""`zynq-lstm import`, and `quantize` with the same files: the same image by either way."""

import json

import pytest
from foreign_models import foreign, keras_h5, plain_onnx, state_dict
from safetensors.numpy import save
from tiny_models import write_tiny_checkpoint

from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.image import read_image
from zynq_lstm.quant.packages import install_command

SIZES = ("--hidden", 16, "--symbols", 16, "--multipliers", 64)


@pytest.fixture
def files(tmp_path):
    """One model in the formats of others, and its vocabulary."""
    pytest.importorskip("onnx")
    pytest.importorskip("h5py")
    model = foreign(one_bias=True)
    (tmp_path / "m.safetensors").write_bytes(save(state_dict(model)))
    (tmp_path / "m.onnx").write_bytes(plain_onnx(model).SerializeToString())
    (tmp_path / "m.h5").write_bytes(keras_h5(model))
    (tmp_path / "vocabulary.json").write_text(json.dumps(list(model.vocabulary.characters)))
    return tmp_path


def test_import_and_quantize_give_one_image(run, files) -> None:
    vocabulary = ("--vocabulary", files / "vocabulary.json")
    images = set()
    for kind in ("safetensors", "onnx", "h5"):
        source, checkpoint = files / f"m.{kind}", files / "checkpoint.safetensors"
        result = run("import", source, "-o", checkpoint, *vocabulary)
        assert (result.status, result.out) == (0, "")
        assert f"{checkpoint}: 2 x 8 units, 7 symbols, from {source}" in result.err
        for name, arguments in {"by": (checkpoint,), "directly": (source, *vocabulary)}.items():
            assert run("quantize", *arguments, "-o", files / name, *SIZES).status == 0
            images.add((files / name).read_bytes())
    assert len(images) == 1
    assert read_image(files / "by").metadata == {"model": {"hidden": 8, "layers": 2}}


def test_an_imported_model_generates_and_scores(run, files) -> None:
    checkpoint, image = files / "c.safetensors", files / "m.zlstm"
    vocabulary = ("--vocabulary", files / "vocabulary.json")
    assert run("import", files / "m.onnx", "-o", checkpoint, *vocabulary).status == 0
    assert run("quantize", checkpoint, "-o", image, *SIZES).status == 0
    (files / "text").write_text("abcdefg" * 20)
    text = run("generate", image, "--prompt", "abc", "--length", 20, "--seed", 1)
    assert text.status == 0 and len(text.out) == 20
    scored = run("score", image, files / "text", "--float", checkpoint, "--json")
    values = json.loads(scored.out)
    assert abs(values["bits_per_character"] - values["float_bits_per_character"]) < 0.02


def test_bytes(run, tmp_path) -> None:
    source, output = tmp_path / "bytes.safetensors", tmp_path / "out.safetensors"
    source.write_bytes(save(state_dict(foreign(256, 8, 1))))
    run("import", source, "-o", output).refused("256 symbols", "--bytes")
    assert run("import", source, "-o", output, "--bytes").status == 0
    assert load_checkpoint(output).vocabulary.characters[0xE9] == "é"


def test_imports_a_checkpoint_of_its_own(run, tmp_path) -> None:
    source, output = write_tiny_checkpoint(tmp_path / "a.safetensors"), tmp_path / "b.safetensors"
    assert run("import", source, "-o", output).status == 0
    assert load_checkpoint(output).metadata == load_checkpoint(source).metadata


def test_refuses_two_vocabularies(run, files) -> None:
    arguments = ("--vocabulary", files / "vocabulary.json", "--bytes")
    run("import", files / "m.onnx", "-o", files / "out", *arguments).refused("--bytes or a file")
    assert not (files / "out").exists()


@pytest.mark.parametrize("command", ["import", "quantize"])
def test_refuses_what_is_no_model(run, tmp_path, command) -> None:
    (tmp_path / "text").write_text("some text")
    run(command, tmp_path / "text", "-o", tmp_path / "out").refused("none of these", "ONNX")
    run(command, tmp_path / "none", "-o", tmp_path / "out").refused("there is none")
    run(command, tmp_path, "-o", tmp_path / "out").refused(f"{tmp_path} must be", "it is a folder")
    run(command, tmp_path / "text", "-o", tmp_path / "text").refused("input")
    assert [path.name for path in tmp_path.iterdir()] == ["text"]
    assert (tmp_path / "text").read_text() == "some text"


@pytest.mark.parametrize(
    ("command", "name", "better"),
    [
        ("import", "out.pt", "out.safetensors"),
        ("import", "out.zlstm", "out.safetensors"),
        ("quantize", "out.safetensors", "out.zlstm"),
        ("train", "out.pth", "out.safetensors"),
        ("train", "out.ONNX", "out.safetensors"),
    ],
)
def test_refuses_the_ending_of_another_kind(run, files, command, name, better) -> None:
    run(command, files / "m.onnx", "-o", files / name).refused(name, f"; name it {better}\n")
    assert not (files / name).exists()


def test_says_which_extra_reads_onnx(run, files, monkeypatch) -> None:
    def lacking(data: bytes, name: str) -> None:
        raise ModuleNotFoundError("No module named 'onnx'", name="onnx")

    monkeypatch.setattr("zynq_lstm.importers.onnx_file.read_onnx", lacking)
    arguments = ("import", files / "m.onnx", "-o", files / "out")
    run(*arguments).refused("needs the package onnx", install_command("import"))
