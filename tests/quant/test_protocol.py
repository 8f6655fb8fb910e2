"""What hardware and host agree on must not change by accident."""

import re
from pathlib import Path

from zynq_lstm.quant import protocol
from zynq_lstm.quant.protocol import Error, Mode
from zynq_lstm.quant.surprisal import SURPRISAL


def test_modes():
    assert {mode.name: int(mode) for mode in Mode} == {
        "LOAD": 0,
        "GENERATE": 1,
        "LOGITS": 2,
        "READ_STATE": 3,
        "WRITE_STATE": 4,
        "RESET_STATE": 5,
        "SCORE": 6,
    }


def test_errors_are_bits():
    assert [int(error) for error in Error] == [1 << k for k in range(protocol.ERROR_BITS)]


def test_the_documentation_says_what_becomes_of_packets_at_each_error():
    page = Path(__file__).parents[2] / "docs" / "streams.md"
    rows = re.search(r"\| ERROR \|.*\n\|[-|]+\n((\|.*\n)+)", page.read_text(encoding="utf-8"))
    assert rows is not None
    named = " ".join(row.split(" | ")[1] for row in rows[1].splitlines())
    assert set(re.findall(r"\b[A-Z_]{3,}\b(?!\.)", named)) >= {error.name for error in Error}


def test_state_word_fields_do_not_overlap():
    fields = [
        0xFF,
        0xFF << protocol.STATE_H2_SHIFT,
        0xFFFF << protocol.STATE_C1_SHIFT,
        0xFFFF << protocol.STATE_C2_SHIFT,
    ]
    assert sum(fields) == 0xFFFF_FFFF_FFFF
    assert fields[2] == 0xFFFF_0000


def test_a_surprisal_has_its_bytes():
    assert SURPRISAL.bits == protocol.SURPRISAL_BYTES * 8


def test_a_word_holds_eight_symbols():
    assert protocol.STREAM_BYTES * 8 == 64
