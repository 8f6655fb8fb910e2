"""The schedule against a simulation of what it must respect: each value written, then read.

The model knows the latencies that the components state, and which memory each value lives in. It
plays some characters step by step and notes in which cycle every word is written and read.
"""

import itertools
from collections import defaultdict
from dataclasses import dataclass, field

import pytest

from zynq_lstm.hw.elementwise import Elementwise
from zynq_lstm.hw.engine import Engine, engine_latency
from zynq_lstm.hw.input_table import InputTable
from zynq_lstm.hw.requantizer import Lane
from zynq_lstm.hw.row_memories import RAM_LATENCY
from zynq_lstm.hw.sampler import Sampler
from zynq_lstm.hw.schedule import ELEMENTWISE_SELECT, LAUNCH, LAYER1_SUM, Phase, Schedule
from zynq_lstm.hw.surprisal import Surprisal
from zynq_lstm.quant.config import Config

CHARACTERS = 4
SYMBOLS = (2, 3, 4, 5, 8, 13, 65, 128, 129, 256)
RAM_ACCESS = 1
"""From a read port to the cycle in which its memory is read; a word written then is not seen."""


def all_configs():
    """Every size that a `Config` allows, with the highest capacity."""
    for multipliers, layers in itertools.product((64, 128, 256, 512), (1, 2)):
        columns = multipliers // 4
        for hidden in range(columns, 129, columns):
            yield Config(hidden=hidden, layers=layers, symbols=256, multipliers=multipliers)


CONFIGS = list(all_configs())


@dataclass
class Words:
    """Words that are written for a character and read for one: by name, cycles of both."""

    written: dict = field(default_factory=dict)
    reads: dict = field(default_factory=lambda: defaultdict(list))

    def write(self, name, character, cycle):
        key = (name, character)
        assert key not in self.written, f"{name} of character {character} is written twice"
        self.written[key] = cycle

    def read(self, name, character, cycle):
        self.reads[name, character].append(cycle)

    def check(self):
        """A word is there from the cycle after it was written until the next one is written."""
        for (name, character), cycles in self.reads.items():
            if character >= 0:  # before: the state that a run begins with
                written = self.written[name, character]
                assert written < min(cycles), f"{name} of {character} is read too early"
            following = self.written.get((name, character + 1))
            if following is not None:
                assert max(cycles) <= following, f"{name} of {character} is overwritten"


class Port:
    """Something that one user at a time may have."""

    def __init__(self, name):
        self.name, self.users = name, {}

    def use(self, cycle, user):
        other = self.users.setdefault(cycle, user)
        assert other == user, f"{other} and {user} meet at {self.name} in cycle {cycle}"


class Play:
    """Characters -1 (the prologue: no A), 0, 1 … of one schedule."""

    def __init__(self, schedule, symbols):
        self.schedule, self.c, self.symbols = schedule, schedule.config, symbols
        self.words = Words()
        self.element, self.sums = Port("the element-wise unit"), Port("the stored sums")
        self.store = Port("the write port of the stored sums")
        self.sum_at = engine_latency(self.c)
        self.value_at = self.sum_at + Lane.latency
        period = schedule.cycles(symbols)
        for t in range(-1, CHARACTERS):
            self.character(t, t * period, prologue=t < 0)
        self.words.check()

    def phases(self):
        return self.schedule.phases()

    def character(self, t, cycle, *, prologue):
        """Steps of character t from its first cycle on; then layer 1 of t + 1."""
        c, first_value, last_value = self.c, None, None
        rows_done = defaultdict(int)
        for phase in self.phases():
            if phase.kind == "wait":
                cycle += phase.steps
                continue
            rows = phase.steps // c.groups
            assert phase.steps % c.groups == 0
            if phase.kind == "O":
                rows = c.output_rows(self.symbols)
            if phase.kind == "A" and prologue:
                cycle += phase.steps
                continue
            for _ in range(rows):
                for _ in range(c.groups):
                    self.step(phase.kind, t, cycle)
                    cycle += 1
                self.row(phase.kind, rows_done[phase.kind], t, cycle - 1)
                rows_done[phase.kind] += 1
                if phase.kind == "O":
                    last_value = cycle - 1 + self.value_at
                    first_value = last_value if first_value is None else first_value
        whole = {"A": c.layers == 2 and not prologue, "B": True, "C": c.layers == 2}
        for kind, there in whole.items():
            assert rows_done[kind] == c.hidden * there
        # The surprisal's copy of the logits: no row of the next character may replace it too early.
        self.words.write("logits", t, first_value)
        rows = c.output_rows(self.symbols)
        self.words.read("logits", t, last_value + Surprisal.recovery(rows))
        self.layer1(t + 1, last_value + Sampler.latency + self.schedule.launch_delay + LAUNCH)

    def step(self, kind, t, cycle):
        """A step reads h of its layer, all units at once."""
        layer = 2 if self.c.layers == 2 and kind in "OC" else 1
        self.words.read(f"h{layer}", t, cycle + Engine.HIDDEN_READ)
        if layer == 2:  # in place: no unit of the next character may have moved in
            self.words.read("h2 chain", t, cycle + Engine.HIDDEN_READ)

    def row(self, kind, unit, t, cycle):
        """A row, from its last step on."""
        if kind in "BC":
            layer = 1 if kind == "B" else 2
            at = cycle + self.sum_at + Lane.TOTAL_LATENCY
            self.store.use(at, (kind, unit, t))
            self.words.write(f"sum{layer} {unit}", t, at)
        if kind == "A":
            # The addend's register takes the stored sum.
            at = cycle + self.sum_at + Lane.ADDEND_AFTER - 1 - RAM_LATENCY
            self.sums.use(at, (kind, unit, t))
            self.words.read(f"sum2 {unit}", t - 1, at + RAM_ACCESS)
            self.cell(2, unit, t, cycle + self.value_at + ELEMENTWISE_SELECT)

    def layer1(self, t, first):
        """Layer 1's pass for character t, one unit a cycle."""
        for unit in range(self.c.hidden):
            at = first + unit + InputTable.latency
            self.sums.use(at - RAM_LATENCY, ("pass", unit, t))
            self.words.read(f"sum1 {unit}", t - 1, at - RAM_LATENCY + RAM_ACCESS)
            valid = at + LAYER1_SUM + ELEMENTWISE_SELECT
            self.cell(1, unit, t, valid)

    def cell(self, layer, unit, t, valid):
        """A unit through the element-wise pass."""
        self.element.use(valid, (layer, unit, t))
        self.words.read(f"c{layer} {unit}", t - 1, valid)
        # Written at the latest when h leaves.
        self.words.write(f"c{layer} {unit}", t, valid + Elementwise.latency)
        strobe = valid + Elementwise.strobe_latency
        last = unit == self.c.hidden - 1
        # The cycle before the first in which it shows.
        placed = strobe + Engine.HIDDEN_PLACED - 1
        if layer == 1 and last:  # the copy of the chain, a cycle after the last shift
            self.words.write("h1", t, placed + 1)
        if layer == 2 and last:
            self.words.write("h2", t, placed)
        if layer == 2 and unit == 0:
            self.words.write("h2 chain", t, placed)


