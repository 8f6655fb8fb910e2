"""Images: what is written is read, and nothing else is, whatever it is."""

import dataclasses
import json
import pickle
import re
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import write_tiny_checkpoint

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.image import MAGIC, MAXIMUM_BYTES, Image, read_image, write_image
from zynq_lstm.quant.layout import pack, sealed
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.quant.vocabulary import BYTES, Vocabulary

REMEDY = "make it again with zynq-lstm quantize"
FOREIGN = (
    "image must be a zynq-lstm image (.zlstm), but it is none; make an image of a model with "
    "zynq-lstm quantize"
)
SAFETENSORS = FOREIGN.replace("it is none", "it is a safetensors file")


@pytest.fixture(scope="module")
def content(image) -> bytes:
    return image.to_bytes()


def refused(sentence: str):
    return pytest.raises(UserError, match=f"^{re.escape(sentence)}$")


def check_refused(data: bytes) -> str:
    """Refused with one sentence; any other exception fails the test."""
    with pytest.raises(UserError) as caught:
        Image.from_bytes(data)
    sentence = str(caught.value)
    assert sentence.startswith("image ") and "\n" not in sentence
    return sentence


def forge(
    image: Image,
    *,
    text: bytes | None = None,
    payload: np.ndarray | None = None,
    version: int = 2,
    layout_hash: int | None = None,
    **fields: object,
) -> bytes:
    """An image with other content, all checksums right."""
    known = {
        "config": image.config.to_dict(),
        "vocabulary": list(image.vocabulary.characters),
        "metadata": image.metadata,
    }
    if text is None:
        text = json.dumps(known | fields).encode()
    body = (image.payload if payload is None else payload).astype("<u8").tobytes()
    if layout_hash is None:
        layout_hash = image.config.layout_hash
    head = MAGIC + struct.pack("<4I", version, len(text), len(body) // 8, layout_hash)
    return head + struct.pack("<I", zlib.crc32(head + text)) + text + body


def test_round_trip(image, content, tmp_path):
    write_image(image, tmp_path / "x.zlstm")
    for found in (Image.from_bytes(content), read_image(tmp_path / "x.zlstm")):
        assert found.config == image.config
        assert found.vocabulary == image.vocabulary
        assert found.metadata == image.metadata
        assert (found.payload == image.payload).all() and found.payload.dtype == np.uint64
        assert found.to_bytes() == content
    for name in ("weights", "scales", "biases", "table"):
        assert (getattr(found.parameters, name) == getattr(image.parameters, name)).all()


def test_header(image, content):
    """As the format's description says, read by hand."""
    assert content[:8] == b"ZLSTM\r\n\x1a"
    version, text_bytes, words, layout_hash, crc = struct.unpack_from("<5I", content, 8)
    start = 28 + text_bytes
    assert version == 2 and start % 8 == 0
    assert len(content) == start + 8 * words
    assert layout_hash == image.config.layout_hash
    (payload_crc,) = struct.unpack("<Q", content[-8:])
    assert payload_crc == zlib.crc32(content[start:-8]) == image.payload_crc
    assert crc == zlib.crc32(content[:24] + content[28:start])
    fields = json.loads(content[28:start])
    assert set(fields) == {"config", "vocabulary", "metadata"}
    assert struct.unpack_from(f"<{words}Q", content, start) == tuple(image.payload.tolist())


def test_forged_is_sound(image):
    """The forger itself makes good images, or the tests below would show nothing."""
    assert (Image.from_bytes(forge(image)).payload == image.payload).all()


def test_any_characters(make_model, small):
    characters = [chr(k) for k in (0, 10, 34, 92, 0x7F, 0xE9, 0x2028, 0xFFFF, 0x1F600)]
    model = dataclasses.replace(make_model(9), vocabulary=Vocabulary(characters))
    image = quantize(model, small)
    assert Image.from_bytes(image.to_bytes()).vocabulary.characters == tuple(characters)


@pytest.mark.parametrize("symbols", [2, 129, 256])
def test_sizes(make_model, symbols):
    image = quantize(make_model(symbols, 16))
    data = image.to_bytes()
    assert len(data) < MAXIMUM_BYTES / 8
    assert Image.from_bytes(data).symbols == symbols


def test_one_layer(make_parameters):
    config = Config(hidden=48, layers=1, symbols=64, multipliers=64)
    parameters = make_parameters(config, 6)
    image = Image.from_parameters(parameters, Vocabulary("abcdef"), {})
    found = Image.from_bytes(image.to_bytes())
    assert (found.parameters.weights == parameters.weights).all()
    assert (found.payload == pack(parameters)).all()


def test_vocabulary_of_bytes(make_model):
    image = quantize(dataclasses.replace(make_model(256), vocabulary=BYTES))
    assert Image.from_bytes(image.to_bytes()).vocabulary is BYTES


def test_vocabulary_must_fit_the_parameters(make_parameters, small):
    with pytest.raises(ValueError, match="same number of symbols"):
        Image.from_parameters(make_parameters(small, 6), Vocabulary("abcde"), {})


# Damage


def test_truncated_at_every_byte(content):
    for length in range(len(content)):
        check_refused(content[:length])


@pytest.mark.parametrize("more", [b"\0", b"\n", bytes(8), MAGIC])
def test_with_more_at_its_end(content, more):
    assert check_refused(content + more) == (
        f"image must have {len(content)} bytes, not {len(content) + len(more)}; {REMEDY}"
    )


def test_every_flipped_bit_of_the_beginning(content):
    for bit in range(64 * 8):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        check_refused(bytes(damaged))


def test_a_flipped_bit_in_every_byte(content):
    bits = np.random.default_rng(11).integers(0, 8, len(content)).tolist()
    for place, bit in enumerate(bits):
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        check_refused(bytes(damaged))


@settings(max_examples=300)
@given(data=st.data())
def test_overwritten_stretches(content, data):
    start = data.draw(st.integers(0, len(content) - 1))
    stretch = data.draw(st.binary(min_size=1, max_size=64))
    damaged = content[:start] + stretch + content[start + len(stretch) :]
    if damaged != content:
        check_refused(damaged)


@pytest.mark.parametrize(
    ("old", "new"), [(b"\r\n", b"\n"), (b"\n", b"\r\n"), (b"\x1a", b"")], ids=["lf", "crlf", "eof"]
)
def test_text_mode_transfers_break_it_visibly(content, old, new):
    assert check_refused(content.replace(old, new)) == FOREIGN


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_foreign(data):
    assert check_refused(data) in (FOREIGN, SAFETENSORS)
    check_refused(MAGIC + data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        MAGIC,
        b"PK\x03\x04" + bytes(500),
        b"\x89PNG\r\n\x1a\n" + bytes(500),
        b"\x7fELF" + bytes(500),
        pickle.dumps({"config": Config()}),
        json.dumps({"vocabulary": ["a"]}).encode(),
        "Wherefore art thou".encode("utf-16") * 9,
    ],
)
def test_known_foreign_files(data):
    assert check_refused(data) == FOREIGN


