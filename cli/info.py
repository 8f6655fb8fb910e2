"""`zynq-lstm info`: what an image holds."""

from __future__ import annotations

import json

from zynq_lstm.cli.console import write_json, write_table
from zynq_lstm.cli.options import ImageArgument, JsonOption
from zynq_lstm.quant.image import Image, read_image
from zynq_lstm.quant.vocabulary import BYTES, Vocabulary


def info(image: ImageArgument, as_json: JsonOption = False) -> None:
    """Show what an image holds, after checking all of it."""
    model = read_image(image)
    values = _values(model)
    if as_json:
        write_json(values)
        return
    rows = [
        ("accelerator", model.config.describe()),
        ("layout hash", str(values["layout_hash"])),
        ("payload", f"{len(model.payload) * 8:,} bytes, CRC-32 {values['payload_crc']}"),
        ("engine steps a character", f"{values['engine_steps_per_character']}"),
        ("vocabulary", _symbols(model.vocabulary)),
    ]
    for group, entries in model.metadata.items():
        for name, value in entries.items() if isinstance(entries, dict) else [("", entries)]:
            rows.append((f"{group}: {name}".rstrip(": "), _plain(value)))
    write_table(rows)


def _values(image: Image) -> dict[str, object]:
    return {
        "config": image.config.to_dict(),
        "layout_hash": f"{image.config.layout_hash:08x}",
        "payload_bytes": len(image.payload) * 8,
        "payload_crc": f"{image.payload_crc:08x}",
        "engine_steps_per_character": image.config.steps(image.symbols),
        "symbols": image.symbols,
        "vocabulary": image.vocabulary.to_json(),
        "metadata": image.metadata,
    }


def _symbols(vocabulary: Vocabulary) -> str:
    if vocabulary is BYTES:
        return f"{len(vocabulary)} symbols: the bytes"
    return f"{len(vocabulary)} symbols: {''.join(vocabulary.characters)!r}"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
