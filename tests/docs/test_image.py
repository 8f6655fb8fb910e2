"""docs/image.md has the sizes that the layout has."""

from pathlib import Path

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.image import HEADER_BYTES, MAGIC, VERSION
from zynq_lstm.quant.layout import PAYLOAD_MAGIC, payload_words
from zynq_lstm.quant.parameters import row_count

TEXT = (Path(__file__).parents[2] / "docs" / "image.md").read_text(encoding="utf-8")
SYMBOLS = 65


def test_the_sizes_of_the_payload() -> None:
    config = Config()
    rows = row_count(config, SYMBOLS)
    assert rows == config.steps(SYMBOLS)
    parts = (1, rows * config.banks, rows, rows, SYMBOLS * config.hidden, 1)
    assert sum(parts) == payload_words(config, SYMBOLS)
    sentence = f"{rows} rows and steps, {config.banks} banks, and\n"
    sentence += " + ".join(f"{n:,}" for n in parts) + f" = {sum(parts):,} words."
    assert sentence in TEXT


def test_the_header() -> None:
    assert f"header, {HEADER_BYTES} bytes" in TEXT
    assert f"version of the format: {VERSION} |" in TEXT
    assert MAGIC == b"ZLSTM\r\n\x1a" and "`ZLSTM`, CR, LF, 0x1A" in TEXT
    assert f"0x{PAYLOAD_MAGIC:04X}  " in TEXT