def test_a_checkpoint_is_told_apart(tmp_path):
    path = write_tiny_checkpoint(tmp_path / "tiny.safetensors")
    assert check_refused(path.read_bytes()) == SAFETENSORS


def test_damage_is_told_by_its_place(content):
    for place, part in ((20, "header"), (40, "header"), (-1, "payload")):
        damaged = bytearray(content)
        damaged[place] ^= 1
        assert check_refused(bytes(damaged)) == (
            f"image is damaged: the CRC of its {part} does not fit; {REMEDY}"
        )


def test_other_version(image):
    assert check_refused(forge(image, version=1)) == (
        f"image must be of image version 2, not 1; {REMEDY}"
    )


@pytest.mark.parametrize("text_bytes", [0, 2**31, 2**32 - 1])
@pytest.mark.parametrize("words", [0, 2**29, 2**32 - 1])
def test_huge_declared_sizes_take_no_memory(text_bytes, words):
    head = MAGIC + struct.pack("<4I", 2, text_bytes, words, 0)
    data = head + struct.pack("<I", zlib.crc32(head)) + bytes(64)
    tracemalloc.start()
    try:
        check_refused(data)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


# Right checksums, wrong content


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"        ",
        b"{",
        b"[]",
        b"5",
        b"null",
        b'"text"',
        b"{}",
        b'{"config": {}}',
        b"\xff\xfe{\x00}",
        b"\xff" * 16,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 10_000,
        b'{"config": {}, "vocabulary": ["a", "b"], "metadata": 5}',
    ],
    ids=lambda text: str(text[:12]),
)
def test_metadata_that_is_not_ours(image, text):
    assert check_refused(forge(image, text=text)).startswith(
        "image holds metadata that cannot be read: "
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"config": {"hidden": 17, "multipliers": 64}}, "Hidden size must be a multiple of 16"),
        ({"config": {"hidden": 1e308}}, "Hidden size must be an integer from 16 to 128"),
        ({"config": {"hidden": None}}, "Hidden size must be an integer"),
        ({"config": {"size": 16}}, "Configuration must have the fields"),
        ({"config": [16, 2]}, "Configuration must have the fields"),
        ({"config": None}, "Configuration must have the fields"),
        ({"vocabulary": ["a"]}, "Vocabulary size must be from 2 to 256, not 1"),
        ({"vocabulary": ["a", "a"]}, "Vocabulary must not hold a character twice"),
        ({"vocabulary": ["a", ["b"]]}, "Vocabulary must hold single characters"),
        ({"vocabulary": ["a", "\ud800"]}, "Vocabulary must not hold half a character"),
        ({"vocabulary": 5}, 'Vocabulary must be a list of characters or the word "bytes", not 5'),
        ({"vocabulary": "ab"}, "Vocabulary must be a list of characters or the word"),
        ({"metadata": None}, "not iterable"),
        ({"metadata": [1, 2]}, ""),
        ({"metadata": "ab"}, ""),
    ],
)
def test_metadata_with_wrong_values(image, fields, reason):
    sentence = check_refused(forge(image, **fields))
    assert sentence.startswith("image holds metadata that cannot be read: ")
    assert reason in sentence


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@settings(max_examples=300)
@given(name=st.sampled_from(["config", "vocabulary"]), value=JSON)
def test_any_json_in_the_metadata(image, name, value):
    check_refused(forge(image, **{name: value}))


