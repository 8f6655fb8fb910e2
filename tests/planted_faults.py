"""Wrong bits in the emitted Verilog: operands of multipliers, memories, tables.

The modules from the engine down to a pair of multipliers learn which of their kind they are; a word
that a chip asks for when it is powered on says which bit of which of them stands at 0 or 1. Another
one, for which it asks in each cycle, says which bit of a weight memory flips. So one compilation
serves all faults, those of tables among them (`planted_table_faults`).
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import pytest
from mutation.switch import FAULT, SWITCH
from planted_table_faults import TABLE_CHANGES, TABLE_KIND, TableFault

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.host.suspects import Suspect, pair_name
from zynq_lstm.hw.verilog import TOP, write_verilog
from zynq_lstm.quant.check_bits import CHECK_BIT
from zynq_lstm.quant.config import BANKS_PER_REGION, ENGINE_PAIRS_PER_BANK, Config
from zynq_lstm.sim.library import HARNESS, compile_library
from zynq_lstm.sim.link import open_link

_BANK_BITS = 6


class Kind(IntEnum):
    """Where a stuck bit is."""

    NONE = 0
    WEIGHTS = 1
    """The 16 bits of weights at a pair's port."""
    HIDDEN = 2
    """The 8 bits of h at a pair's port."""
    A = 3
    """Behind the register of a DSP48E1's port A: 25 bits."""
    B = 4
    """Behind that of its port B: 18 bits."""
    MEMORY = 5
    """A word of a weight memory."""
    TABLE = TABLE_KIND
    """A word of a copy of a table."""
    LINE = 7
    """Of a weight memory's address: of its reads, ``word`` 0, or of its writes, 1."""


UNNAMED = "words read that are not those loaded"
"""What is wrong with a weight memory where only its check tells."""
BITS = {Kind.WEIGHTS: 16, Kind.HIDDEN: 8, Kind.A: 25, Kind.B: 18, Kind.MEMORY: 64}


@dataclass(frozen=True)
class Fault:
    """One stuck bit; ``pair`` is 0 in a weight memory, and ``word`` counts there only."""

    kind: Kind
    bank: int
    bit: int
    value: int
    pair: int = 0
    word: int = 0

    @property
    def code(self) -> int:
        """The word that switches it on."""
        unit = self.bank * ENGINE_PAIRS_PER_BANK + self.pair
        return self.kind | self.value << 3 | unit << 4 | self.bit << 12 | self.word << 19

    def suspect(self, config: Config) -> Suspect:
        """As a self-test must name it."""
        if self.kind == Kind.LINE or self.bit == CHECK_BIT:
            return Suspect(f"weight memory {self.bank}", UNNAMED)
        if self.kind == Kind.MEMORY:
            fault = f"bit {self.bit} of word {self.word}"
            return Suspect(f"weight memory {self.bank}", f"{fault} stuck at {self.value}")
        name = {Kind.WEIGHTS: "weights", Kind.HIDDEN: "h", Kind.A: "port A", Kind.B: "port B"}
        what, bit = name[self.kind], self.bit
        if self.kind == Kind.A and (bit < 7 or 16 <= bit < 23):  # Not a copy of a sign bit.
            what, bit = "weights", bit if bit < 7 else bit - 8
        elif self.kind == Kind.B and bit < 7:
            what = "h"
        fault = f"bit {bit} of its {what} stuck at {self.value}"
        return Suspect(pair_name(config, self.bank, self.pair), fault)


def operand_faults(config: Config) -> list[Fault]:
    """Every stuck bit of every multiplier's operands."""
    return [
        Fault(kind, bank, bit, value, pair)
        for bank in range(config.banks)
        for pair in range(ENGINE_PAIRS_PER_BANK)
        for kind in (Kind.WEIGHTS, Kind.HIDDEN, Kind.A, Kind.B)
        if kind in (Kind.WEIGHTS, Kind.HIDDEN) or pair < config.bank_dsp_pairs(bank)
        for bit in range(BITS[kind])
        for value in (0, 1)
    ]


def memory_faults(config: Config) -> list[Fault]:
    """Every stuck bit of the words of the weight memories that a model fills."""
    return [
        Fault(Kind.MEMORY, bank, bit, value, word=word)
        for bank in range(config.banks)
        for word in range(config.steps(config.symbols))
        for bit in range(BITS[Kind.MEMORY])
        for value in (0, 1)
    ]


def build(config: Config, folder: Path) -> Path:
    """Compile an accelerator whose faults can be switched."""
    sources = write_verilog(config, folder)
    for source in sources:
        text = source.read_text()
        for module, changes in (*_CHANGES.items(), *TABLE_CHANGES.items()):
            if re.search(rf"^module {module}\(", text, re.MULTILINE):
                for pattern, new in changes:
                    text, found = re.subn(pattern, new, text, flags=re.MULTILINE)
                    assert found, f"{source.name} must have {pattern}"
        source.write_text(text)
    harness = folder / "harness.cpp"
    harness.write_text(HARNESS.read_text() + SWITCH.read_text() + _FLIP_SWITCH)
    return compile_library(sources, TOP, harness=harness)


def faulty_chip(
    config: Config, library: Path, fault: Fault | TableFault | None
) -> AcceleratorTransport:
    """A chip that has this fault from power-on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FAULT, str(fault.code if fault else 0))
        return AcceleratorTransport(open_link(config, library=library))


def flip(chip: AcceleratorTransport, bank: int, word: int, bit: int) -> None:
    """Let a bit of a weight memory be another, at the chip's next edge."""
    code = Fault(Kind.MEMORY, bank, bit, 0, word=word).code
    chip.link.chip._library.zl_flip(code)
    chip.link.wait(2)


