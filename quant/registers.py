"""The register table: what the decoder in hardware, the driver and docs/registers.md are made from.

Registers are 32 bits wide and lie at multiples of four bytes in a window of 4 KiB.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntFlag

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.formats import TEMPERATURE
from zynq_lstm.quant.protocol import ERROR_BITS, Error, Mode

IDENTITY = int.from_bytes(b"ZLST", "big")
"""What the first register reads."""

VERSION = 0x0001_0002
"""Of registers and streams: bits 31-16 change when an older driver must not go on."""

ADDRESS_BITS = 12
"""Of a byte address: a window of 4 KiB, the least that a Zynq maps."""

DATA_BITS = 32
WORD_BYTES = DATA_BITS // 8


class Access(Enum):
    """What the bus may do with a register."""

    RO = "ro"
    """Read only: a write is ignored and sets `AccessError.READ_ONLY`."""
    RW = "rw"
    """Read and write."""
    WO = "wo"
    """Write only: each bit written as 1 is a pulse; reads as 0."""
    W1C = "w1c"
    """Reads as sticky bits; a bit written as 1 clears it."""


class AccessError(IntFlag):
    """Bits of register ERROR beyond those of `protocol.Error`: what the bus did wrong."""

    MODE = 1 << 16
    """Cleared by the next start like those of `protocol.Error`; the others stay until cleared."""
    BUSY = 1 << 17
    READ_ONLY = 1 << 18


@dataclass(frozen=True)
class Field:
    """Some bits of a register.

    Parameters
    ----------
    name : str
        In capitals, unique in its register.
    low, width : int
        Lowest bit; number of bits.
    meaning : str
        For people.
    """

    name: str
    low: int
    width: int
    meaning: str

    @property
    def mask(self) -> int:
        """The field's bits in its register."""
        return ((1 << self.width) - 1) << self.low

    def of(self, word: int) -> int:
        """The field's value in a register's value."""
        return (word & self.mask) >> self.low

    def place(self, value: int) -> int:
        """The register's value with this field alone.

        Raises
        ------
        UserError
            When the value does not fit.
        """
        if not 0 <= value < 1 << self.width:
            raise UserError(f"Field {self.name} must be of {self.width} bits, not {value}")
        return value << self.low


@dataclass(frozen=True)
class Register:
    """One register.

    Parameters
    ----------
    name : str
        In capitals, unique.
    offset : int
        Byte address, a multiple of four.
    access : Access
    width : int
        Bits that exist, from bit 0; the others read 0.
    reset : int or None
        Value after a reset; ``None`` where the configuration or the circumstances decide.
    meaning : str
        For people.
    fields : tuple of Field
        Where the bits mean different things.
    while_idle : bool
        Part of a command: a write during a run is ignored and sets `AccessError.BUSY`.
    """

    name: str
    offset: int
    access: Access
    width: int
    reset: int | None
    meaning: str
    fields: tuple[Field, ...] = ()
    while_idle: bool = False

    def field(self, name: str) -> Field:
        """The field of this name.

        Raises
        ------
        UserError
            When there is none.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise UserError(
            f"Field of {self.name} must be one of {', '.join(f.name for f in self.fields)}, "
            f"not {name!r}"
        )

    @property
    def attribute(self) -> str:
        """The name that a driver's attribute has."""
        return self.name.lower()


_ERROR_MEANINGS: dict[int, str] = {
    Error.NOT_LOADED: "GENERATE, LOGITS or SCORE was started without a model",
    Error.LENGTH: "One of them was started with INPUTS 0, or GENERATE with OUTPUTS 0",
    Error.IMAGE: "The image is of another configuration, or its length does not fit",
    Error.PACKET: "The input packet was shorter or longer than announced",
    Error.SYMBOL: "A symbol was not below the number of the model's symbols",
    Error.ABORTED: "The run was abandoned",
    Error.CRC: "The image's last word is not the CRC-32 of those before it; it is not loaded",
    Error.MEMORY: "A weight memory's word was not the one that the load had written, see "
    "MEMORY_CHECK; the run went on, and what it gave may be wrong",
    AccessError.MODE: "A start with an unknown mode; nothing was started",
    AccessError.BUSY: "A start or a write to a command register during a run; ignored",
    AccessError.READ_ONLY: "A write to a read-only register or to none; ignored",
}


