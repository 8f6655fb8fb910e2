"""The report's pictures, each from the measurement's own arrays."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter

from zynq_lstm.cli.reporting.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    dress,
    figure,
    legend,
)
from zynq_lstm.quant.analysis.datapath import PLACES
from zynq_lstm.quant.analysis.gates import KINDS
from zynq_lstm.quant.analysis.measurement import Measurement
from zynq_lstm.quant.analysis.ranges import MIDDLE, Range
from zynq_lstm.quant.analysis.weights import ZOOM, MatrixError
from zynq_lstm.quant.formats import PREACTIVATION

BINS = 250
"""Points of a curve over a text, at most."""
LEAST = 20
"""Characters that a point is the mean of, at least."""
EXACT_ABOVE = 6.0
"""Decibels above the best row at which rows without an error are drawn."""
PLENTY = FuncFormatter(lambda value, _: f"{value:,.0f}")


def weights(found: Measurement) -> Figure:
    """Histograms of all matrices: the grid's points, and the float weights between them."""
    matrices = [t for t in found.weights if isinstance(t, MatrixError)]
    made = figure(5.4)
    grid = made.subplots(2, len(matrices), squeeze=False)
    for column, tensor in enumerate(matrices):
        above, below = grid[:, column]
        first, limit = column == 0, tensor.limit
        codes = np.arange(-limit, limit + 1)
        above.bar(codes, tensor.code_counts, width=1.0, color=BLUE)
        above.set_yscale("log")
        above.set_xlim(-1.03 * limit - 1, 1.03 * limit + 1)
        above.set_ylim(bottom=0.8)
        above.set_xticks([-limit, 0, limit])
        dress(above, tensor.title, "code", "weights" if first else "")
        counts, edges = tensor.zoomed
        for k in range(-ZOOM, ZOOM + 1):
            below.axvline(k, color=ORANGE, linewidth=1.2)
        below.stairs(counts, edges, fill=True, color=SKY)
        below.set_xlim(-ZOOM, ZOOM)
        below.yaxis.set_major_formatter(EngFormatter(sep=""))
        dress(below, "", "weight, in steps of its row", "weights" if first else "", grid="")
    grid[1][0].set_title("near zero; the grid in orange", fontsize=10, loc="left", color=INK)
    made.suptitle("Weights on their grid", fontsize=13, x=0.01, ha="left", color=INK)
    return made


def rows(found: Measurement) -> Figure:
    """What rounding leaves of each row: its signal to noise against its largest weight."""
    made = figure(4.4)
    axes = made.subplots()
    looks = {"hh1": (BLUE, "o"), "ih2": (ORANGE, "s"), "hh2": (GREEN, "^"), "out": (RED, "D")}
    matrices = [tensor for tensor in found.weights if isinstance(tensor, MatrixError)]
    known = [level for tensor in matrices for level in tensor.row_decibels if np.isfinite(level)]
    top, some_exact = max(known, default=0.0) + EXACT_ABOVE, False
    for tensor in matrices:
        colour, marker = looks[tensor.name]
        largest = np.abs(tensor.weights).max(axis=1)
        exact = (tensor.row_rms == 0) & (largest > 0)
        some_exact |= bool(exact.any())
        axes.scatter(
            largest,
            np.where(exact, top, tensor.row_decibels),
            s=14,
            c=colour,
            marker=marker,
            alpha=0.6,
            linewidths=0,
            label=f"{tensor.title} ({len(largest)} rows)",
        )
    if some_exact:
        axes.axhline(top, color=GREY, linewidth=1, linestyle="--")
        axes.annotate(
            "rows without an error",
            (1.0, top),
            xytext=(-4, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            fontsize=9,
            color=GREY,
        )
    if not known:
        axes.set_yticks([])
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda v, _: f"{v:g}" if _few(v) else ""))
    dress(
        axes,
        "Rounding of each row of weights",
        "largest weight of the row",
        "signal to noise, dB",
    )
    legend(axes, loc="lower left", markerscale=1.8)
    return made


