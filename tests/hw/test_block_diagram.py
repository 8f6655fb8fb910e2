"""The block diagram: the committed one is of the design as it is, and sizes come from it."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from zynq_lstm.hw.block_diagram import HEIGHT, WIDTH, render_svg
from zynq_lstm.quant.config import Config

COMMITTED = Path(__file__).parents[2] / "docs" / "pictures" / "blocks.svg"
SVG = "{http://www.w3.org/2000/svg}"


def texts(config: Config) -> str:
    root = ElementTree.fromstring(render_svg(config))
    return " | ".join(element.text or "" for element in root.iter(f"{SVG}text"))


def test_the_committed_picture_is_up_to_date() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == render_svg()


def test_sizes_are_the_configuration_s() -> None:
    small = Config(hidden=64, symbols=256, multipliers=256, dsp_pairs=88)
    shown = texts(small)
    assert "engine: 256 multipliers" in shown
    assert "176 multipliers in 88 DSP48E1, 80 in LUTs" in shown
    assert "4 gates × 64 columns" in shown
    assert "256 symbols × | 64 units, 32 RAMs" in shown
    root = ElementTree.fromstring(render_svg(small))
    banks = [e for e in root.iter(f"{SVG}rect") if e.get("class") == "bank"]
    assert len(banks) == small.banks


def test_all_is_within_the_picture() -> None:
    root = ElementTree.fromstring(render_svg())
    for rectangle in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(rectangle.get(k)) for k in ("x", "y", "width", "height"))
        assert x >= 0 and y >= 0 and x + w <= WIDTH and y + h <= HEIGHT
    for line in root.iter(f"{SVG}polyline"):
        for point in line.get("points").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= WIDTH and 0 <= y <= HEIGHT
