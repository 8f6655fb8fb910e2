"""`zynq-lstm info`: what stands in an image."""

import json

from tiny_models import CHARACTERS

from zynq_lstm.quant.image import read_image


def test_json_says_all(run, image_path) -> None:
    values = json.loads(run("info", image_path, "--json").out)
    image = read_image(image_path)
    assert values["config"] == image.config.to_dict()
    assert values["vocabulary"] == list(CHARACTERS)
    assert values["symbols"] == len(CHARACTERS)
    assert values["payload_crc"] == f"{image.payload_crc:08x}"
    assert values["payload_bytes"] == 8 * len(image.payload)
    assert values["engine_steps_per_character"] == image.config.steps(image.symbols)
    assert values["metadata"]["model"] == {"hidden": 16, "layers": 2}


def test_table_names_the_accelerator_and_the_model(run, image_path) -> None:
    out = run("info", image_path).out
    assert "2 x 16 units, up to 16 symbols, 64 multipliers" in out
    assert repr(CHARACTERS) in out
    assert "model: hidden" in out


def test_bytes_are_named(run, bytes_image_path) -> None:
    assert json.loads(run("info", bytes_image_path, "--json").out)["vocabulary"] == "bytes"
    assert "256 symbols: the bytes" in run("info", bytes_image_path).out


def test_refuses_what_is_no_image(run, checkpoint_path) -> None:
    run("info", checkpoint_path).refused("must be a zynq-lstm image")
