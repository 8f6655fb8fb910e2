"""`zynq-lstm report`: the folder that it leaves, and when it leaves none."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from tiny_models import CHARACTERS, tiny_tensors, write_tiny_checkpoint

from zynq_lstm.quant.image import Image, read_image, write_image
from zynq_lstm.quant.packages import install_command
from zynq_lstm.quant.vocabulary import Vocabulary

NAMES = {"report.md", "report.json"} | {
    f"{name}.png" for name in ("surprisal", "drift", "gates", "ranges", "weights", "rows")
}
TEXT = "".join(np.random.default_rng(1).choice(list(CHARACTERS), 4000))


@pytest.fixture
def text_path(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT.encode())
    return path


@pytest.fixture
def report(run, checkpoint_path, text_path, tmp_path):
    def call(*arguments: object, folder: str = "out"):
        output = tmp_path / folder
        return run("report", checkpoint_path, "--text", text_path, "-o", output, *arguments)

    return call


@pytest.fixture
def undrawn(monkeypatch):
    """Pictures in no time."""
    pytest.importorskip("matplotlib")
    from zynq_lstm.cli.reporting import pictures, style

    monkeypatch.setattr(style, "png", lambda figure: b"picture")
    for name in pictures.PICTURES:
        monkeypatch.setitem(pictures.PICTURES, name, lambda found: None)


def test_writes_a_folder(run, report, checkpoint_path, text_path, tmp_path) -> None:
    pytest.importorskip("matplotlib")
    result = report("--drift", 500)
    assert (result.status, result.out) == (0, "")
    folder = tmp_path / "out"
    assert {path.name for path in folder.iterdir()} == NAMES
    for name in NAMES:
        if name.endswith(".png"):
            assert (folder / name).read_bytes().startswith(b"\x89PNG")
    values = json.loads((folder / "report.json").read_bytes())
    assert (values["format"], values["version"]) == ("zynq-lstm-report", 1)
    assert values["text"] == {
        "file": "text.txt",
        "split": "test",
        "unit": "character",
        "characters": 200,
    }
    assert values["drift"]["predictions"] == 500
    page = (folder / "report.md").read_text()
    assert page.startswith("# What quantization costs: `tiny.safetensors`")
    assert f"{values['bits_per_character']['float']['mean']:.5f}" in page
    figures, last = result.err.splitlines()[-2:]
    assert last == str(folder / "report.md")
    assert f"{values['bits_per_character']['golden']['mean']:.4f} in the chip's integers" in figures
    # The float figure is that of the command score.
    image = tmp_path / "tiny.zlstm"
    assert run("quantize", checkpoint_path, "-o", image).status == 0
    scored = run("score", image, text_path, "--split", "test", "--float", checkpoint_path, "--json")
    bits = json.loads(scored.out)["float_bits_per_character"]
    assert values["bits_per_character"]["float"]["mean"] == pytest.approx(bits, rel=1e-12)


def test_a_log_gets_a_line_a_step(report, undrawn) -> None:
    lines = report("--drift", 50).err.splitlines()
    assert lines[:-2] == [  # then the figures, and where they are
        "Reading the text", "Looking for drift", "Writing samples", "Drawing",
    ]  # fmt: skip


def test_measures_a_given_image(report, undrawn, image_path, tmp_path) -> None:
    """Also one with a fault: its weights are not those of the checkpoint."""
    whole = read_image(image_path)
    p = whole.parameters
    weights = p.weights.copy()
    weights[p.matrix("out")] *= -1
    faulty = Image.from_parameters(replace(p, weights=weights), whole.vocabulary, whole.metadata)
    write_image(faulty, tmp_path / "faulty.zlstm")
    agreement = []
    for path in (image_path, tmp_path / "faulty.zlstm"):
        assert report("--image", path, "--drift", 50, "--split", "all").status == 0
        values = json.loads((tmp_path / "out" / "report.json").read_bytes())
        assert values["model"]["image"].startswith("2 x 16 units")
        agreement.append(values["most_likely_symbol"]["agreement"])
    assert agreement[0] > 0.9
    assert agreement[1] < 0.1


def test_notes_that_image_and_model_differ(report, undrawn, run, image_path, tmp_path) -> None:
    other = write_tiny_checkpoint(tmp_path / "other.safetensors", results='{"epochs": 7}')
    arguments = ("--text", tmp_path / "text.txt", "-o", tmp_path / "x", "--drift", 50)
    note = "was not made of"
    assert note in run("report", other, *arguments, "--image", image_path).err
    assert note not in report("--image", image_path, "--drift", 50).err


def test_an_image_of_another_model_is_refused_in_one_sentence(report, image_path, tmp_path) -> None:
    whole = read_image(image_path)
    characters = "".join(reversed(whole.vocabulary.characters))
    other = Image.from_parameters(whole.parameters, Vocabulary(characters), whole.metadata)
    write_image(other, tmp_path / "other.zlstm")
    report("--image", tmp_path / "other.zlstm").refused("must have the same vocabulary")


def test_spares_foreign_files(report, undrawn, tmp_path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "report.md").write_text("old")
    assert report("--drift", 50).status == 0
    assert {path.name for path in folder.iterdir()} == NAMES | {"notes.txt"}
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "report.md").read_text() != "old"


def test_leaves_nothing_when_it_fails(report, undrawn, monkeypatch, tmp_path) -> None:
    from zynq_lstm.cli.reporting import pictures

    def broken(found) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setitem(pictures.PICTURES, "rows", broken)
    result = report("--drift", 50, "--split", "validation")
    assert result.status == 1
    assert result.err.splitlines()[-1] == "zynq-lstm: Cannot allocate memory"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--split", "half"], "Split must be one of"),
        (["--limit", 1], "Limit must be at least 2 characters, not 1"),
        (["--drift", 0], "Drift must be looked for over at least 1 character, not 0"),
        (["--image", "none.zlstm"], "Image none.zlstm must be a readable file"),
    ],
)
def test_refuses_bad_arguments(report, tmp_path, arguments, part) -> None:
    pytest.importorskip("matplotlib")
    report(*arguments).refused(part)
    assert not (tmp_path / "out").exists()


def test_refuses_bad_files(run, report, checkpoint_path, text_path, tmp_path) -> None:
    pytest.importorskip("matplotlib")
    output = ("-o", tmp_path / "out")
    run("report", "none.safetensors", "--text", text_path, *output).refused("none.safetensors")
    run("report", checkpoint_path, "--text", "none.txt", *output).refused("none.txt", "readable")
    report(folder="text.txt").refused("Output", "must be writable")
    (tmp_path / "blocked" / "drift.png").mkdir(parents=True)
    report(folder="blocked").refused("drift.png must be a file, but it is a folder")
    text_path.write_bytes(b"abc?" * 100)
    report().refused("'?' (U+003F) at position 3")
    text_path.write_bytes(b"ab")
    report().refused("at least 2 characters, not 1")
    assert not (tmp_path / "out").exists()


def test_refuses_an_image_of_another_kind(run, text_path, image_path, tmp_path) -> None:
    pytest.importorskip("matplotlib")
    other = write_tiny_checkpoint(tmp_path / "one.safetensors", tiny_tensors(layers=1))
    arguments = ("--text", text_path, "-o", tmp_path / "out", "--image", image_path)
    result = run("report", other, *arguments)
    assert result.status == 1
    assert "Image must hold the model's 1 layers of 16 units" in result.err
    assert not (tmp_path / "out").exists()


def test_says_that_matplotlib_is_missing(report, monkeypatch, tmp_path) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in ("pictures", "style"):
        monkeypatch.delitem(sys.modules, f"zynq_lstm.cli.reporting.{name}", raising=False)
    report().refused("needs the package matplotlib", install_command("report"))
    assert not (tmp_path / "out").exists()


def test_reports_on_a_model_of_bytes(run, undrawn, tmp_path) -> None:
    """Also where it writes what is not UTF-8."""
    bytewise = "".join(map(chr, range(256)))
    path = tmp_path / "bytes.safetensors"
    write_tiny_checkpoint(path, tiny_tensors(bytewise), vocabulary='"bytes"')
    (tmp_path / "data").write_bytes(bytes(np.random.default_rng(1).integers(0, 256, 900)))
    arguments = ("--text", tmp_path / "data", "-o", tmp_path / "out", "--drift", 60)
    assert run("report", path, *arguments, "--split", "all", "--limit", 80).status == 0
    values = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert values["text"]["unit"] == "byte"
    assert (values["text"]["characters"], values["drift"]["predictions"]) == (80, 60)
    assert values["weights"]["out"]["rows"][65]["row"] == "byte 0x41"
    assert "bits per byte" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