def name(config):
    return f"{config.layers}x{config.hidden}-{config.multipliers}"


@pytest.mark.parametrize("config", CONFIGS, ids=name)
def test_every_value_is_written_before_it_is_read_and_kept_until_then(config):
    schedule = Schedule(config)
    for symbols in SYMBOLS:
        Play(schedule, symbols)


def test_the_model_finds_a_schedule_that_is_too_short():
    """Each wait, shortened by a cycle, breaks something: so no wait is longer than needed."""

    class Shorter(Schedule):
        shortened = 0

        def phases(self):
            phases = super().phases()
            waits = [k for k, p in enumerate(phases) if p.kind == "wait"]
            k = waits[self.shortened]
            phases[k] = Phase("wait", phases[k].steps - 1)
            return phases

    for hidden, layers, multipliers in [(16, 1, 64), (128, 2, 64), (16, 2, 64), (128, 2, 512)]:
        config = Config(hidden=hidden, layers=layers, multipliers=multipliers, symbols=256)
        waits = sum(p.kind == "wait" for p in Schedule(config).phases())
        for k in range(waits):
            schedule = Shorter(config)
            object.__setattr__(schedule, "shortened", k)
            with pytest.raises(AssertionError, match=r"is (read too early|overwritten)"):
                for symbols in (2, config.symbols):
                    Play(schedule, symbols)


@pytest.mark.parametrize("config", CONFIGS, ids=name)
def test_the_multipliers_do_all_the_steps(config):
    schedule = Schedule(config)
    for symbols in SYMBOLS:
        assert schedule.steps(symbols) == config.steps(symbols)
        assert schedule.cycles(symbols) >= schedule.steps(symbols)
    kinds = [p.kind for p in schedule.phases() if p.kind != "wait"]
    # B before O is there where O has to wait, B behind it where something of B is left.
    assert [k for k in kinds if k != "B"] == (["A", "O", "C"] if config.layers == 2 else ["O"])
    assert kinds in (["A", "B", "O", "B", "C"], ["A", "B", "O", "C"], ["O", "B"])


def test_the_shipped_size_is_nearly_always_busy():
    schedule = Schedule(Config())
    assert schedule.cycles(65) <= 410
    assert schedule.steps(65) >= 0.97 * schedule.cycles(65)


@pytest.mark.parametrize("config", CONFIGS, ids=name)
def test_values_derived_from_parts(config):
    schedule = Schedule(config)
    assert schedule.sum_latency == engine_latency(config)
    assert schedule.value_latency == schedule.sum_latency + Lane.latency
    assert schedule.layer1_to_elementwise == InputTable.latency + LAYER1_SUM + ELEMENTWISE_SELECT
    assert schedule.launch_delay >= 0
