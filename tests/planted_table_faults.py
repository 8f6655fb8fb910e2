"""Wrong bits of tables in the emitted Verilog: what `planted_faults` does to the tables' modules.

Each copy of a table learns its number; what it reads from the word that the switch tells has one
bit the other way round.
"""

from dataclasses import dataclass

from zynq_lstm.host.stuck_words import fault_of
from zynq_lstm.host.suspects import Suspect
from zynq_lstm.hw.verilog import TOP
from zynq_lstm.quant.activation_probe import CELLS, INPUT_GATES, OTHER_GATES
from zynq_lstm.quant.noise_probe import TABLES as NOISE
from zynq_lstm.quant.surprisal_probe import BASE, LOWER, SLOPE, UPPER

TABLE_KIND = 6
COPIES = (INPUT_GATES, OTHER_GATES, CELLS, *NOISE, *UPPER, *LOWER, BASE, SLOPE)
"""Every copy of a table that the chip has; its number is its place."""


@dataclass(frozen=True)
class TableFault:
    """One bit of a word of one copy, the other way round."""

    name: str
    word: int
    bit: int

    @property
    def code(self) -> int:
        """The word that switches it on."""
        return TABLE_KIND | COPIES.index(self.name) << 4 | self.bit << 12 | self.word << 18

    def suspect(self) -> Suspect:
        """As a self-test must name it."""
        return Suspect(self.name, fault_of(self.word))


def _reading(name: str, address: str, copy: str) -> tuple[str, str]:
    fault = f"{TOP}.fault"
    here = f"{fault}[2:0] == {TABLE_KIND} && {fault}[11:4] == {copy} && {fault}[28:18] == \\2"
    return (
        rf"= ({name}\[({address})\]);",
        rf"= \1 ^ (({here}) ? 32'd1 << {fault}[17:12] : 32'd0);",
    )


def _copies(module: str, instance: str, first: str) -> tuple[str, str]:
    """Instances with the numbers of their copies."""
    number = COPIES.index(first)
    return rf"^  {module} {instance}(\d) \($", rf"  {module} #(.COPY({number} + \1)) {instance}\1 ("


def _numbered(module: str) -> tuple[str, str]:
    return rf"^module {module} ?\(", rf"module {module} #(parameter COPY = 0) ("


_LANE = "zynq_lstm_surprisal_lane"
_EXPONENTIAL = rf"\\{_LANE}\.exponential"
_LINE = r"mantissa\[\d+:\d+\]"
_TABLE = [_reading("words", r"addr\d", "COPY")]

TABLE_CHANGES = {
    TOP: [
        _copies("zynq_lstm_tanh_table", "table", INPUT_GATES),
        _copies("zynq_lstm_gumbel_table", "table", NOISE[0]),
        _copies(_LANE, "lane", UPPER[0]),
        _reading("base_table", _LINE, str(COPIES.index(BASE))),
        _reading("slope_table", _LINE, str(COPIES.index(SLOPE))),
    ],
    "zynq_lstm_tanh_table": [_numbered("zynq_lstm_tanh_table"), *_TABLE],
    "zynq_lstm_gumbel_table": [_numbered("zynq_lstm_gumbel_table"), *_TABLE],
    _LANE: [
        _numbered(_LANE),
        (rf"^module ({_EXPONENTIAL}) \(", r"module \1 #(parameter COPY = 0) ("),
        (rf"^  ({_EXPONENTIAL})  exponential \($", r"  \1 #(.COPY(COPY)) exponential ("),
        _reading("high_table", r"distance\[\d+:\d+\]", "COPY"),
        _reading("low_table", r"distance\[\d+:\d+\]", f"COPY + {len(UPPER)}"),
    ],
}
"""By module, what is found in its file and what takes its place."""
