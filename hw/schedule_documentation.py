"""docs/schedule.md, from the schedule itself.

To write it anew: ``python -m zynq_lstm.hw.schedule_documentation > docs/schedule.md``. The same
times are read out of a waveform of the emitted Verilog, and compared with these, in
tests/sim/test_trace.py.
"""

import sys

from zynq_lstm.hw.elementwise import Elementwise
from zynq_lstm.hw.sampler import Sampler
from zynq_lstm.hw.schedule import ELEMENTWISE_SELECT, LAUNCH, Schedule
from zynq_lstm.quant.config import Config

SYMBOLS = 65
"""Of the shipped model."""
WIDTH = 80
"""Columns of the diagram, which is one character long and goes on for a little."""
BEYOND = 1.1

_INTRODUCTION = """\
# Schedule

Written by `python -m zynq_lstm.hw.schedule_documentation` from `hw/schedule.py`, which computes it
from the latencies that the blocks state, before any logic exists.

The engine does one *step* a cycle: the four gates of a unit, or four logits, over as many columns
as there are multipliers divided by four. With as many columns as hidden units a row is one step;
with fewer, `groups` steps. A character of a model of two layers is these phases:

| phase | steps | computes | goes to |
| --- | --- | --- | --- |
| A | hidden | W_ih2 h1[t], completed by the sums that C left | element-wise unit: h2[t] |
| B | hidden | W_hh1 h1[t] | stored sums, for layer 1 of t + 1 |
| O | symbols / 4, rounded up | W_out h2[t] | logits: sampler, surprisal, stream |
| C | hidden | W_hh2 h2[t] | stored sums, for A of t + 1 |

Layer 1's input is a table look-up and needs no multiplier. So layer 1 of the next character runs
beside B and C, once its symbol is known: stored sum of B plus the symbol's row of the table,
through the element-wise unit, to h1[t + 1]. h1 is double-buffered, for B still reads the old one
meanwhile.

The order closes the loop of generation without a gap. B is there to be worked on while something is
waited for: its first part while the last of h2[t] are on their way, its second part, and C, while
logits become a symbol and the symbol becomes h1[t + 1].
"""


def _events(schedule, symbols):
    """Rows of the diagram: name, what begins when, and for how long."""
    c = schedule.config
    rows, whole = c.output_rows(symbols) * c.groups, c.hidden * c.groups
    steps, begin, output = [], 0, 0
    for phase in schedule.phases():
        length = rows if phase.kind == "O" else phase.steps
        if phase.kind == "O":
            output = begin
        steps.append((phase.kind if phase.kind != "wait" else ".", begin, length))
        begin += length
    h2 = schedule.value_latency + ELEMENTWISE_SELECT
    h2_placed = h2 + schedule.hidden_placed
    logits = output + schedule.value_latency
    symbol = output + rows - 1 + schedule.value_latency + Sampler.latency
    layer1 = symbol + schedule.launch_delay + LAUNCH + schedule.layer1_to_elementwise
    copied = layer1 + c.hidden - 1 + schedule.hidden_placed + 1
    return {
        "multipliers": steps,
        "element-wise, layer 2": [("2", h2, whole)],
        "h2 in place": [("+", h2_placed, whole)],
        "logits": [("o", logits, rows)],
        "symbol": [("s", symbol, 1)],
        "element-wise, layer 1": [("1", layer1, c.hidden)],
        "h1 for the next": [("|", copied, 1)],
    }


def diagram(schedule, symbols):
    """The timing diagram of a character, as text."""
    cycles = schedule.cycles(symbols)
    scale = WIDTH / (cycles * BEYOND)
    events = _events(schedule, symbols)
    margin = max(map(len, events)) + 2
    ticks = [" "] * WIDTH
    for cycle in range(0, int(cycles * BEYOND), 50):
        text, at = str(cycle), int(cycle * scale)
        ticks[at : at + len(text)] = text
    lines = [" " * margin + "".join(ticks[:WIDTH]).rstrip()]
    for name, spans in events.items():
        row = [" "] * WIDTH
        if name == "multipliers":
            spans = [*spans, *((kind, begin + cycles, length) for kind, begin, length in spans)]
        for letter, begin, length in sorted(spans, key=lambda span: -span[2]):
            first = int(begin * scale)
            last = max(first + 1, int((begin + length) * scale))
            row[first:last] = letter * (last - first)
        lines.append(f"{name:{margin}}" + "".join(row[:WIDTH]).rstrip())
    return "\n".join(lines)


def _latencies(schedule):
    s = schedule
    return {
        "step to row sums": s.sum_latency,
        "step to pre-activations or logits": s.value_latency,
        "element-wise unit, pre-activations to h": Elementwise.strobe_latency,
        "the same, to h in place at the multipliers": s.hidden_placed,
        "last logits to the symbol": Sampler.latency,
        "symbol to layer 1's first unit at the input table": s.launch_delay + LAUNCH,
        "from there to the element-wise unit": s.layer1_to_elementwise,
        "last step of A to the first that reads h2": s.output_wait + 1,
    }


def _sizes():
    """Cycles and steps of a character of some sizes."""
    rows = ["| hidden | layers | multipliers | symbols | cycles | steps | multipliers busy |"]
    rows += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for hidden, layers, multipliers in (
        (128, 2, 512),
        (128, 2, 256),
        (128, 2, 128),
        (128, 2, 64),
        (64, 2, 256),
        (64, 2, 64),
        (128, 1, 512),
    ):
        schedule = Schedule(
            Config(hidden=hidden, layers=layers, symbols=256, multipliers=multipliers)
        )
        for symbols in (SYMBOLS, 256):
            cycles, steps = schedule.cycles(symbols), schedule.steps(symbols)
            numbers = (hidden, layers, multipliers, symbols, f"{cycles:,}", f"{steps:,}")
            rows.append("| " + " | ".join(map(str, numbers)) + f" | {steps / cycles:.1%} |")
    return rows


def render_markdown():
    """docs/schedule.md."""
    c = Config()
    schedule = Schedule(c)
    phases = ", ".join(f"{p.kind} {p.steps or c.output_rows(SYMBOLS)}" for p in schedule.phases())
    return "\n".join(
        [
            _INTRODUCTION,
            "## One character",
            "",
            f"Two layers of {c.hidden} units, {c.multipliers} multipliers, {SYMBOLS} symbols: "
            f"{schedule.cycles(SYMBOLS)} cycles, {schedule.steps(SYMBOLS)} of them",
            f"steps ({phases}). Cycle 0 is the character's first step.",
            "",
            "```text",
            diagram(schedule, SYMBOLS),
            "```",
            "",
            "The same, drawn from a waveform of the emitted Verilog:",
            "",
            "```sh",
            'zynq-lstm trace models/shakespeare.zlstm -o character.vcd --prompt "ROMEO:" \\',
            "    --seed 1 --picture character.svg",
            "```",
            "",
            "![One character as a timeline](pictures/character.svg)",
            "",
            "## Latencies",
            "",
            "| from … to | cycles |",
            "| --- | --- |",
            *(f"| {name} | {cycles} |" for name, cycles in _latencies(schedule).items()),
            "",
            "## Other sizes",
            "",
            "With fewer multipliers a row takes several steps, and the waits are covered by",
            "them, but for less than a row. With few units, or one layer, there is too little",
            "other work, and the multipliers wait for the loop to close.",
            "",
            *_sizes(),
            "",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(render_markdown())
