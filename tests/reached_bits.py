"""Which bits of the sums have been 0 and have been 1 while a self-test ran on the golden model.

`watched` puts a recorder before the operators that the golden model uses. What it records is what
stands in the registers of the hardware: each product, each node of the adder trees and what comes
behind them, each copy for itself. Only what the accelerator computes counts (`Watched`), not what
the self-test expects of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from zynq_lstm.host.golden import GoldenTransport
from zynq_lstm.quant import formats as f
from zynq_lstm.quant import golden, operators, sampling, surprisal
from zynq_lstm.quant.config import BANK_COLUMNS, GATES, Config

PRODUCT_BITS = 16
BANK_SUM_BITS = 17
SCALED_PRODUCT_BITS = f.ACCUMULATOR.bits + f.SCALE.bits + 1
CELL_PRODUCT_BITS = 32
NOISE_PRODUCT_BITS = f.GUMBEL.bits + f.TEMPERATURE.bits + 1
TERM_PRODUCT_BITS = surprisal.EXP_HIGH.bits + surprisal.EXP_LOW.bits


@dataclass
class Node:
    """One bit mask a copy of a sum: what has been 1, and what has been 0."""

    bits: int
    ones: np.ndarray
    zeros: np.ndarray

    @property
    def missing(self) -> list[int]:
        """Bits that have not been both, in some copy."""
        both = int(np.bitwise_and.reduce(self.ones & self.zeros))
        return [k for k in range(self.bits) if not both >> k & 1]


class Recorder:
    """Nodes by their names, as values of them come."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.active = False

    def add(self, name: str, bits: int, values: np.ndarray) -> None:
        """Values of each copy, shape (copies, times)."""
        mask = (1 << bits) - 1
        ones = np.bitwise_or.reduce(values, axis=1).astype(np.int64) & mask
        zeros = ~np.bitwise_and.reduce(values, axis=1).astype(np.int64) & mask
        node = self.nodes.setdefault(name, Node(bits, np.zeros_like(ones), np.zeros_like(ones)))
        node.ones |= ones
        node.zeros |= zeros

    def engine(self, config: Config, products: np.ndarray) -> None:
        """Products of each unit, lane and row, and what the trees make of them."""
        shape = (config.banks, BANK_COLUMNS, config.groups, GATES, products.shape[-1])
        columns = products.reshape(shape).transpose(0, 1, 3, 2, 4)  # bank, column, lane, group, row
        self.add("products", PRODUCT_BITS, _copies(columns, 3))
        level, bits = columns.sum(axis=1, dtype=np.int32), BANK_SUM_BITS
        self.add("sums of banks", bits, _copies(level, 2))
        while len(level) > 1:
            level, bits = level[::2] + level[1::2], bits + 1
            self.add(f"adder tree, sums of {config.banks // len(level)}", bits, _copies(level, 2))
        if config.groups > 1:
            sums = level[0].cumsum(axis=1)
            self.add("accumulators", f.ACCUMULATOR.bits, _copies(sums, 1))

    def requantized(self, sums: np.ndarray, scales: np.ndarray) -> None:
        """Row sums of each lane."""
        exact = sums.astype(np.int64) * scales
        rounded = exact + (1 << (operators.REQUANTIZE_SHIFT - 1))
        self.add("sums x scales", SCALED_PRODUCT_BITS, exact)
        self.add("the same, rounded", SCALED_PRODUCT_BITS, rounded)

    def cells(self, i: np.ndarray, g: np.ndarray, fc: np.ndarray) -> None:
        """Products of one layer's units, and their sum."""
        ig = i * g
        total = fc + (1 << (operators.CELL_PRODUCT_SHIFT - 1))
        total += ig >> operators.INPUT_PRODUCT_SHIFT
        for name, values in (("i x g", ig), ("f x c", fc), ("sum of both", total)):
            self.add(name, CELL_PRODUCT_BITS, values[None])

    def hidden(self, product: np.ndarray) -> None:
        """o times tanh(c)."""
        rounded = product + (1 << (operators.HIDDEN_SHIFT - 1))
        self.add("o x tanh(c)", CELL_PRODUCT_BITS, product[None])
        self.add("o x tanh(c), rounded", CELL_PRODUCT_BITS, rounded[None])

    def scores(self, logits: np.ndarray, temperature: int, noise: np.ndarray) -> None:
        """Of one draw; the last row may have fewer symbols than lanes."""
        exact = lanes_of(noise) * temperature
        rounded = exact + (1 << (operators.NOISE_SHIFT - 1))
        score = (lanes_of(logits) << operators.LOGIT_TO_SCORE_SHIFT) + (
            rounded >> operators.NOISE_SHIFT
        )
        self.add("temperature x noise", NOISE_PRODUCT_BITS, exact)
        self.add("scores", f.SCORE.bits, score)

    def surprisals(self, logits: np.ndarray, target: int) -> None:
        """Of one character."""
        s = surprisal
        distances = lanes_of(logits.max() - logits)
        low = distances & ((1 << s.DISTANCE_LOW_BITS) - 1)
        high = np.minimum(distances >> s.DISTANCE_LOW_BITS, (1 << s.DISTANCE_HIGH_BITS) - 1)
        counts = distances < 1 << (s.DISTANCE_LOW_BITS + s.DISTANCE_HIGH_BITS)
        exact = np.where(counts, s.exp_high_table()[high], 0) * s.exp_low_table()[low]
        terms = s.exponential(distances)
        pairs = terms[::2] + terms[1::2]
        fours = pairs.sum(axis=0)[None, ::-1]  # The last row first.
        totals = fours.cumsum(axis=1)
        log, bits = (
            s.logarithm(totals[0, -1:]),
            s.distance_in_bits((logits.max() - logits)[target : target + 1]),
        )
        half = 1 << (s.SURPRISAL_SHIFT - 1)
        self.add("distances", s.DISTANCE.bits, distances)
        self.add("products of exponentials", TERM_PRODUCT_BITS, exact)
        self.add("terms", s.TERM.bits, terms)
        self.add("terms, in pairs", s.TERM.bits + 1, pairs)
        self.add("terms, in fours", s.TERM.bits + 2, fours)
        self.add("totals of terms", s.TOTAL.bits, totals)
        self.add("logarithm + distance", s.SUMMAND.bits, (half + log + bits)[None])


