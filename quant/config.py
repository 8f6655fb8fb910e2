"""The size of an accelerator: one frozen, validated object from which all else is derived.

RTL, image layout, golden model, driver and simulator take their sizes from here. What a value
must satisfy, and why, stands beside the check that holds it.
"""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from typing import Any

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.formats import output_limit, weight_limit
from zynq_lstm.quant.vocabulary import MAXIMUM_SYMBOLS

GATES = 4
"""Lanes of a row: the gates i, f, g and o of one unit, or four logits."""

WEIGHT_BITS = (8, 4)
"""Bits that a weight may have; a multiplier takes one."""

BANK_COLUMNS = 2
"""Columns of the weight matrices that one bank (one weight memory, four pairs) serves."""

BANKS_PER_REGION = 8
"""Banks that share one set of fan-out registers and one adder subtree."""

LEAST_HIDDEN, MOST_HIDDEN = 16, 128
"""Units a layer; smaller models are padded."""

LEAST_SYMBOLS, MOST_SYMBOLS = 4, MAXIMUM_SYMBOLS
"""Capacities; a model may use fewer symbols."""

MOST_REGIONS = 8
MOST_BANKS = MOST_REGIONS * BANKS_PER_REGION
"""Of the largest accelerator."""

ENGINE_PAIRS_PER_BANK = BANK_COLUMNS * GATES // 2
"""Multiplier pairs of a bank: two gates share the column's hidden state."""

BLOCK_RAM_BITS = 1 << 15
"""Data bits of a RAMB36E1, without parity."""


