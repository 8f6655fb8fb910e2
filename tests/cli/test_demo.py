"""`zynq-lstm demo`: both texts, their comparison, and the figures from the counters."""

from pathlib import Path

import pytest
from tiny_models import write_tiny_checkpoint

from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.image import read_image
from zynq_lstm.quant.protocol import Mode
from zynq_lstm.quant.quantizer import quantize

MODELS = Path(__file__).parents[2] / "models"
ARGUMENTS = ("--prompt", "abc", "--length", 60)


@pytest.fixture
def models(tmp_path):
    write_tiny_checkpoint(tmp_path / "shakespeare.safetensors")
    return tmp_path


def test_shows_that_the_texts_are_equal(run, models, modelled_simulation) -> None:
    result = run("demo", "--models", models, *ARGUMENTS)
    assert result.status == 0
    assert "60 of 60 symbols equal, final states equal" in result.out
    lines = [line for line in result.out.splitlines() if " | " in line]
    assert lines
    for line in lines:
        assert line.endswith(" =")
        left, right = line[:-2].split(" | ")
        assert left.rstrip() == right.rstrip()


def test_tells_what_the_counters_mean(run, models, modelled_simulation) -> None:
    out = run("demo", "--models", models, *ARGUMENTS).out
    assert "400.00 with the starts and ends of runs\n" in out
    assert "95.0% of the cycles within characters, all 512" in out
    assert "at 142.86 MHz" in out
    assert "357,143 characters/s" in out


def test_quantizes_the_checkpoint_first(run, models, modelled_simulation) -> None:
    first = run("demo", "--models", models, *ARGUMENTS)
    assert "quantized from" in first.err
    image = read_image(models / "shakespeare.zlstm")
    assert "quantized from" not in run("demo", "--models", models, *ARGUMENTS).err
    (models / "shakespeare.safetensors").unlink()
    assert run("demo", "--models", models, *ARGUMENTS).out.startswith(first.out[:200])
    assert read_image(models / "shakespeare.zlstm").payload_crc == image.payload_crc


def test_quantizes_a_changed_checkpoint_again(run, models, modelled_simulation) -> None:
    (models / "shakespeare.zlstm").write_text("of an earlier model")
    assert "quantized from" in run("demo", "--models", models, *ARGUMENTS).err


def test_a_differing_symbol_is_an_error(run, models, modelled_simulation, monkeypatch) -> None:
    accepted = modelled_simulation.accepted

    def accept_another(link):
        answer = accepted(link)
        if answer is not None and len(answer) > 7 and link.modes[-1] == Mode.GENERATE:
            answer[6] ^= 1
            monkeypatch.undo()
        return answer

    monkeypatch.setattr(modelled_simulation, "accepted", accept_another)
    result = run("demo", "--models", models, *ARGUMENTS)
    assert result.status == 1
    assert "only 59 of 60 symbols are equal" in result.err


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["-n", -1], "Length must be"),
        (["-p", "Ä"], "Prompt must use"),
        (["-p", ""], "Prompt must not be empty"),
        (["-t", 16], "Temperature must be"),
        (["-s", -1], "Seed must be"),
    ],
)
def test_refuses_before_the_simulator_is_made(
    run, models, modelled_simulation, options, part
) -> None:
    run("demo", "--models", models, "-p", "a", "-n", 2)  # It writes the image.
    run("demo", "--models", models, *ARGUMENTS, *options).refused(part)


def test_refuses_a_folder_without_models(run, tmp_path) -> None:
    run("demo", "--models", tmp_path).refused("shakespeare.zlstm", "neither is there")


@pytest.mark.skipif(not (MODELS / "shakespeare.zlstm").exists(), reason="no shipped image")
def test_the_shipped_image_is_that_of_the_checkpoint() -> None:
    image = quantize(load_checkpoint(MODELS / "shakespeare.safetensors"))
    assert (MODELS / "shakespeare.zlstm").read_bytes() == image.to_bytes()
