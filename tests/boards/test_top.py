"""The emitted Verilog has the ports that the block design connects."""

import re

import pytest
from vivado_validation import problems

from zynq_lstm.boards.design import NAME
from zynq_lstm.quant.config import Config

pytest.importorskip("amaranth")

DIRECTIONS = {"input": "in", "output": "out"}


@pytest.fixture(scope="module")
def emitted_ports() -> dict[str, tuple[str, int]]:
    from zynq_lstm.hw.verilog import TOP, convert

    assert TOP == NAME
    text = convert(Config(hidden=16, symbols=16, multipliers=64))[f"{TOP}.v"]
    start = re.search(rf"^module {TOP}\(", text, re.MULTILINE)
    assert start
    return {
        match[3]: (DIRECTIONS[match[1]], int(match[2] or 0) + 1)
        for match in re.finditer(
            r"^\s*(input|output)(?: wire| reg)?(?: \[(\d+):0\])? (\w+)\s*;",
            text[start.start() : text.index("endmodule", start.start())],
            re.MULTILINE,
        )
    }


def test_ports_are_those_that_are_connected(run, board, emitted_ports, expected_ports) -> None:
    # AWPROT and ARPROT a slave may have or not.
    found = {n: port for n, port in emitted_ports.items() if not n.endswith("prot")}
    assert found == expected_ports
    assert problems(run(board, ports=emitted_ports)) == []
