"""The report as a page of Markdown, written from the record alone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from zynq_lstm.cli.console import counted
from zynq_lstm.quant.analysis.datapath import PLACES, TITLES
from zynq_lstm.quant.analysis.gates import KINDS
from zynq_lstm.quant.analysis.measurement import FEWEST_TO_JUDGE

COLUMN = 46
"""Characters of a column of the samples."""
INDENT = 2
"""Blanks before what did not fit into the line above."""
WORST_ROWS = 3
TOO_FEW = "too few to tell"


def page(record: Mapping[str, Any], pictures: Iterable[str]) -> str:
    """Write the page.

    Parameters
    ----------
    record : dict
        From `zynq_lstm.cli.reporting.record.record`.
    pictures : iterable of str
        Names of the pictures beside it, without ``.png``.
    """
    show = {name: f"![{name}]({name}.png)" for name in pictures}
    model, text = record["model"], record["text"]
    parts = [
        f"# What quantization costs: {_inline(model['file'])}",
        f"{model['layers']} x {model['hidden']} units, {model['symbols']} symbols; image for "
        f"{model['image']}, CRC-32 `{model['payload_crc32']}`. Text: {_inline(text['file'])}, "
        f"split `{text['split']}`, {text['characters']:,} {text['unit']}s, from a reset state. "
        "*Float* is the model in float32, *golden* the chip's integers.",
        _summary(record),
        "## Prediction",
        _prediction(record),
        show["surprisal"],
        "## Drift",
        _drift(record["drift"], text["unit"]),
        show["drift"],
        "## Error by gate",
        _gates(record["gates"]),
        show["gates"],
        "## Ranges and saturation",
        _ranges(record["ranges"]),
        show["ranges"],
        "## Weights",
        _weights(record["weights"]),
        show["weights"],
        show["rows"],
        "## Samples",
        "Both models draw with the same random numbers; float on the left, golden on the right. "
        "Each begins with the prompt, a line of the text; what is left of a long line is indented.",
        *(_sample(sample, text["unit"]) for sample in record["samples"]),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(record: Mapping[str, Any]) -> str:
    bits, drift = record["bits_per_character"], record["drift"]
    agreement, divergence = record["most_likely_symbol"], record["divergence_bits"]
    rows = _table(
        ("", "", "allowed"),
        [
            (
                f"cost, bits per {record['text']['unit']}",
                f"{bits['difference']['mean']:+.5f}",
                f"{bits['allowed']}, {_verdict(bits['within'])}",
            ),
            (
                f"largest difference in a tenth of {counted(drift['predictions'], 'prediction')}",
                f"{drift['largest']:+.5f}",
                f"±{drift['allowed']}, {_verdict(drift['within'])}",
            ),
            ("same most likely symbol", f"{100 * agreement['agreement']:.2f} %", ""),
            ("mean KL divergence, bits", f"{divergence['mean']:.6f}", ""),
        ],
    )
    return rows + (
        "\n\nAllowed is zynq-lstm's own limit for weights of so many bits; it is the green band in "
        f"the pictures. A mean of fewer than {FEWEST_TO_JUDGE:,} predictions scatters too much "
        "to be judged."
    )


def _prediction(record: Mapping[str, Any]) -> str:
    bits, divergence = record["bits_per_character"], record["divergence_bits"]
    unit = record["text"]["unit"]
    titles = {
        "float": "float",
        "golden": "golden",
        "chip": "golden, surprisal as the chip computes it",
        "difference": "golden minus float",
    }
    rows = []
    for name, title in titles.items():
        sign = "+" if name == "difference" else ""
        form = f"{sign}.5f"
        rows.append((title, f"{bits[name]['mean']:{form}}", _interval(bits[name], form)))
    has_interval = bits["difference"]["low"] is not None
    differing = record["most_likely_symbol"]["differing"]
    return "\n\n".join(
        [
            _table((f"bits per {unit}", "mean", "95 % interval"), rows),
            f"Over {counted(bits['predictions'], 'prediction')}"
            + (f"; intervals by {bits['interval']}." if has_interval else "."),
            f"The most likely symbol differs at {differing:,} of them. The Kullback-Leibler "
            f"divergence of golden from float is {divergence['mean']:.6f} bits on average, below "
            f"{divergence['percentile_99']:.5f} for 99 % of them, and at worst "
            f"{divergence['worst']:.5f}, after",
            _quoted(repr(divergence["worst_after"])),
        ]
    )


def _drift(drift: Mapping[str, Any], unit: str) -> str:
    layers = range(len(drift["tenths"][0]["distance_of_h"]))
    heads = [f"{name} of layer {k + 1}" for k in layers for name in ("h", "c")]
    rows = []
    for tenth in drift["tenths"]:
        cost = tenth["difference"]
        apart = [f"{100 * tenth[f'distance_of_{x}'][k]:.2f} %" for k in layers for x in "hc"]
        rows.append(
            (
                f"{tenth['first']:,} to {tenth['last']:,}",
                f"{tenth['float']:.4f}",
                f"{tenth['golden']:.4f}",
                f"{cost['mean']:+.5f}",
                _interval(cost, "+.5f"),
                *apart,
            )
        )
    return "\n\n".join(
        [
            f"The last {drift['predictions'] + 1:,} {unit}s of the text, from a reset "
            "state. The right-hand columns are the distance of the two models' states, as a share "
            "of the float state's own size.",
            _table((f"{unit}s", "float", "golden", "difference", "95 % interval", *heads), rows),
        ]
    )


def _gates(gates: Mapping[str, Any]) -> str:
    pairs = zip(gates["step"], gates["carried"], strict=True)
    rows = [
        (
            f"{step['layer']}, {step['gate']}",
            *(f"{entry[name]:.4f}" for entry in (step, carried) for name in ("rms", "largest")),
            f"{carried['mean']:+.5f}",
        )
        for step, carried in pairs
    ]
    heads = [f"{what}, {title}" for title in KINDS.values() for what in ("RMS", "largest")]
    return "\n\n".join(
        [
            "Pre-activations, golden minus float. *One step*: both from the golden state, which "
            "leaves the rounding of weights, table and sums. *Carried along*: each from its own "
            "state.",
            _table(("layer, gate", *heads, "mean, carried along"), rows),
        ]
    )


def _ranges(ranges: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for entry in ranges:
        of = TITLES.get(entry["of"], entry["of"])
        place = PLACES[entry["place"]] + (f" {entry['gate']}" if entry["gate"] else "")
        low, high = entry["clipped"]
        share = (low + high) / entry["values"]
        rows.append(
            (
                f"{of}: {place}",
                "{:,.5g} to {:,.5g}".format(*entry["available"]),
                "{:,.5g} to {:,.5g}".format(*entry["found"]),
                "{:,.5g} to {:,.5g}".format(*entry["middle"]),
                f"{100 * entry['used']:.0f} %",
                f"{low:,} low, {high:,} high ({1e6 * share:.1f} ppm)" if share else "0",
            )
        )
    heads = ("quantity", "available", "found", "middle 99.8 %", "used", "saturated")
    return _table(heads, rows) + (
        "\n\nFound is before saturation. An h of exactly 1 counts as saturated: its format ends "
        "just below."
    )


def _weights(weights: Mapping[str, Any]) -> str:
    rows, worst = [], []
    for tensor in weights.values():
        scales, codes = tensor.get("scales"), tensor.get("greatest_code")
        noise = tensor["signal_to_noise_db"]
        rows.append(
            (
                tensor["title"],
                " x ".join(map(str, tensor["shape"])),
                f"{tensor['rms_error']:.6f}",
                f"{tensor['largest_error']:.6f}",
                f"{tensor['largest_error_in_steps']:.3f}",
                "exact" if noise is None else f"{noise:.1f} dB",
                f"{scales[0]:,} to {scales[1]:,}" if scales else "",
                f"{codes[0]} to {codes[1]}" if codes else "",
            )
        )
        if scales:
            ordered = sorted(tensor["rows"], key=lambda row: -row["rms_error"])[:WORST_ROWS]
            worst += [
                (
                    tensor["title"],
                    f"`{row['row']}`" if "`" not in row["row"] else f"`` {row['row']} ``",
                    f"{row['step']:.6f}",
                    f"{row['rms_error']:.6f}",
                    f"{row['largest_error']:.6f}",
                )
                for row in ordered
            ]
    heads = (
        "tensor",
        "rows x columns",
        "RMS error",
        "largest",
        "in steps",
        "signal to noise",
        "scales",
        "greatest code of a row",
    )
    return "\n\n".join(
        [
            _table(heads, rows),
            "The rows with the largest errors (all rows are in `report.json`):",
            _table(("tensor", "row", "step of the grid", "RMS error", "largest"), worst),
        ]
    )


def _sample(sample: Mapping[str, Any], unit: str) -> str:
    length, common = sample["length"], sample["common"]
    left, right = (_wrapped(sample["prompt"] + sample[name]) for name in ("float", "golden"))
    lines = [f"{a:{COLUMN}} | {b}".rstrip() for a, b in zip_longest(left, right, fillvalue="")]
    same = "the same to the end" if common == length else f"the same for {common} of them"
    title = (
        f"Seed {sample['seed']}, temperature {sample['temperature']:g}, {length} {unit}s after the "
        "prompt"
    )
    return f"{title}, {same}:\n\n" + _quoted("\n".join(lines))


def _wrapped(text: str) -> list[str]:
    out: list[str] = []
    for line in text.split("\n"):
        plain = "".join(c if c.isprintable() else "·" for c in line)
        out += textwrap.wrap(plain, COLUMN, subsequent_indent=" " * INDENT) or [""]
    return out


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def _interval(found: Mapping[str, float | None], form: str) -> str:
    low, high = found["low"], found["high"]
    return TOO_FEW if low is None else f"{low:{form}} to {high:{form}}"


def _verdict(good: bool | None) -> str:
    if good is None:
        return TOO_FEW
    return "met" if good else "**not met**"


def _inline(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def _quoted(text: str) -> str:
    """A block of text as it is, whatever is in it."""
    return "\n".join(f"    {line}".rstrip() for line in text.split("\n"))