def _require_int(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise UserError(f"{name} must be an integer from {low} to {high}, not {value!r}")


def check_bits(weight_bits: int, output_bits: int) -> None:
    """See that weights can have these bits.

    Raises
    ------
    UserError
        When they cannot.
    """
    for name, value in (("Weight", weight_bits), ("Output weight", output_bits)):
        if type(value) is not int or value not in WEIGHT_BITS:
            raise UserError(f"{name} bits must be 8 or 4, not {value!r}")
    if output_bits < weight_bits:
        raise UserError(
            f"Output weight bits must be at least the {weight_bits} of the other weights, "
            f"not {output_bits}: the engine's multipliers take all of them"
        )


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
        Multipliers of the engine, of a weight by 8 bits: 64, 128, 256 or 512 with weights of 8
        bits, and 128 to 1024 with weights of 4, for the same memories feed twice as many.
    dsp_pairs : int or None
        Pairs of multipliers built from one DSP48E1 each; the rest are built from LUTs. It must
        give each region the same number. ``None`` chooses 200 where the weight memories are 64,
        and of fewer as many a memory, which leaves 20 DSP48E1 of an XC7Z020 to scaling,
        element-wise unit and sampler.
    weight_bits : int
        8, or 4: bits of the recurrent matrices' weights (docs/four-bit.md).
    output_bits : int
        8, or 4 where the others have 4: bits of the output layer's weights. In an engine of 4-bit
        multipliers one of 8 bits takes two.

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
    weight_bits: int = 8
    output_bits: int = 8

    def __post_init__(self) -> None:
        _require_int("Number of layers", self.layers, 1, 2)
        check_bits(self.weight_bits, self.output_bits)
        least = BANKS_PER_REGION * BANK_COLUMNS * self.lanes
        _require_int("Number of multipliers", self.multipliers, least, MOST_REGIONS * least)
        if self.multipliers & (self.multipliers - 1):
            sizes = [str(least << k) for k in range(4)]
            raise UserError(
                f"Number of multipliers must be {', '.join(sizes[:3])} or {sizes[3]}, not "
                f"{self.multipliers}: regions of 8 banks of {BANK_COLUMNS * self.lanes} "
                "multipliers are summed in a binary tree"
            )
        _require_int("Hidden size", self.hidden, LEAST_HIDDEN, MOST_HIDDEN)
        if self.hidden % self.columns:
            share = {4: "a quarter", 8: "an eighth"}[self.lanes]
            raise UserError(
                f"Hidden size must be a multiple of {self.columns} ({share} of the "
                f"{self.multipliers} multipliers), not {self.hidden}; "
                "choose fewer multipliers or a larger hidden size"
            )
        _require_int("Symbol capacity", self.symbols, LEAST_SYMBOLS, MOST_SYMBOLS)
        if self.symbols & (self.symbols - 1):
            raise UserError(
                f"Symbol capacity must be a power of two from {LEAST_SYMBOLS} to {MOST_SYMBOLS}, "
                f"not {self.symbols}: symbol and unit together address the input table"
            )
        pairs = self.multipliers // 2
        if self.dsp_pairs is None:
            object.__setattr__(self, "dsp_pairs", self.banks * 25 // 8)
        _require_int("Number of DSP pairs", self.dsp_pairs, 0, pairs)
        if self.dsp_pairs % self.regions:  # type: ignore[operator]
            raise UserError(
                f"Number of DSP pairs must be a multiple of the {self.regions} regions, "
                f"not {self.dsp_pairs}: all regions are one block, emitted once"
            )

    @property
    def rows_per_step(self) -> int:
        """Rows of four lanes of the recurrent matrices that one engine step covers."""
        return WEIGHT_BITS[0] // self.weight_bits

    @property
    def output_rows_per_step(self) -> int:
        """The same of the output layer."""
        return WEIGHT_BITS[0] // self.output_bits

    @property
    def lanes(self) -> int:
        """Sums that come out of the engine side by side."""
        return GATES * self.rows_per_step

    @property
    def weight_limit(self) -> int:
        """Greatest magnitude of a weight of the recurrent matrices."""
        return weight_limit(self.weight_bits)

    @property
    def output_limit(self) -> int:
        """Greatest magnitude of a weight of the output layer."""
        return output_limit(self.weight_bits, self.output_bits)

    @property
    def columns(self) -> int:
        """Columns of a weight matrix that one engine step covers."""
        return self.multipliers // self.lanes

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

    def bank_dsp_pairs(self, bank: int) -> int:
        """Pairs of a bank that are built from a DSP48E1, its first: as even as can be."""
        assert self.dsp_pairs is not None
        whole, rest = divmod(self.dsp_pairs // self.regions, BANKS_PER_REGION)
        return whole + (bank % BANKS_PER_REGION < rest)

    @property
    def matrices(self) -> int:
        """Weight matrices of ``hidden`` columns: W_hh1, and with two layers W_ih2 and W_hh2."""
        return 3 if self.layers == 2 else 1

    def recurrent_steps(self) -> int:
        """Engine steps of a character without the output layer."""
        return self.matrices * self.hidden // self.rows_per_step * self.groups

    def output_rows(self, symbols: int) -> int:
        """Rows of four logits that ``symbols`` symbols need, in whole engine steps."""
        each = self.output_rows_per_step
        return -(-symbols // (GATES * each)) * each

    def steps(self, symbols: int) -> int:
        """Engine steps of a character for a model of ``symbols`` symbols."""
        output = self.output_rows(symbols) // self.output_rows_per_step
        return self.recurrent_steps() + output * self.groups

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
        if self.weight_bits != WEIGHT_BITS[0]:
            text += f" {self.weight_bits} {self.output_bits}"
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
        known = {field.name for field in dataclass_fields(cls)}
        if not isinstance(fields, dict) or not set(fields) <= known:
            raise UserError(f"Configuration must have the fields {sorted(known)}, not {fields!r}")
        return cls(**fields)

    def describe(self) -> str:
        """One line for people."""
        bits = ""
        if self.weight_bits != WEIGHT_BITS[0]:
            bits = f", weights of {self.weight_bits} bits (output layer {self.output_bits})"
        return (
            f"{self.layers} x {self.hidden} units, up to {self.symbols} symbols, "
            f"{self.multipliers} multipliers ({self.dsp_pairs} DSP pairs){bits}"
        )
