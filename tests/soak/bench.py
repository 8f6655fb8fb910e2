"""Runs on the simulated chip and on the golden model: symbols, and the state at the end.

Chip and models change seldom from run to run, so the last ones are kept.
"""

from collections.abc import Callable

import numpy as np
from soak.plan import Model, Run

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import AcceleratorError
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.sim.link import open_link
from zynq_lstm.sim.simulator import build


class Difference(Exception):  # noqa: N818 - what a soak looks for
    """The chip is not the golden model; the text says where, and how to see it again."""


class Bench:
    """One simulated chip at a time, with a model loaded, and the golden model beside it.

    Parameters
    ----------
    say : callable
        Told what is being built.

    Attributes
    ----------
    simulator : str
        Name of the prepared run's compiled simulator, a digest of what is in it.
    image : Image
        The prepared run's.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._model: Model | None = None
        self._config: Config | None = None
        self._transport: AcceleratorTransport | None = None
        self._golden: GoldenModel | None = None

    def prepare(self, run: Run) -> None:
        """Have a run's image and simulator, compiled at need."""
        if run.model == self._model:
            return
        self.image, self._model, self._golden = run.model.image(), run.model, None
        if self.image.config != self._config:
            self.close()
            self._library = build(self.image.config, self._say)
            self._config, self.simulator = self.image.config, self._library.stem

    def play(self, run: Run) -> None:
        """Play a run that has been prepared.

        Raises
        ------
        Difference
            When the chip fails, or a symbol or a state differs.
        """
        try:
            if self._transport is None:
                link = open_link(self.image.config, library=self._library)
                self._transport = AcceleratorTransport(link)
            if self._golden is None:
                self._transport.load(self.image)
                self._golden = GoldenModel(self.image)
            difference = compare(run, self._transport, self._golden)
        except AcceleratorError as error:
            difference = str(error)
        if difference:
            raise Difference(f"{run}: {difference}; see it again with make soak RUN={run.number}")

    def close(self) -> None:
        """Free the chip."""
        if self._transport is not None:
            self._transport.close()
        self._config = self._transport = None


def compare(run: Run, transport: AcceleratorTransport, golden: GoldenModel) -> str:
    """Draw a text on both, from the zero state; the first difference, empty where there is none."""
    transport.reset_state()
    golden.reset()
    arguments = (run.prompt(golden.symbols), run.length, run.temperature, run.seed)
    found = np.concatenate(list(transport.generate(*arguments)))
    expected = golden.generate(*arguments)
    wrong = np.flatnonzero(found != expected)
    if len(wrong):
        k = wrong[0]
        return (
            f"symbol {k} of {run.length} is {found[k]} on the chip, {expected[k]} in the "
            "golden model"
        )
    here, there = transport.read_state(), golden.state
    for name in ("h", "c"):
        ours, theirs = getattr(here, name), getattr(there, name)
        for layer, unit in np.argwhere(ours != theirs):
            return (
                f"after {run.length} symbols, which are equal, {name} of unit {unit} in layer "
                f"{layer + 1} is {ours[layer, unit]} on the chip, {theirs[layer, unit]} in the "
                "golden model"
            )
    return ""