def gates(found: Measurement) -> Figure:
    """Errors of the pre-activations of each unit, by gate."""
    layers = len(found.model.layers)
    made = figure(4.4)
    grid = made.subplots(1, layers, squeeze=False, sharey=True)[0]
    looks = {"step": (BLUE, -0.2), "carried": (RED, 0.2)}
    scatter = np.random.default_rng(1).uniform(-0.13, 0.13, found.model.hidden)
    for layer, axes in enumerate(grid):
        for kind, (colour, aside) in looks.items():
            rms = found.gates[kind].rms[layer]
            for gate in range(len(rms)):
                label = KINDS[kind] if gate == 0 else None
                x = gate + aside
                axes.scatter(
                    x + scatter, rms[gate], s=9, c=colour, alpha=0.45, linewidths=0, label=label
                )
                axes.hlines(np.median(rms[gate]), x - 0.17, x + 0.17, color=INK, linewidth=1.6)
        lsb = PREACTIVATION.lsb
        axes.axhline(lsb, color=GREY, linewidth=1, linestyle="--")
        axes.text(3.45, lsb * 1.06, "1 LSB", fontsize=9, color=GREY, ha="right")
        axes.set_yscale("log")
        axes.set_xticks(range(4), ["i", "f", "g", "o"])
        axes.set_xlim(-0.5, 3.5)
        dress(
            axes,
            f"Layer {layer + 1}",
            "gate; a dot a unit, a bar at the median",
            "RMS error of the pre-activation" if layer == 0 else "",
            grid="y",
        )
    _make_room(grid[0])
    legend(grid[0], loc="upper left", markerscale=2.5, ncols=2)
    made.suptitle("Error by gate, golden minus float", fontsize=13, x=0.01, ha="left", color=INK)
    return made


def ranges(found: Measurement) -> Figure:
    """Ranges used against ranges available, each as a share of its own format."""
    made = figure(0.8 + 0.27 * len(found.ranges))
    axes = made.subplots()
    for k, entry in enumerate(found.ranges):
        full = -entry.form.minimum
        axes.barh(k, 2, left=-1, height=0.8, color="#F0F0F0", zorder=1)
        least, greatest = max(entry.least / full, -1), min(entry.greatest / full, 1)
        axes.barh(k, greatest - least, left=least, height=0.55, color=SKY, zorder=2)
        low, high = entry.low / full, entry.high / full
        axes.barh(k, high - low, left=low, height=0.55, color=BLUE, zorder=3)
        for count, x in ((entry.clipped_low, -1), (entry.clipped_high, 1)):
            if count:
                axes.plot(x, k, marker="D", color=RED, markersize=7, zorder=4, clip_on=False)
        axes.text(1.04, k, _range_note(entry), fontsize=8.5, va="center", color=INK)
    axes.set_yticks(range(len(found.ranges)), [range_name(entry) for entry in found.ranges])
    axes.invert_yaxis()
    axes.set_xlim(-1, 1)
    axes.set_ylim(len(found.ranges) - 0.4, -0.6)
    axes.set_xticks([-1, -0.5, 0, 0.5, 1], ["lowest", "half", "0", "half", "highest"])
    dress(axes, "Ranges used against ranges available", "share of the format's range", "", grid="")
    axes.tick_params(axis="y", length=0, pad=9)
    axes.spines[["left"]].set_visible(False)
    for colour, text in ((SKY, "all values"), (BLUE, f"the middle {100 * MIDDLE:g} %")):
        axes.bar(0, 0, color=colour, label=text)
    axes.plot([], [], "D", color=RED, label="saturates")
    legend(
        axes, loc="upper center", bbox_to_anchor=(0.5, -0.5 / (0.27 * len(found.ranges))), ncols=3
    )
    return made


def surprisal(found: Measurement) -> Figure:
    """Both models' surprisal over the text, and what the difference adds up to."""
    made = figure(5.4)
    above, below = made.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    p, unit = found.part, found.model.vocabulary.unit
    x, reference = _binned(p.float_bits)
    above.plot(x, reference, color=ORANGE, linewidth=3.2, label="float")
    above.plot(x, _binned(p.golden_bits)[1], color=BLUE, linewidth=1.1, label="golden")
    per_bin = round(len(p) / len(x))
    dress(above, "Surprisal over the text", "", f"bits, means of {per_bin} {unit}s")
    _make_room(above)
    above.set_xlim(0, len(p))
    legend(above, loc="upper right", ncols=2)
    below.axhspan(-found.allowed, found.allowed, color=GREEN, alpha=0.13, linewidth=0)
    below.axhline(0, color=GREY, linewidth=0.8)
    apart = _binned(p.difference)[1]
    below.plot(x, apart, color=GREY, linewidth=0.8, label="means as above")
    running = np.cumsum(p.difference) / np.arange(1, len(p) + 1)
    places = np.maximum(x.astype(int), 1) - 1
    below.plot(x, running[places], color=RED, linewidth=1.8, label="mean from the beginning on")
    reach = max(4 * found.allowed, 1.2 * np.percentile(np.abs(apart), 98))
    below.set_ylim(-reach, reach)
    below.xaxis.set_major_formatter(PLENTY)
    band = f"Golden minus float; within the band, less than {found.allowed} bits"
    dress(below, band, unit, "bits", grid="")
    legend(below, loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2)
    return made