@settings(max_examples=200)
@given(field=st.sampled_from(["hidden", "layers", "symbols", "multipliers"]), value=JSON)
def test_any_json_in_the_configuration(image, field, value):
    fields = image.config.to_dict()
    if value != fields[field] and not (field == "symbols" and value in (32, 64, 128, 256)):
        check_refused(forge(image, config=fields | {field: value}))


def test_another_layout_hash(image):
    assert check_refused(forge(image, layout_hash=0xABC)) == (
        f"image must have the layout hash {image.config.layout_hash:08x} of its configuration "
        "(2 x 16 units, up to 16 symbols, 64 multipliers (25 DSP pairs)), not 00000abc; " + REMEDY
    )


FIT = "image holds a payload that does not fit its sizes; " + REMEDY


def test_payload_of_another_length(image):
    assert check_refused(forge(image, payload=image.payload[:-1])) == FIT
    assert check_refused(forge(image, payload=image.payload[:0])) == FIT
    assert check_refused(forge(image, payload=np.tile(image.payload, 2))) == FIT


def test_vocabulary_of_another_length(image):
    characters = list(image.vocabulary.characters)
    assert check_refused(forge(image, vocabulary=characters[:-1])) == FIT
    assert check_refused(forge(image, vocabulary=[*characters, "\n"])) == FIT


def test_more_symbols_than_its_hardware_holds(make_parameters):
    config = Config(hidden=16, symbols=8, multipliers=64)
    image = Image.from_parameters(make_parameters(config, 8), Vocabulary("abcdefgh"), {})
    fields = config.to_dict() | {"symbols": 4}
    assert check_refused(forge(image, config=fields)) == FIT


def test_payload_of_another_header(image):
    payload = image.payload.copy()
    payload[0] ^= np.uint64(1 << 20)
    payload = sealed(payload[:-1])
    with refused(
        "The image's payload must fit the sizes in its header; it does not. "
        "Make the image again with zynq-lstm quantize"
    ):
        Image.from_bytes(forge(image, payload=payload))


def test_weights_beyond_their_limit(image):
    payload = image.payload.copy()
    payload[5] = 0x80
    payload = sealed(payload[:-1])
    with refused("The image's weights must be within +-127; found a larger one in the rows of ih2"):
        Image.from_bytes(forge(image, payload=payload))


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {1, 2}, b"x", "\ud800", Config(), np.int64(1)]
)
def test_metadata_that_no_file_can_carry(image, tmp_path, value):
    changed = dataclasses.replace(image, metadata={"note": value})
    with pytest.raises(UserError, match=r"^Image metadata must be plain JSON values: [^\n]+$"):
        write_image(changed, tmp_path / "x.zlstm")
    assert not list(tmp_path.iterdir())


def test_metadata_too_deep(image):
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UserError, match=r"^Image metadata must be plain JSON values: "):
        dataclasses.replace(image, metadata={"deep": deep}).to_bytes()
    while deep:  # unwound by hand: not all Pythons free it without recursion
        deep = deep[0]


# Files


def test_missing_file(tmp_path):
    path = tmp_path / "none.zlstm"
    with refused(f"Image {path} must be a readable file: No such file or directory"):
        read_image(path)


def test_folder(tmp_path):
    with refused(f"Image {tmp_path} must be a readable file: Is a directory"):
        read_image(str(tmp_path))


def test_name_too_long(tmp_path):
    with pytest.raises(UserError, match=r"must be a readable file: File name too long$"):
        read_image(tmp_path / ("x" * 300))


def test_large_file(tmp_path):
    path = tmp_path / "large.zlstm"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with refused(f"Image {path} must have at most {8 << 20} bytes; it has more"):
        read_image(path)


def test_endless_file():
    with refused(f"Image /dev/zero must have at most {8 << 20} bytes; it has more"):
        read_image("/dev/zero")


def test_damaged_file_is_named(content, tmp_path):
    path = tmp_path / "x.zlstm"
    path.write_bytes(content[:-1])
    with refused(f"Image {path} must have {len(content)} bytes, not {len(content) - 1}; {REMEDY}"):
        read_image(path)
    path.write_bytes(b"")
    with refused(f"Image {path}{FOREIGN.removeprefix('image')}"):
        read_image(path)


def test_unwritable(image, tmp_path):
    with pytest.raises(UserError, match=r"^Output .* must be writable: No such file or directory"):
        write_image(image, tmp_path / "none" / "x.zlstm")
