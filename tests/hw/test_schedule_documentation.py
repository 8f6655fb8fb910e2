"""docs/schedule.md is what the schedule is."""

import itertools
from pathlib import Path

import pytest

from zynq_lstm.hw.schedule import Schedule
from zynq_lstm.hw.schedule_documentation import diagram, render_markdown
from zynq_lstm.quant.config import Config

DOCUMENT = Path(__file__).parents[2] / "docs" / "schedule.md"


def test_the_documentation_is_the_schedule() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == render_markdown(), (
        "write it anew: python -m zynq_lstm.hw.schedule_documentation > docs/schedule.md"
    )


@pytest.mark.parametrize(
    "config", [Config(), Config(layers=1), Config(hidden=16, symbols=16, multipliers=64)]
)
def test_the_diagram_shows_each_phase(config) -> None:
    rows = {line[:22].strip(): line for line in diagram(Schedule(config), 13).splitlines()}
    shown = rows["multipliers"].removeprefix("multipliers").replace(".", "").strip()
    kinds = [kind for kind, _ in itertools.groupby(shown)]
    order = [phase.kind for phase in Schedule(config).phases() if phase.kind != "wait"]
    assert kinds[: len(order) + 1] == [*order, order[0]]
    assert "1" in rows["element-wise, layer 1"][22:]
