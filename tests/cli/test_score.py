"""`zynq-lstm score`: bits per character of parts of a text, in integers and in float."""

import json
import math

import pytest
from tiny_models import tiny_tensors, write_tiny_checkpoint

import zynq_lstm.host as host
from zynq_lstm.host.backends import CHOICE
from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.vocabulary import BYTES

TEXT = "a bad cafe, faded! "[:10] * 30


@pytest.fixture
def text_path(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT.encode())
    return path


def golden_bits(image_path, text: str) -> float:
    with host.open(image_path) as session:
        return session.score(text).bits_per_character


def scored(run, *arguments) -> dict:
    result = run("score", *arguments, "--json")
    assert result.status == 0
    return json.loads(result.out)


def test_scores_a_whole_text(run, image_path, text_path) -> None:
    values = scored(run, image_path, text_path)
    assert values["bits_per_character"] == golden_bits(image_path, TEXT)
    assert values["characters"] == 300
    assert values["predictions"] == 299
    assert "float_bits_per_character" not in values


@pytest.mark.parametrize(
    ("split", "part"),
    [
        ("training", TEXT[:270]),
        ("validation", TEXT[270:285]),
        ("test", TEXT[285:]),
        ("all", TEXT),
    ],
)
def test_scores_a_part(run, image_path, text_path, split, part) -> None:
    values = scored(run, image_path, text_path, "--split", split)
    assert values["characters"] == len(part)
    assert values["bits_per_character"] == golden_bits(image_path, part)


def test_scores_the_beginning_of_a_part(run, image_path, text_path) -> None:
    values = scored(run, image_path, text_path, "--split", "validation", "--limit", 7)
    assert values["characters"] == 7
    assert values["bits_per_character"] == golden_bits(image_path, TEXT[270:277])


def test_scores_the_float_checkpoint_too(run, image_path, checkpoint_path, text_path) -> None:
    values = scored(run, image_path, text_path, "--float", checkpoint_path)
    model = load_checkpoint(checkpoint_path)
    nats = model.surprisal(model.vocabulary.encode(TEXT)).mean()
    assert values["float_bits_per_character"] == pytest.approx(nats / math.log(2), rel=1e-12)
    # A random model's weights are as coarse as they can be, yet it must be the same model.
    assert abs(values["bits_per_character"] - values["float_bits_per_character"]) < 0.1


def test_notes_that_image_and_checkpoint_differ(
    run, image_path, checkpoint_path, text_path, tmp_path
) -> None:
    other = write_tiny_checkpoint(tmp_path / "other.safetensors", results='{"epochs": 7}')
    note = "was not made of"
    assert note in run("score", image_path, text_path, "--float", other).err
    assert note not in run("score", image_path, text_path, "--float", checkpoint_path).err


def test_scores_on_the_simulation(run, image_path, text_path, modelled_simulation) -> None:
    golden, simulated = (
        scored(run, image_path, text_path, "--backend", backend) for backend in ("golden", "sim")
    )
    assert simulated["bits_per_character"] == golden["bits_per_character"]
    assert simulated["backend"] == "sim"


def test_writes_a_table(run, image_path, checkpoint_path, text_path) -> None:
    result = run("score", image_path, text_path, "--float", checkpoint_path)
    lines = result.out.splitlines()
    assert len(lines) == 4
    assert lines[0].split() == ["characters", "300"]
    assert f"{golden_bits(image_path, TEXT):.4f}" in lines[1]
    assert lines[3].startswith("cost of quantization")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--split", "half"], "Split must be one of training, validation, test, all, not 'half'"),
        (["--limit", 1], "Limit must be at least 2 characters, not 1"),
        (["--limit", -4], "Limit must be at least 2 characters, not -4"),
        (["--backend", "gpu"], "Backend must be one of"),
        (["--float", "none.safetensors"], "none.safetensors"),
    ],
)
def test_refuses_bad_arguments(run, image_path, text_path, arguments, part) -> None:
    run("score", image_path, text_path, *arguments).refused(part)


@pytest.mark.parametrize("backend", ["golden", "sim"])
@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "at least 2 characters, not 0"),
        (b"a", "at least 2 characters, not 1"),
        (b"abc?", "'?' (U+003F) at position 3"),
        (b"ab\xff", "must be UTF-8; it has an invalid byte at offset 2"),
        (b"ab\r\n", "'\\r'"),
    ],
)
def test_refuses_bad_texts_before_the_simulator_is_made(
    run, image_path, tmp_path, modelled_simulation, content, part, backend
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    run("score", image_path, path, "--backend", backend).refused(part)


def test_refuses_a_part_that_is_too_short(run, image_path, tmp_path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("abc" * 9)
    result = run("score", image_path, path, "--split", "validation")
    result.refused("The text's validation part must have at least 2 characters, not 1")


def test_refuses_a_text_that_the_float_model_cannot_read(
    run, image_path, text_path, tmp_path
) -> None:
    other = tiny_tensors("xyz")
    path = write_tiny_checkpoint(tmp_path / "m.safetensors", other, characters="xyz")
    result = run("score", image_path, text_path, "--float", path)
    assert (result.status, result.out) == (1, "")
    note, error = result.err.splitlines()
    assert "was not made of" in note and "the model's 3 characters only" in error


def test_names_the_backend_that_is_taken(run, image_path, text_path, monkeypatch) -> None:
    monkeypatch.setenv(CHOICE, "golden")
    assert scored(run, image_path, text_path, "--backend", "auto")["backend"] == "golden"


def test_refuses_a_missing_text(run, image_path, tmp_path) -> None:
    run("score", image_path, tmp_path / "none.txt").refused("none.txt", "readable")


def test_scores_bytes_of_any_file(run, bytes_image_path, tmp_path) -> None:
    path = tmp_path / "any.bin"
    data = "Größe: 5 €\n".encode() * 19 + b"\xff\xc3"
    path.write_bytes(data)
    values = scored(run, bytes_image_path, path, "--split", "test")
    part = data[len(data) * 95 // 100 :]
    assert (values["unit"], values["characters"]) == ("byte", len(part))
    assert values["bits_per_character"] == golden_bits(bytes_image_path, BYTES.text_of(part))
    assert "bits per byte, golden" in run("score", bytes_image_path, path).out