def drift(found: Measurement) -> Figure:
    """The distance of the states over a long text, and the cost in each of its tenths."""
    made = figure(6.2)
    above, below = made.subplots(2, 1, height_ratios=[3, 2], sharex=True)
    d, unit = found.drift, found.model.vocabulary.unit
    colours = ((BLUE, SKY), (RED, ORANGE))
    for layer in range(d.c_distance.shape[1]):
        dark, light = colours[layer]
        for distance, size, name, colour in (
            (d.c_distance, d.c_size, "c", dark),
            (d.h_distance, d.h_size, "h", light),
        ):
            x, y = _binned(distance[:, layer] ** 2)
            _, whole = _binned(size[:, layer] ** 2)
            share = 100 * np.sqrt(y / np.maximum(whole, np.finfo(float).tiny))
            label = f"{name} of layer {layer + 1}"
            above.plot(x, share, color=colour, linewidth=1.3, label=label)
    above.set_yscale("log")
    above.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    above.yaxis.set_minor_formatter(FuncFormatter(lambda v, _: f"{v:g}" if _few(v) else ""))
    _make_room(above)
    dress(
        above,
        f"Distance of the two models' states over {len(d):,} {unit}s",
        "",
        "% of the state's own size (RMS)",
    )
    legend(above, loc="upper right", ncols=4)
    below.axhspan(-found.allowed, found.allowed, color=GREEN, alpha=0.13, linewidth=0)
    below.axhline(0, color=GREY, linewidth=0.8)
    for tenth in found.tenths():
        centre, cost = (tenth.first + tenth.last) / 2, tenth.difference
        below.errorbar(
            centre,
            cost.mean,
            yerr=[[cost.mean - cost.low], [cost.high - cost.mean]],
            color=PURPLE,
            marker="o",
            markersize=6,
            capsize=4,
            linewidth=1.4,
        )
    below.xaxis.set_major_formatter(PLENTY)
    below.set_xlim(0, len(d))
    low, high = below.get_ylim()
    below.set_ylim(min(low, -1.3 * found.allowed), max(high, 1.3 * found.allowed))
    band = f"Golden minus float in each tenth, 95 % interval; the band is ±{found.allowed}"
    dress(below, band, unit, f"bits per {unit}", grid="")
    return made


def range_name(entry: Range) -> str:
    """What a range is the range of."""
    titles = {"hh1": "layer 1 recurrent", "ih2": "layer 2 input", "hh2": "layer 2 recurrent"}
    if entry.place == "logit":
        return PLACES["logit"]
    of = titles.get(entry.of, "output" if entry.of == "out" else entry.of)
    return f"{of}, {PLACES[entry.place]}" + (f" {entry.gate}" if entry.gate else "")


def _range_note(entry: Range) -> str:
    used = f"{100 * entry.used:.0f} %"
    return f"{used}, {entry.clipped:,} clipped" if entry.clipped else used


def _make_room(axes: Axes) -> None:
    """Room for a legend above the curves."""
    low, high = axes.get_ylim()
    log = axes.get_yscale() == "log"
    axes.set_ylim(low, high * (high / low) ** 0.12 if log else high + 0.12 * (high - low))


def _binned(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of so many neighbours, and the character in the middle of each."""
    count = min(BINS, -(-len(values) // LEAST))
    edges = np.arange(count + 1) * len(values) // count
    means = np.add.reduceat(values, edges[:-1]) / np.diff(edges)
    return (edges[:-1] + edges[1:]) / 2, means


def _few(value: float) -> bool:
    return float(f"{value:.0e}"[0]) in (2, 5)


PICTURES = {
    "surprisal": surprisal,
    "drift": drift,
    "gates": gates,
    "ranges": ranges,
    "weights": weights,
    "rows": rows,
}
"""All pictures by name, in the order of the page."""