def _bit(error: Error | AccessError) -> Field:
    meaning = _ERROR_MEANINGS.get(int(error), "See `quant/protocol.py`")
    return Field(error.name or "", int(error).bit_length() - 1, 1, meaning)


COUNTERS: dict[str, str] = {
    "cycles": "Cycles within characters",
    "steps": "Cycles within characters in which the multipliers worked",
    "characters": "Characters computed",
    "stalls": "Cycles without leave to start a character: no symbol came, or no word could leave",
    "startup": "Cycles of runs before their first and after their last character",
    "saturations": "Clipped cell states",
}
"""Names and meanings of the counters, in the order of their registers."""

_FIRST_COUNTER = 0x80

REGISTERS: tuple[Register, ...] = (
    Register("IDENTITY", 0x00, Access.RO, 32, IDENTITY, 'Constant: "ZLST"'),
    Register(
        "VERSION",
        0x04,
        Access.RO,
        32,
        VERSION,
        "Version of registers and streams",
        (
            Field("MINOR", 0, 16, "Grows with what is added"),
            Field("MAJOR", 16, 16, "Grows with what an older driver does not understand"),
        ),
    ),
    Register(
        "CONFIG",
        0x08,
        Access.RO,
        32,
        None,
        "Sizes of this accelerator",
        (
            Field("HIDDEN", 0, 8, "Units a layer"),
            Field("LAYERS", 8, 8, "Layers"),
            Field("CAPACITY", 16, 16, "Most symbols that a model may have"),
        ),
    ),
    Register(
        "CONFIG2",
        0x0C,
        Access.RO,
        32,
        None,
        "More sizes",
        (
            Field("MULTIPLIERS", 0, 16, "Multipliers"),
            Field("DSP_PAIRS", 16, 16, "Pairs of them built from a DSP48E1"),
        ),
    ),
    Register(
        "CONFIG_HASH",
        0x10,
        Access.RO,
        32,
        None,
        "CRC-32 of what decides an image's layout; an image carries the same",
    ),
    Register("SCRATCH", 0x14, Access.RW, 32, 0, "Holds what is written: for self-tests"),
    Register(
        "CONTROL",
        0x20,
        Access.WO,
        3,
        0,
        "Commands",
        (
            Field("START", 0, 1, "Start what MODE says"),
            Field(
                "ABORT",
                1,
                1,
                "Abandon the run; the rest of the input packet is swallowed. Ignored when idle",
            ),
            Field("SOFT_RESET", 2, 1, "Reset all but the bus; the next access waits for its end"),
        ),
    ),
    Register(
        "STATUS",
        0x24,
        Access.RO,
        4,
        None,
        "What is going on",
        (
            Field("BUSY", 0, 1, "A run is going on"),
            Field("LOADED", 1, 1, "The memories hold a whole model"),
            Field("DONE", 2, 1, "A run has ended: bit DONE of IRQ_PENDING"),
            Field("FAILED", 3, 1, "ERROR is not 0"),
        ),
    ),
    Register(
        "ERROR",
        0x28,
        Access.W1C,
        32,
        0,
        "What went wrong. A start that is obeyed clears the bits of runs and MODE; BUSY and "
        "READ_ONLY stay until they are cleared",
        tuple(map(_bit, (*Error, *AccessError))),
    ),
    Register("SYMBOLS", 0x2C, Access.RO, 9, None, "Symbols of the loaded model; 0 for none"),
    Register("IRQ_ENABLE", 0x30, Access.RW, 1, 0, "The same bits as IRQ_PENDING"),
    Register(
        "IRQ_PENDING",
        0x34,
        Access.W1C,
        1,
        0,
        "`interrupt` is high while a bit is set here and in IRQ_ENABLE",
        (Field("DONE", 0, 1, "A run has ended, or a start was refused; a start clears it"),),
    ),
    Register(
        "IMAGE_CRC",
        0x38,
        Access.RO,
        32,
        None,
        "CRC-32 of the loaded model's image, as in its last word; 0 for none",
    ),
    Register(
        "MEMORY_CHECK",
        0x3C,
        Access.RW,
        2,
        1,
        "What follows from the check of the weight memories",
        (
            Field("FAIL", 0, 1, "A run that reads a wrong word has the error MEMORY"),
            Field("INVERT", 1, 1, "A load makes all words wrong ones: a test of the check"),
        ),
        while_idle=True,
    ),
    Register(
        "MODE",
        0x40,
        Access.RW,
        8,
        0,
        "What a start does: " + ", ".join(f"{int(mode)} {mode.name}" for mode in Mode),
        while_idle=True,
    ),
    Register("INPUTS", 0x44, Access.RW, 32, 0, "Symbols to feed", while_idle=True),
    Register("OUTPUTS", 0x48, Access.RW, 32, 0, "Symbols to generate", while_idle=True),
    Register(
        "TEMPERATURE",
        0x4C,
        Access.RW,
        TEMPERATURE.bits,
        0,
        f"Temperature, Q{TEMPERATURE.bits - TEMPERATURE.fraction}.{TEMPERATURE.fraction}: "
        f"{1 << TEMPERATURE.fraction:,} is 1, 0 takes the likeliest symbol",
        while_idle=True,
    ),
    Register(
        "SEED_LOW",
        0x50,
        Access.RW,
        32,
        1,
        "State of the random generator, bits 31-0; must not be 0 together with SEED_HIGH. "
        "A run begins with it and leaves it as it was",
        while_idle=True,
    ),
    Register("SEED_HIGH", 0x54, Access.RW, 32, 0, "The same, bits 63-32", while_idle=True),
    Register(
        "MEMORY_FAULTS_LOW",
        0x60,
        Access.W1C,
        32,
        0,
        "Weight memories 31-0 that have read a wrong word, a bit each; a load clears all",
    ),
    Register("MEMORY_FAULTS_HIGH", 0x64, Access.W1C, 32, 0, "The same, weight memories 63-32"),
    *(
        Register(
            name.upper(),
            _FIRST_COUNTER + WORD_BYTES * k,
            Access.RO,
            32,
            0,
            f"{meaning}; runs on, modulo 2^32",
        )
        for k, (name, meaning) in enumerate(COUNTERS.items())
    ),
)
"""All registers, by address."""

_BY_NAME = {register.name: register for register in REGISTERS}
_BY_OFFSET = {register.offset: register for register in REGISTERS}

RUN_ERRORS = (1 << ERROR_BITS) - 1
"""Bits of ERROR that a run sets."""


def register(name: str) -> Register:
    """The register of this name.

    Raises
    ------
    UserError
        When there is none.
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        raise UserError(f"Register must be one of {', '.join(_BY_NAME)}, not {name!r}") from None


def register_at(offset: int) -> Register | None:
    """The register at a byte address, if there is one."""
    return _BY_OFFSET.get(offset)


def constants(config: Config) -> dict[str, int]:
    """Values of the registers that never change, by name."""
    pairs = config.dsp_pairs or 0
    sizes, more = register("CONFIG"), register("CONFIG2")
    return {
        "IDENTITY": IDENTITY,
        "VERSION": VERSION,
        "CONFIG": sizes.field("HIDDEN").place(config.hidden)
        | sizes.field("LAYERS").place(config.layers)
        | sizes.field("CAPACITY").place(config.symbols),
        "CONFIG2": more.field("MULTIPLIERS").place(config.multipliers)
        | more.field("DSP_PAIRS").place(pairs),
        "CONFIG_HASH": config.layout_hash,
    }
