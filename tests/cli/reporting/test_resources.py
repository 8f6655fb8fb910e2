"""The picture of resources: shares of the chip by block; the committed one says what docs say."""

import importlib.util
import re
from pathlib import Path

import pytest

if importlib.util.find_spec("matplotlib") is None:
    pytest.skip("needs matplotlib", allow_module_level=True)

from zynq_lstm.cli.reporting.resources import COLOURS, draw
from zynq_lstm.cli.reporting.style import picture_file
from zynq_lstm.hw.netlist_blocks import BLOCKS
from zynq_lstm.quant.config import Config

DOCS = Path(__file__).parents[3] / "docs"
EACH = {"DSP48E1": 20.0, "RAMB36": 10.0, "LUT": 100.0, "FF": 9000.0}
VALUES = {
    "device": "XC7Z020",
    "config": Config().to_dict(),
    "available": {"DSP48E1": 220, "RAMB36": 140, "LUT": 53_200, "FF": 106_400},
    "by_block": dict.fromkeys(BLOCKS, EACH),
    **{kind: int(n * len(BLOCKS)) for kind, n in EACH.items()},
}


def test_each_block_has_its_share() -> None:
    assert len(COLOURS) == len(BLOCKS)
    (axes,) = draw(VALUES).axes
    widths = [bar.get_width() for bar in axes.patches if bar.get_y() > -0.5 and bar.get_y() < 0]
    assert widths[0] == 100
    assert widths[1:] == pytest.approx([100 * 20 / 220] * len(BLOCKS))
    texts = [text.get_text() for text in axes.texts]
    assert "180 (82 %)" in texts and "81,000 (76 %)" in texts
    assert texts.count("20") == len(BLOCKS) and "100" not in texts  # 0.2 % have no room.


@pytest.mark.parametrize("ending", [".png", ".svg"])
def test_draws_the_same_each_time(ending) -> None:
    made = [picture_file(draw(VALUES), ending) for _ in range(2)]
    assert made[0] == made[1]


def test_the_committed_picture_says_what_the_tables_say() -> None:
    """In docs/performance.md and in the README; all are to be made anew together."""
    drawn = re.findall(
        r">([\d,]+) \(\d+ %\)<", (DOCS / "pictures/resources.svg").read_text("utf-8")
    )
    rows = re.findall(
        r"^\| (\w+) \| ([\d,]+) \|", (DOCS / "performance.md").read_text("utf-8"), re.M
    )
    assert [n for name, n in rows if name in VALUES["available"]] == drawn
    readme = re.findall(
        r"^\| (?:DSP|block RAM of 36 Kbit|LUT) \| ([\d,]+) \|",
        (DOCS.parent / "README.md").read_text("utf-8"),
        re.M,
    )
    assert readme == drawn[:3]
