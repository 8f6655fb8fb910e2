"""`zynq-lstm generate`: the text and only the text on standard output; every bad input refused."""

import subprocess
import sys
from pathlib import Path

import pytest

import zynq_lstm.host as host
from zynq_lstm.host.backends import CHOICE
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import read_image
from zynq_lstm.quant.sampling import encode_temperature, seed_state
from zynq_lstm.quant.vocabulary import BYTES


def golden_text(image_path: Path, *arguments, **options) -> str:
    with host.open(image_path) as session:
        return session.generate(*arguments, **options)


def test_writes_the_text_and_nothing_else_to_standard_output(run, image_path) -> None:
    result = run(
        "generate", image_path, "--prompt", "abc", "--length", 50, "--temperature", 0.8,
        "--seed", 5,
    )  # fmt: skip
    assert result.status == 0
    assert result.out == golden_text(image_path, "abc", 50, temperature=0.8, seed=5)
    assert "50 characters on golden" in result.err


def test_bytes_go_out_as_they_are(bytes_image_path) -> None:
    """What a model of random weights draws is hardly ever UTF-8."""
    arguments = ["generate", str(bytes_image_path), "-p", "Ж", "-n", "30", "--seed", "3"]
    begin = "from zynq_lstm.cli.main import main; main()"
    process = subprocess.run(
        [sys.executable, "-c", begin, *arguments], capture_output=True, timeout=60
    )
    symbols = GoldenModel(read_image(bytes_image_path)).generate(
        BYTES.encode("Ж"), 30, encode_temperature(1.0), seed_state(3)
    )
    assert process.stdout == symbols.tobytes()
    assert b"30 bytes on golden" in process.stderr


def test_bytes_are_called_bytes(run, bytes_image_path, modelled_simulation) -> None:
    result = run("generate", bytes_image_path, "-p", "a", "-n", 9, "--backend", "sim")
    assert "9 bytes on sim, " in result.err
    assert "400.0 cycles a byte" in result.err
    assert "character" not in result.err


def test_echoes_the_prompt_when_asked(run, image_path) -> None:
    result = run("generate", image_path, "-p", "abc", "-n", 20, "--echo")
    assert result.out == "abc" + golden_text(image_path, "abc", 20)


def test_greedy_is_temperature_zero(run, image_path) -> None:
    greedy = run("generate", image_path, "-p", "a", "-n", 30, "--greedy")
    assert greedy.out == golden_text(image_path, "a", 30, temperature=0)
    assert greedy.out == run("generate", image_path, "-p", "a", "-n", 30, "-t", 0, "-s", 9).out


def test_ends_with_the_stop_text(run, image_path) -> None:
    whole = golden_text(image_path, "a", 40)
    result = run("generate", image_path, "-p", "a", "-n", 40, "--stop", whole[9:12])
    assert result.out == whole[: whole.index(whole[9:12]) + 3]


def test_tells_the_cycles_of_a_simulation(run, image_path, modelled_simulation) -> None:
    result = run("generate", image_path, "-p", "abc", "-n", 20, "--backend", "sim")
    assert result.out == golden_text(image_path, "abc", 20)
    assert "Modelling 2 x 16 units" in result.err
    assert "400.0 cycles a character with the starts and ends of runs\n" in result.err


@pytest.mark.parametrize("chosen", ["golden", "sim"])
def test_names_the_backend_that_is_taken(
    run, image_path, modelled_simulation, monkeypatch, chosen
) -> None:
    monkeypatch.setenv(CHOICE, chosen)
    result = run("generate", image_path, "-p", "a", "-n", 1, "--backend", "auto")
    assert f"1 character on {chosen}, " in result.err
    assert ("Modelling" in result.err) == (chosen == "sim")


REFUSED = pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["-p", ""], ["Prompt must not be empty"]),
        (["-p", "ab?"], ["'?'", "position 2"]),
        (["-p", "é"], ["'é'", "position 0"]),
        (["-p", "a", "-n", 0], ["Length must be", "0"]),
        (["-p", "a", "-n", -5], ["Length must be", "-5"]),
        (["-p", "a", "-n", 10**12], ["Length must be at most"]),
        (["-p", "a", "-t", -1], ["Temperature must be", "-1"]),
        (["-p", "a", "-t", "nan"], ["Temperature must be", "nan"]),
        (["-p", "a", "-t", "inf"], ["Temperature must be", "inf"]),
        (["-p", "a", "-t", 16], ["Temperature must be", "16"]),
        (["-p", "a", "-t", 0.5, "--greedy"], ["Temperature must be left out with --greedy"]),
        (["-p", "a", "-s", -1], ["Seed must be"]),
        (["-p", "a", "--stop", ""], ["Stop text must not be empty"]),
        (["-p", "a", "--stop", "é"], ["Stop text must use"]),
    ],
)


@REFUSED
def test_refuses_bad_arguments(run, image_path, arguments, parts) -> None:
    run("generate", image_path, *arguments).refused(*parts)


@REFUSED
def test_refuses_them_before_the_simulator_is_made(
    run, image_path, modelled_simulation, arguments, parts
) -> None:
    """Which would say that it is made."""
    run("generate", image_path, *arguments, "--backend", "sim").refused(*parts)


def test_refuses_an_unknown_backend(run, image_path) -> None:
    run("generate", image_path, "-p", "a", "--backend", "gpu").refused(
        "Backend must be one of golden, sim", "gpu"
    )


def test_refuses_a_temperature_that_is_no_number(run, image_path) -> None:
    result = run("generate", image_path, "-p", "a", "-t", "warm")
    assert result.status == 2
    assert "--temperature" in result.err
    assert result.out == ""


def test_refuses_a_missing_image(run, tmp_path) -> None:
    run("generate", tmp_path / "none.zlstm", "-p", "a").refused("none.zlstm")


def test_refuses_a_folder_as_image(run, tmp_path) -> None:
    run("generate", tmp_path, "-p", "a").refused(str(tmp_path))


def test_refuses_a_foreign_image(run, checkpoint_path) -> None:
    run("generate", checkpoint_path, "-p", "a").refused("must be a zynq-lstm image")


@pytest.mark.parametrize("kept", [0, 7, 40, -1])
def test_refuses_a_truncated_image(run, image_path, tmp_path, kept) -> None:
    path = tmp_path / "short.zlstm"
    path.write_bytes(image_path.read_bytes()[:kept])
    run("generate", path, "-p", "a").refused("short.zlstm")


@pytest.mark.parametrize("place", [5, 9, 17, 60, -1])
def test_refuses_an_altered_image(run, image_path, tmp_path, place) -> None:
    data = bytearray(image_path.read_bytes())
    data[place] ^= 0x10
    path = tmp_path / "altered.zlstm"
    path.write_bytes(data)
    run("generate", path, "-p", "a").refused("altered.zlstm")
