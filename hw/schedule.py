"""When each step of a character happens: computed from the latencies, before any logic exists.

With two layers, a character t is these phases of engine steps, one step a cycle:

    A   W_ih2 h1[t]    completed by the sums that C left, through the element-wise unit to h2[t]
    B   W_hh1 h1[t]    stored for the next character; as long as h2[t] is not complete
    O   W_out h2[t]    logits, through the sampler to the next symbol
    B   the rest of B
    C   W_hh2 h2[t]    stored for the next A

Meanwhile, when the next symbol is known, layer 1 of t + 1 runs without multipliers: stored sum of B
plus a row of the input table, through the element-wise unit to h1[t + 1]. With one layer: O, B,
then waiting for layer 1. Times count from a step at the engine's ports; cycle 0 is the first step
of a character. All that depends on the number of symbols is the length of O; but the smallest
accelerators of the most symbols also wait until the surprisal has read a character's logits.
"""

from dataclasses import dataclass

from zynq_lstm.hw.elementwise import Elementwise
from zynq_lstm.hw.engine import Engine, engine_latency
from zynq_lstm.hw.input_table import InputTable
from zynq_lstm.hw.requantizer import Lane
from zynq_lstm.hw.sampler import Sampler
from zynq_lstm.hw.surprisal import Surprisal
from zynq_lstm.quant.config import Config

ELEMENTWISE_SELECT = 1
"""Register that chooses between layer 2's and layer 1's pre-activations."""

LAYER1_SUM = 2
"""From table row and stored sum to a pre-activation of layer 1: addition, saturation."""

LAUNCH = 1
"""From the sampler's symbol to the first unit of layer 1 at the input table."""


@dataclass(frozen=True)
class Phase:
    """Consecutive cycles of one kind.

    Parameters
    ----------
    kind : str
        "A", "B", "C", "O", or "wait" (no steps).
    steps : int
        Length in cycles; of O: 0, for it is ``groups`` times the rows of four symbols.
    """

    kind: str
    steps: int


@dataclass(frozen=True)
class Schedule:
    """The schedule of a configuration."""

    config: Config

    @property
    def sum_latency(self):
        """Step to row sums."""
        return engine_latency(self.config)

    @property
    def value_latency(self):
        """Step to pre-activations or logits."""
        return self.sum_latency + Lane.latency

    @property
    def hidden_placed(self):
        """Element-wise ``valid`` to its h in the chain."""
        return Elementwise.strobe_latency + Engine.HIDDEN_PLACED

    @property
    def layer1_to_elementwise(self):
        """Unit at the input table to element-wise ``valid``."""
        return InputTable.latency + LAYER1_SUM + ELEMENTWISE_SELECT

    @property
    def output_wait(self):
        """Cycles between the last step of A and the first of O, in which h2 becomes complete."""
        value = self.value_latency + ELEMENTWISE_SELECT
        return value + self.hidden_placed - Engine.HIDDEN_READ - 1

    def phases(self):
        """The phases of a character, in order; the last may be a wait."""
        c = self.config
        whole = c.hidden * c.groups
        if c.layers == 1:
            before, early, gap = [], 0, 0
        else:
            early = min(whole, self.output_wait // c.groups * c.groups)
            gap = self.output_wait - early
            before = [Phase("A", whole), Phase("B", early), Phase("wait", gap)]
        after = [Phase("O", 0), Phase("B", whole - early)]
        if c.layers == 2:
            after.append(Phase("C", whole))
        used = sum(p.steps for p in before + after)
        wait = self._next_character(before, after) - used
        every = [*before, *after, Phase("wait", max(0, wait))]
        return [p for p in every if p.kind == "O" or p.steps]

    @property
    def launch_delay(self):
        """Cycles that layer 1 waits after the symbol, so that the stored sums of B are there."""
        c = self.config
        whole = c.hidden * c.groups
        start = 0 if c.layers == 1 else whole + self.output_wait
        early = 0 if c.layers == 1 else min(whole, self.output_wait // c.groups * c.groups)
        stored = self.sum_latency + Lane.TOTAL_LATENCY
        rest = [
            start + (j + 1) * c.groups - 1 - early + stored - j
            for j in range(early // c.groups, c.hidden)
        ]
        return max([0] + [needed - self._symbol(start) - LAUNCH for needed in rest])

    def _symbol(self, start):
        """Cycle of the sampler's symbol, less the length of O."""
        return start - 1 + self.value_latency + Sampler.latency

    def _next_character(self, before, after):
        """Earliest first cycle of the next character, less the length of O."""
        c = self.config
        start = sum(p.steps for p in before)
        first_unit = self._symbol(start) + self.launch_delay + LAUNCH
        last_valid = first_unit + c.hidden - 1 + self.layer1_to_elementwise
        loaded = last_valid + self.hidden_placed + 1  # the copy of the chain comes one cycle later
        last_read = start + sum(p.steps for p in after if p.kind == "B") - 1 + Engine.HIDDEN_READ
        if loaded <= last_read:
            raise ValueError("h1 would be replaced while B still reads it")
        # From the last row of logits to the next character's first are so many cycles and a row's.
        scored = Surprisal.recovery(c.output_rows(c.symbols)) - c.groups
        return max(loaded - Engine.HIDDEN_READ, scored)

    def cycles(self, symbols):
        """Cycles of a character in the steady state."""
        rows = self.config.output_rows(symbols)
        return sum(p.steps for p in self.phases()) + rows * self.config.groups

    def steps(self, symbols):
        """Steps of a character: cycles in which the multipliers work."""
        return self.config.steps(symbols)
