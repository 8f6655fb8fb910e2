"""docs/pictures/blocks.svg: the accelerator's blocks, with the numbers of a configuration.

To draw it anew: ``python -m zynq_lstm.hw.block_diagram > docs/pictures/blocks.svg``. Places are set
by hand, for there is one structure; sizes, widths and counts come from where the hardware has them.
The picture has no background, and its colours are for light and dark ones.
"""

import html
import sys

from zynq_lstm.quant.config import BANKS_PER_REGION, GATES, Config
from zynq_lstm.quant.formats import (
    ACCUMULATOR,
    CELL,
    HIDDEN,
    PARTIAL,
    PREACTIVATION,
    SCALE,
    WEIGHT,
)
from zynq_lstm.quant.protocol import STREAM_BITS
from zynq_lstm.quant.registers import DATA_BITS
from zynq_lstm.quant.surprisal import SURPRISAL

WIDTH, HEIGHT = 1000, 590
_STYLE = """
text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; text-anchor: middle;
  fill: #1c2733; font-size: 12px }
.name { font-weight: 600; font-size: 14px }
.small { fill: #5b6b7b }
.left { text-anchor: start }
.right { text-anchor: end }
.box { stroke-width: 1.6; fill-opacity: 0.16 }
.bank { fill-opacity: 0.75; stroke: none }
.frame { fill: none; stroke: #b9c4ce; stroke-width: 1.4; stroke-dasharray: 6 5 }
.wire { fill: none; stroke: #8795a3; stroke-width: 1.6; marker-end: url(#head) }
.thick { stroke-width: 3.2 }
#head path, .joint { fill: #8795a3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e8eef4 }
  .small { fill: #a3b2c0 }
  .frame { stroke: #4a5866 }
  .wire { stroke: #7f8d9b }
  #head path, .joint { fill: #7f8d9b }
}
"""
"""Without variables, which viewers other than browsers do not know: they would show no wire."""
BLUE, SKY, PURPLE, GREEN, ORANGE, RED, GREY = (
    "#0072B2",
    "#56B4E9",
    "#CC79A7",
    "#009E73",
    "#E69F00",
    "#D55E00",
    "#8795a3",
)
"""As in the other pictures: a block has the same colour in docs/pictures/resources.svg."""


def _text(x, y, text, kind="small"):
    return f'<text x="{x}" y="{y}" class="{kind}">{html.escape(text)}</text>'


def _box(x, y, width, height, colour, name, *lines):
    """A block with its name and lines below it, all in the middle."""
    top = y + height / 2 - 8 * len(lines) + 5
    return [
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="7" class="box" '
        f'fill="{colour}" stroke="{colour}"/>',
        _text(x + width / 2, top, name, "name"),
        *(_text(x + width / 2, top + 16 * k, line) for k, line in enumerate(lines, start=1)),
    ]


def _wire(*points, thick=False):
    kind = "wire thick" if thick else "wire"
    return f'<polyline class="{kind}" points="{" ".join(f"{x},{y}" for x, y in points)}"/>'


def _joint(x, y):
    """Where a way divides: lines that only cross have none."""
    return f'<circle cx="{x}" cy="{y}" r="3.2" class="joint"/>'


def _engine(config, x, y, width, height):
    """The engine: a square for each bank, in groups of a region."""
    luts = config.multipliers - 2 * config.dsp_pairs
    lines = [
        f"{config.banks} banks: a block RAM of weights and {config.multipliers // config.banks} "
        "multipliers each",
        f"{2 * config.dsp_pairs} multipliers in {config.dsp_pairs} DSP48E1, {luts} in LUTs; "
        f"{WEIGHT.bits} × {HIDDEN.bits} bits",
        f"adder trees: {GATES} gates × {config.columns} columns in every cycle",
    ]
    parts = [
        *_box(x, y, width, height, BLUE, ""),
        _text(x + width / 2, y + 22, f"engine: {config.multipliers} multipliers", "name"),
        *(_text(x + width / 2, y + 134 + 17 * k, line) for k, line in enumerate(lines)),
    ]
    pitch = (width - 30) / config.regions
    side = min(14, (pitch - 10) / 2 - 2)
    for region in range(config.regions):
        left = x + 15 + region * pitch + (pitch - 2 * side - 2) / 2
        for bank in range(BANKS_PER_REGION):
            column, row = bank % 2, bank // 2
            parts.append(
                f'<rect x="{left + column * (side + 2):.1f}" y="{y + 36 + row * (side + 5):.1f}" '
                f'width="{side:.1f}" height="{side + 3:.1f}" rx="2" class="bank" fill="{BLUE}"/>'
            )
    return parts


