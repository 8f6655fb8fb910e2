"""docs/registers.md, from the register table.

To write it anew: ``python -m zynq_lstm.quant.register_documentation > docs/registers.md``.
"""

from __future__ import annotations

import sys

from zynq_lstm.quant.registers import REGISTERS, Field, Register

_INTRODUCTION = """\
# Registers

Written by `python -m zynq_lstm.quant.register_documentation` from the table in
`quant/registers.py`, from which the decoder in hardware is made too.

AXI4-Lite, 32 bits of data, 12 bits of byte address. Access: `ro` read only; `rw` read and write;
`wo` each bit written as 1 is a command, reads as 0; `w1c` sticky, a bit written as 1 clears it.
Byte strobes are honoured; the lowest two address bits are ignored. Where the window lies on a
board, and the DMA engine's, is in [boards](boards.md#the-block-design); a command step by step is
in [streams](streams.md#a-command-step-by-step).

- Every access is answered with OKAY, for an error answer stops the processor's program. A write to
  a read-only register, or to an address without one, is ignored and sets ERROR.READ_ONLY. An
  address without a register reads 0.
- The registers marked with * are part of a command: write them while idle, then start. A write to
  them during a run is ignored and sets ERROR.BUSY; so is a start.
- A start clears IRQ_PENDING.DONE and the errors of the run before. When the run ends, DONE is set;
  ERROR and the counters are final then. The last words of the output packet may still be on their
  way.
- A start with an unknown mode sets ERROR.MODE and DONE and does nothing else.
- An abort ends any run. Its output packet is ended, its last byte undefined; the rest of its input
  packet is swallowed up to TLAST, or until no word has come for 4,096 cycles. LOAD leaves no model
  then, the other modes a state that is undefined.
- An input packet that is too long, or does not end, keeps BUSY up to its TLAST; ERROR.PACKET is set
  already. A run that is refused waits for the end of its packet likewise. An abort ends either.
- TKEEP of an input word: the highest byte that it marks is the last, all below it count, and where
  it marks none there is one. LOAD and WRITE_STATE take whole words, whatever it says.
- A soft reset puts all registers, streams and the state machines back, without ending packets:
  reset the DMA engine first, for words that it sends meanwhile may be taken for the next run's. The
  memories keep their contents but count as not loaded, unless they still hold the model that was
  built in; h and c must be reset by a run of their own. Accesses meanwhile wait for its end.
- `aresetn` does the same, for the bus too; one cycle is enough.
"""


def _value(register: Register) -> str:
    if register.reset is None:
        return "-"
    return f"0x{register.reset:X}" if register.reset > 9 else str(register.reset)


def _bits(field: Field) -> str:
    high = field.low + field.width - 1
    return str(high) if field.width == 1 else f"{high}-{field.low}"


def _row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def render_markdown() -> str:
    """docs/registers.md."""
    lines = [
        _INTRODUCTION,
        _row("Offset", "Name", "Access", "Bits", "Reset", "Meaning"),
        _row("---", "---", "---", "---", "---", "---"),
    ]
    for r in REGISTERS:
        name = f"{r.name} *" if r.while_idle else r.name
        cells = (f"0x{r.offset:02X}", name, r.access.value, r.width, _value(r), r.meaning)
        lines.append(_row(*cells))
    for r in REGISTERS:
        if r.fields:
            lines += ["", f"## {r.name}", "", _row("Bits", "Field", "Meaning")]
            lines.append(_row("---", "---", "---"))
            lines += [_row(_bits(f), f.name, f.meaning) for f in r.fields]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render_markdown())