def _numbered(name: str, bits: int, below: str, least: int) -> list[tuple[str, str]]:
    """A module that knows its number, and tells those within it theirs."""
    port = rf"module \1(id, \2\n  input [{bits - 1}:0] id;\n"
    return [
        (rf"^module ({name})\(((?s:.*?);)$", port),
        (rf"^  ({below})(\d+) \($", rf"  \1\2 (.id({{id, {least}'d\2}}),"),
    ]


def _stuck(name: str, width: int, source: str, condition: str) -> str:
    """A wire that is another with the stuck bit in it."""
    mask = f"({width}'d1 << {TOP}.fault[18:12])"
    value = f"{TOP}.fault[3] ? {source} | {mask} : {source} & ~{mask}"
    return f"  wire [{width - 1}:0] {name} = {condition} ? ({value}) : {source};\n"


def _at_pair(kind: Kind) -> str:
    return f"({TOP}.fault[2:0] == {int(kind)} && {TOP}.fault[11:4] == id)"


def _at_memory(kind: Kind) -> str:
    return f"{TOP}.fault[2:0] == {int(kind)} && {TOP}.fault[11:6] == id"


def _at_line(port: int) -> str:
    return f"({_at_memory(Kind.LINE)} && {TOP}.fault[19] == {port})"


_AT_WORD = f"({_at_memory(Kind.MEMORY)} && {TOP}.fault[28:19] == w_addr_q)"
_WORD_BITS = CHECK_BIT + 1
_ADDRESS_BITS = 10
_FLIP_SWITCH = """
static int flip = 0;
extern "C" void zl_flip(int code) { flip = code; }
extern "C" int zl_flipped() {
  const int once = flip;
  flip = 0;
  return once;
}
"""
_PAIR_BITS = _BANK_BITS + 2
_REGION_BITS = _BANK_BITS - (BANKS_PER_REGION - 1).bit_length()
_PORTS = [
    (
        r"^module (\w+_pair)\(pair, h,(.*)$",
        rf"module \1(id, pair_p, h_p,\2\n  input [{_PAIR_BITS - 1}:0] id;",
    ),
    (
        r"^  input \[15:0\] pair;\n  wire \[15:0\] pair;$",
        "  input [15:0] pair_p;\n" + _stuck("pair", 16, "pair_p", _at_pair(Kind.WEIGHTS)),
    ),
    (
        r"^  input \[7:0\] h;\n  wire \[7:0\] h;$",
        "  input [7:0] h_p;\n" + _stuck("h", 8, "h_p", _at_pair(Kind.HIDDEN)),
    ),
]
_CHANGES = {
    TOP: [
        (
            r"\A(?s:(.*?))^endmodule",
            r'\1  import "DPI-C" function int zl_fault();\n  reg [31:0] fault;\n'
            r"  initial fault = zl_fault();\n"
            r'  import "DPI-C" function int zl_flipped();' + "\n  reg [31:0] flip = 0;\n"
            r"  always @(posedge aclk) flip <= zl_flipped();\nendmodule",
        ),
        (r"^  (zynq_lstm_region region)(\d+) \($", rf"  \1\2 (.id({_REGION_BITS}'d\2),"),
    ],
    "zynq_lstm_region": _numbered(
        "zynq_lstm_region", _REGION_BITS, r"zynq_lstm_bank_\ddsp bank", 3
    ),
    r"zynq_lstm_bank_\ddsp": [
        *_numbered(r"zynq_lstm_bank_\ddsp", _BANK_BITS, r"zynq_lstm_\w+_pair pair", 2),
        (r"^    \.h\(h", "    .h_p(h"),
        (r"^    \.pair\(word", "    .pair_p(word"),
        (
            r"^    \.w_data\(w_data_q\)",
            "    .w_data(w_data_s),\n"
            f"    .flip({TOP}.flip[2:0] == {int(Kind.MEMORY)} && {TOP}.flip[11:6] == id),\n"
            f"    .flip_bit({TOP}.flip[18:12]), .flip_word({TOP}.flip[28:19])",
        ),
        (r"^    \.([rw])_addr\(\1_addr_q\)", r"    .\1_addr(\1_addr_s)"),
        (
            r"^endmodule",
            _stuck("w_data_s", _WORD_BITS, "w_data_q", _AT_WORD)
            + _stuck("r_addr_s", _ADDRESS_BITS, "r_addr_q", _at_line(0))
            + _stuck("w_addr_s", _ADDRESS_BITS, "w_addr_q", _at_line(1))
            + "endmodule",
        ),
    ],
    "zynq_lstm_ram #": [
        (
            r"^  input  wire               clk,",
            r"  input wire flip, input wire [6:0] flip_bit,\n"
            rf"  input wire [{_ADDRESS_BITS - 1}:0] flip_word,\n\g<0>",
        ),
        (
            r"^    r_data <= words\[r_addr\];",
            r"\g<0>\n    if (flip) words[flip_word] <= words[flip_word] ^ (WIDTH'(1) << flip_bit);",
        ),
    ],
    "zynq_lstm_lut_pair": _PORTS,
    "zynq_lstm_dsp_pair": [
        *_PORTS,
        (r"\$signed\(a\) \* \$signed\(b\)", r"$signed(a_s) * $signed(b_s)"),
        (
            r"^endmodule",
            _stuck("a_s", 25, "a", _at_pair(Kind.A))
            + _stuck("b_s", 18, "b", _at_pair(Kind.B))
            + "endmodule",
        ),
    ],
}