class Watched(GoldenTransport):
    """The golden model as an accelerator that is watched while it computes."""

    def __init__(self, config: Config, recorder: Recorder) -> None:
        super().__init__()
        self._sizes, self._recorder = config, recorder

    @property
    def config(self) -> Config:
        """Sizes of the accelerator."""
        return self._sizes

    def generate(self, *given, **named):
        """As `GoldenTransport` does."""
        with self._working():
            pieces = list(super().generate(*given, **named))
        yield from pieces

    def score(self, symbols):
        """As `GoldenTransport` does."""
        with self._working():
            return super().score(symbols)

    def logits(self, symbols):
        """As `GoldenTransport` does."""
        with self._working():
            return super().logits(symbols)

    @contextmanager
    def _working(self) -> Iterator[None]:
        self._recorder.active = True
        yield
        self._recorder.active = False


@contextmanager
def watched(config: Config) -> Iterator[tuple[Watched, Recorder]]:
    """An accelerator, and what is recorded of it."""
    recorder = Recorder()
    with pytest.MonkeyPatch.context() as patch:

        def before(where, name, record):
            """Record what an operator is given, then let it work."""
            original = getattr(where, name)

            def watching(*given):
                result = original(*given)
                if recorder.active:
                    record(*given, result)
                return result

            patch.setattr(where, name, watching)

        def rows(matrix, h, scaled):
            by_symbol = scaled.shape[-1] != GATES * config.hidden
            products = (h[:, None] * matrix.weights).astype(np.int32)
            order = lanes_of if by_symbol else _gates
            each = np.stack([order(row) for row in products])
            recorder.engine(config, each)
            sums = order(products.sum(axis=0))
            recorder.requantized(sums, order(matrix.scales))

        before(golden._Matrix, "scaled", rows)
        before(
            operators,
            "preactivation",
            lambda a, b, _: recorder.add("pre-activations", f.PARTIAL.bits + 1, _gates(a + b)),
        )
        before(
            operators,
            "logit",
            lambda a, b, _: recorder.add("logits", f.PARTIAL.bits + 1, lanes_of(a + b)),
        )
        before(operators, "cell_update", lambda i, f_, g, c, _: recorder.cells(i, g, f_ * c))
        before(operators, "hidden_output", lambda o, t, _: recorder.hidden(o * t))
        before(
            sampling,
            "sampling_score",
            lambda logits, t, noise, _: recorder.scores(logits[0], t, noise[0]),
        )
        before(
            surprisal,
            "surprisal",
            lambda logits, target, _: recorder.surprisals(logits, int(target)),
        )
        yield Watched(config, recorder), recorder


def lanes_of(values: np.ndarray) -> np.ndarray:
    """Of a value a symbol those of each lane, shape (4, rows); what fills the last row is 0."""
    return np.pad(values, (0, -len(values) % GATES)).reshape(-1, GATES).T


def _gates(values: np.ndarray) -> np.ndarray:
    """Of gates one block behind the other those of each lane, shape (4, hidden)."""
    return values.reshape(GATES, -1)


def _copies(values: np.ndarray, axes: int) -> np.ndarray:
    return values.reshape(int(np.prod(values.shape[:axes])), -1)