def render_svg(config=None):
    """Return the picture.

    Parameters
    ----------
    config : Config, optional
        Of two layers.
    """
    c = config or Config()
    rams = GATES * PREACTIVATION.bits // c.table_ram_width
    parts = [
        # Control, above.
        *_box(100, 42, 150, 52, GREY, "registers", f"AXI4-Lite, {DATA_BITS} bits"),
        *_box(330, 42, 150, 52, GREY, "controller", "runs, counters"),
        *_box(560, 42, 150, 52, GREY, "sequencer", "a step a cycle"),
        _wire((20, 58), (98, 58)),
        _text(18, 50, "s_axi", "left"),
        _wire((100, 80), (22, 80)),
        _text(18, 97, "interrupt", "left small"),
        _wire((250, 68), (328, 68)),
        _text(289, 60, "commands"),
        _wire((480, 68), (558, 68)),
        # Streams.
        *_box(100, 126, 90, 52, GREY, "FIFO", f"{STREAM_BITS} bits"),
        *_box(250, 126, 150, 52, GREY, "loader", "image, CRC"),
        *_box(430, 126, 110, 52, GREY, "state port", "h, c"),
        *_box(808, 126, 92, 52, GREY, "FIFO", f"{STREAM_BITS} bits"),
        _wire((20, 152), (98, 152)),
        _text(18, 144, "s_axis", "left"),
        _wire((190, 152), (248, 152)),
        _wire((218, 152), (218, 112), (485, 112), (485, 124)),
        _joint(218, 152),
        _wire((365, 112), (365, 96)),
        _joint(365, 112),
        _text(372, 107, "symbols", "small left"),
        _wire((900, 152), (980, 152)),
        _text(982, 144, "m_axis", "right"),
        # The datapath.
        '<rect x="60" y="212" width="860" height="360" rx="10" class="frame"/>',
        _text(76, 562, "datapath", "small left"),
        _wire((325, 178), (325, 210)),
        _text(333, 198, "to all memories", "small left"),
        _wire((465, 178), (465, 210)),
        _wire((505, 210), (505, 180)),
        _wire((540, 164), (806, 164)),
        _text(650, 158, "state"),
        *_engine(c, 90, 236, 370, 190),
        _wire((590, 94), (590, 222), (275, 222), (275, 234)),
        *_box(
            530, 296, 120, 70, SKY, "scaling", f"× scale, {SCALE.bits} bits", "+ rest of the row"
        ),
        _wire((460, 331), (528, 331), thick=True),
        _text(494, 318, f"{GATES} sums"),
        _text(494, 350, f"{ACCUMULATOR.bits} bits"),
        *_box(720, 236, 150, 52, ORANGE, "sampler", "Gumbel-max"),
        *_box(720, 306, 150, 52, RED, "surprisal", f"−log₂ p, 1/{2**SURPRISAL.fraction} bit"),
        *_box(720, 376, 150, 52, SKY, "stored sums", f"{PARTIAL.bits} bits"),
        _wire((650, 331), (684, 331), (684, 262), (718, 262)),
        _wire((684, 331), (718, 331)),
        _joint(684, 331),
        _wire((684, 262), (684, 194), (830, 194), (830, 180)),
        _joint(684, 262),
        _wire((650, 348), (668, 348), (668, 402), (718, 402)),
        _text(677, 256, "O: logits", "small right"),
        _text(688, 418, "B, C", "small right"),
        *_box(
            480,
            476,
            170,
            66,
            PURPLE,
            "element-wise unit",
            "tanh, sigmoid",
            f"c of {CELL.bits} bits",
        ),
        _wire((590, 366), (590, 474), thick=True),
        _text(598, 440, "A: layer 2", "small left"),
        *_box(
            770,
            476,
            130,
            66,
            GREEN,
            "input table",
            f"{c.symbols} symbols ×",
            f"{c.hidden} units, {rams} RAMs",
        ),
        f'<circle cx="720" cy="509" r="12" class="box" fill="{GREY}" stroke="{GREY}"/>',
        _text(720, 514, "+", "name"),
        _wire((770, 509), (734, 509)),
        _wire((745, 428), (745, 452), (720, 452), (720, 495)),
        _wire((708, 509), (652, 509)),
        _text(680, 500, "layer 1"),
        _wire((480, 509), (275, 509), (275, 428), thick=True),
        _text(370, 500, f"h1 and h2, {HIDDEN.bits} bits"),
        # The symbol's way around.
        _wire((770, 236), (770, 22), (405, 22), (405, 40)),
        _wire((770, 140), (806, 140)),
        _joint(770, 140),
        _text(762, 137, "symbols", "small right"),
        _text(640, 16, "next symbol: no processor is asked"),
        _wire((850, 452), (850, 474)),
        _text(842, 464, "symbol", "small right"),
        _wire((870, 332), (885, 332), (885, 180)),
        _text(893, 202, "surprisals", "small left"),
    ]
    style = _STYLE.strip()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img">\n'
        f"<title>{html.escape('Blocks of the accelerator: ' + c.describe())}</title>\n"
        f"<style>\n{style}\n</style>\n"
        '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0 L8,4 L0,8 z"/></marker>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    sys.stdout.write(render_svg())
