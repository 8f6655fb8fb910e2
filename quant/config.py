"""The size of an accelerator: one frozen, validated object from which all else is derived.

RTL, image layout, golden model, driver and simulator take their sizes from here. What a value
must satisfy, and why, stands beside the check that holds it.
"""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from typing import Any

from zynq_lstm.quant.errors import UserError

GATES = 4
"""Lanes of the engine: the gates i, f, g and o of one unit, or four logits."""

BANK_COLUMNS = 2
"""Columns of the weight matrices that one bank (one weight memory, four pairs) serves."""

BANKS_PER_REGION = 8
"""Banks that share one set of fan-out registers and one adder subtree."""

ENGINE_PAIRS_PER_BANK = BANK_COLUMNS * GATES // 2
"""Multiplier pairs of a bank: two gates share the column's hidden state."""


BLOCK_RAM_BITS = 1 << 15
"""Data bits of a RAMB36E1, without parity."""


def _require_int(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise UserError(f"{name} must be an integer from {low} to {high}, not {value!r}")


@dataclass(frozen=True)
class Config:
    """Sizes of one accelerator.

    Parameters
    ----------
    hidden : int
        Units per layer, 16 to 128 and a multiple of the columns (``multipliers / 4``).
        Smaller models are padded.
    layers : int
        1 or 2.
    symbols : int
        Capacity of the input table, a power of two from 4 to 256; a model may use fewer.
    multipliers : int
        8 x 8-bit multipliers of the engine: 64, 128, 256 or 512.
    dsp_pairs : int or None
        Pairs of multipliers built from one DSP48E1 each; the rest are built from LUTs. It must
        give each region the same number. ``None`` chooses 25 of every 32 pairs (200 of 256),
        which leaves 20 DSP48E1 of an XC7Z020 to scaling, element-wise unit and sampler.

    Raises
    ------
    UserError
        When a value is out of range; the sentence names it.
    """

    hidden: int = 128
    layers: int = 2
    symbols: int = 128
    multipliers: int = 512
    dsp_pairs: int | None = None

    def __post_init__(self) -> None:
        _require_int("Number of layers", self.layers, 1, 2)
        _require_int("Number of multipliers", self.multipliers, 64, 512)
        if self.multipliers & (self.multipliers - 1):
            raise UserError(
                f"Number of multipliers must be 64, 128, 256 or 512, not {self.multipliers}: "
                "regions of 8 banks of 8 multipliers are summed in a binary tree"
            )
        _require_int("Hidden size", self.hidden, 16, 128)
        if self.hidden % self.columns:
            raise UserError(
                f"Hidden size must be a multiple of {self.columns} (a quarter of the "
                f"{self.multipliers} multipliers), not {self.hidden}; "
                "choose fewer multipliers or a larger hidden size"
            )
        _require_int("Symbol capacity", self.symbols, 4, 256)
        if self.symbols & (self.symbols - 1):
            raise UserError(
                f"Symbol capacity must be a power of two from 4 to 256, not {self.symbols}: "
                "symbol and unit together address the input table"
            )
        pairs = self.multipliers // 2
        if self.dsp_pairs is None:
            object.__setattr__(self, "dsp_pairs", pairs * 25 // 32)
        _require_int("Number of DSP pairs", self.dsp_pairs, 0, pairs)
        if self.dsp_pairs % self.regions:  # type: ignore[operator]
            raise UserError(
                f"Number of DSP pairs must be a multiple of the {self.regions} regions, "
                f"not {self.dsp_pairs}: all regions are one block, emitted once"
            )

    @property
    def columns(self) -> int:
        """Columns of a weight matrix that one engine step covers."""
        return self.multipliers // GATES

    @property
    def groups(self) -> int:
        """Engine steps per row: ``hidden / columns``."""
        return self.hidden // self.columns

    @property
    def banks(self) -> int:
        """Weight memories."""
        return self.columns // BANK_COLUMNS

    @property
    def regions(self) -> int:
        """Groups of eight banks."""
        return self.banks // BANKS_PER_REGION

    @property
    def matrices(self) -> int:
        """Weight matrices of ``hidden`` columns: W_hh1, and with two layers W_ih2 and W_hh2."""
        return 3 if self.layers == 2 else 1

    def recurrent_steps(self) -> int:
        """Engine steps of a character without the output layer."""
        return self.matrices * self.hidden * self.groups

    def output_rows(self, symbols: int) -> int:
        """Rows of four logits that ``symbols`` symbols need."""
        return -(-symbols // GATES)

    def steps(self, symbols: int) -> int:
        """Engine steps of a character for a model of ``symbols`` symbols."""
        return self.recurrent_steps() + self.output_rows(symbols) * self.groups

    @property
    def weight_depth(self) -> int:
        """Words of a weight memory: the steps at full capacity, up to a power of two."""
        return 1 << (self.steps(self.symbols) - 1).bit_length()

    @property
    def table_address_bits(self) -> int:
        """Address of the input table: symbol above, unit below."""
        return (self.symbols - 1).bit_length() + (self.hidden - 1).bit_length()

    @property
    def table_ram_width(self) -> int:
        """Bits of a 16-bit table entry that one block RAM holds, all entries deep."""
        return max(1, min(16, BLOCK_RAM_BITS >> self.table_address_bits))

    @property
    def layout_hash(self) -> int:
        """CRC-32 of what decides the order of an image's words; hardware and image must agree."""
        text = f"zynq-lstm layout 2: {self.hidden} {self.layers} {self.multipliers}"
        return zlib.crc32(text.encode())

    def to_dict(self) -> dict[str, Any]:
        """Fields as plain values, for metadata."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Config:
        """Inverse of `to_dict`.

        Raises
        ------
        UserError
            When a field is unknown or out of range.
        """
        known = {"hidden", "layers", "symbols", "multipliers", "dsp_pairs"}
        if not isinstance(fields, dict) or not set(fields) <= known:
            raise UserError(f"Configuration must have the fields {sorted(known)}, not {fields!r}")
        return cls(**fields)

    def describe(self) -> str:
        """One line for people."""
        return (
            f"{self.layers} x {self.hidden} units, up to {self.symbols} symbols, "
            f"{self.multipliers} multipliers ({self.dsp_pairs} DSP pairs)"
        )
