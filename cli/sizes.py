"""Cycles of accelerators of several sizes beside the computed limit: `zynq-lstm bench --sizes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from zynq_lstm.cli.console import say, steps, write_columns, write_json
from zynq_lstm.cli.figures import least_cycles
from zynq_lstm.cli.files import check_picture
from zynq_lstm.quant.files import write_whole


def bench_sizes(plot: Path | None, as_json: bool) -> None:
    """Measure, write a table or JSON, and draw where that is wanted."""
    if plot is not None:
        check_picture(plot)
    from zynq_lstm.sim.sizes import measure_sizes

    with steps() as tell:
        sizes = list(measure_sizes(tell))
    rows = [
        {
            "multipliers": size.config.multipliers,
            "hidden": size.config.hidden,
            "layers": size.config.layers,
            "symbols": size.symbols,
            "cycles_per_character": size.cycles,
            "limit": least_cycles(size.config, size.symbols),
        }
        for size in sizes
    ]
    if as_json:
        write_json({"sizes": rows})
    else:
        _write(rows)
    if plot is not None:
        from zynq_lstm.cli.reporting.cycles import draw
        from zynq_lstm.cli.reporting.style import picture_file

        write_whole(plot, picture_file(draw(sizes), plot.suffix))
        say(f"{plot}: {len(sizes)} models on {len({size.config for size in sizes})} accelerators")


def _write(rows: Sequence[Mapping[str, float]]) -> None:
    names = ("multipliers", "hidden", "symbols", "cycles a character", "limit", "limit reached")
    write_columns(
        names,
        [
            (
                *(str(row[name]) for name in names[:3]),
                f"{row['cycles_per_character']:,.5g}",
                f"{row['limit']:,.1f}",
                f"{row['limit'] / row['cycles_per_character']:.1%}",
            )
            for row in rows
        ],
    )
