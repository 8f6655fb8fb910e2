"""An image as memory initialisation files: one for each weight memory and table, for any tool.

Text files for Verilog's `$readmemh`: a hexadecimal word a line, as many as the memory is deep.

    bank_00.hex …           weights, 64 bits and their check bit above, by address
    scales.hex, biases.hex  64 bits, by row
    table_i_0.hex …         input table of gate i, f, g or o, its bits in slices from the lowest
    header.json             sizes and the payload's CRC
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

import numpy as np

from zynq_lstm.quant.check_bits import CHECK_BIT, stored_words
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import write_together
from zynq_lstm.quant.formats import PREACTIVATION
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.layout import lane_words, weight_words
from zynq_lstm.quant.parameters import row_count

GATE_NAMES = "ifgo"


class MemoryFiles(TypedDict):
    """Names of the files, without folder."""

    banks: list[str]
    scales: str
    biases: str
    table: list[list[str]]


def write_memory_files(
    image: Image, directory: str | Path, config: Config | None = None
) -> MemoryFiles:
    """Write the files of an image, all or none.

    Parameters
    ----------
    image : Image
    directory : path
        Made if it does not exist.
    config : Config, optional
        The hardware, where its symbol capacity differs from the image's configuration.

    Returns
    -------
    MemoryFiles

    Raises
    ------
    UserError
        When the folder cannot be written, or the image does not fit the hardware.
    """
    names, texts = memory_files(image, config)
    directory = Path(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"Output folder {directory} must be writable: {error.strerror}; choose another"
        ) from None
    write_together({directory / name: text for name, text in texts.items()})
    return names


def memory_files(image: Image, config: Config | None = None) -> tuple[MemoryFiles, dict[str, str]]:
    """Return the files of an image: their names by what they are, and their texts by name.

    The arguments are those of `write_memory_files`.

    Raises
    ------
    UserError
        When the image does not fit the hardware.
    """
    config = config or image.config
    if config.layout_hash != image.config.layout_hash or image.symbols > config.symbols:
        raise UserError(
            f"The image must be made for {config.describe()}, not for {image.config.describe()}"
        )
    p = image.parameters
    weights = weight_words(p)
    rows = 1 << (row_count(config, config.symbols) - 1).bit_length()
    names = MemoryFiles(
        banks=[f"bank_{k:02d}.hex" for k in range(config.banks)],
        scales="scales.hex",
        biases="biases.hex",
        table=[
            [f"table_{gate}_{k}.hex" for k in range(PREACTIVATION.bits // config.table_ram_width)]
            for gate in GATE_NAMES
        ],
    )
    texts = {
        names["scales"]: _text(lane_words(p.scales), rows, 64),
        names["biases"]: _text(lane_words(p.biases), rows, 64),
    }
    for k, name in enumerate(names["banks"]):
        texts[name] = _text(stored_words(weights[:, k]), config.weight_depth, CHECK_BIT + 1)
    stride = 1 << (config.hidden - 1).bit_length()
    width = config.table_ram_width
    for gate, files in enumerate(names["table"]):
        entries = np.zeros((config.symbols, stride), np.uint16)
        entries[: p.symbols, : config.hidden] = p.table[..., gate].view(np.uint16)
        for k, name in enumerate(files):
            part = (entries.ravel() >> (k * width)) & ((1 << width) - 1)
            texts[name] = _text(part, entries.size, width)
    header = {
        "config": config.to_dict(),
        "symbols": p.symbols,
        "payload_crc": f"{image.payload_crc:08x}",
        "files": names,
    }
    texts["header.json"] = json.dumps(header, indent=1) + "\n"
    return names, texts


def _text(words: Iterable[int | np.integer], depth: int, bits: int) -> str:
    """A memory's file, filled up with zeros."""
    digits = -(-bits // 4)
    lines = [f"{int(word):0{digits}x}" for word in words]
    lines += ["0" * digits] * (depth - len(lines))
    return "\n".join(lines) + "\n"
