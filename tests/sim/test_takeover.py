"""A host that was killed, and started again: another driver finds the chip as the first left it.

The simulated chip is in the process that would be killed, so the first driver's link dies instead:
from some call on it does nothing any more, and no recovery of the driver comes through. What has
begun goes on: a transfer, a run, an interrupt.
"""

import numpy as np
import pytest
from random_models import random_image

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.host.session import Session
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.protocol import Mode
from zynq_lstm.sim.link import SimulatedLink

CONFIG = Config(hidden=16, symbols=8, multipliers=64)
IMAGE = random_image(CONFIG, 7, "ordinary", 1)
TEXT = np.array([1, 5, 0, 6, 2, 2, 3, 4, 6, 0, 1], np.uint8)
LATER = (0, 3, 40, 1500, 20_000)
"""Cycles from the death until the next host comes: at once, and when all is over."""


class Killed(BaseException):
    """Nothing of the process goes on."""


class MortalLink(SimulatedLink):
    """A link whose process dies at its call number ``last``, which is still carried out.

    Parameters
    ----------
    chip : Chip
        Not closed with it.
    """

    def __init__(self, chip, last=None):
        super().__init__(chip)
        self.calls, self.last = 0, last

    def _call(self, name, *arguments):
        if self.last is not None and self.calls > self.last:
            raise Killed
        self.calls += 1
        result = getattr(super(), name)(*arguments)
        if self.last is not None and self.calls > self.last:
            raise Killed
        return result

    def read(self, offset):
        return self._call("read", offset)

    def write(self, offset, value):
        self._call("write", offset, value)

    def send(self, packet):
        self._call("send", packet)

    def sent(self):
        return self._call("sent")

    def accept(self, size):
        self._call("accept", size)

    def accepted(self):
        return self._call("accepted")

    def wait(self, cycles):
        # The signal may come in the middle of a wait.
        dies = self.last is not None and self.calls >= self.last
        self._call("wait", cycles // 3 if dies else cycles)

    def reset(self):
        self._call("reset")

    def close(self):
        """The chip outlives its process here."""


COMMANDS = {
    Mode.LOAD: lambda t: t.load(IMAGE),
    Mode.GENERATE: lambda t: list(t.generate(TEXT, 20, 4096, 1)),
    Mode.LOGITS: lambda t: t.logits(TEXT),
    Mode.SCORE: lambda t: t.score(TEXT),
    Mode.READ_STATE: lambda t: t.read_state(),
    Mode.WRITE_STATE: lambda t: t.write_state(GoldenModel(IMAGE).state),
    Mode.RESET_STATE: lambda t: t.reset_state(),
}


def works(transport: AcceleratorTransport) -> None:
    """From the zero state, in which a load leaves it."""
    model = GoldenModel(IMAGE)
    drawn = np.concatenate(list(transport.generate(TEXT, 4, 4096, 9)))
    assert drawn.tolist() == model.generate(TEXT, 4, 4096, 9).tolist()
    assert transport.read_state() == model.state


def taken_over(chip) -> AcceleratorTransport:
    """What a new process does."""
    transport = AcceleratorTransport(MortalLink(chip))
    assert transport.counters()["characters"] == 0
    transport.load(IMAGE)
    works(transport)
    return transport


@pytest.fixture
def raw(used_by_hand):
    """A chip after a reset by its pin."""
    chip = used_by_hand(CONFIG).link.chip
    chip.reset()
    return chip


def dies(chip, command, last: int) -> bool:
    """Whether a process dies at a call of a command; it does not where there are fewer calls."""
    link = MortalLink(chip)
    transport = AcceleratorTransport(link)
    transport.load(IMAGE)
    link.calls, link.last = 0, last
    try:
        command(transport)
    except Killed:
        return True
    return False


@pytest.mark.parametrize("mode", Mode)
def test_killed_at_each_call_of_a_command(raw, mode) -> None:
    """Between any two accesses, and at various times until the next process."""
    last = 0
    while dies(raw, COMMANDS[mode], last):
        raw.clock(LATER[last % len(LATER)])
        taken_over(raw)
        last += 1
    assert last >= 3, "a command takes some calls"


def test_killed_at_each_call_of_an_opening_or_a_recovery(raw) -> None:
    """A process dies in a run, the next one while it clears that away, and so on."""
    last = 0
    while True:
        assert dies(raw, COMMANDS[Mode.GENERATE], 8)
        try:
            AcceleratorTransport(MortalLink(raw, last))
        except Killed:
            last += 1
            taken_over(raw)
        else:
            break
    assert last > 8, "an opening takes some calls"


@pytest.mark.parametrize("mode", [Mode.LOAD, Mode.LOGITS, Mode.SCORE, Mode.WRITE_STATE])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_killed_with_a_packet_half_sent(raw, mode, share) -> None:
    """Unlike a DMA engine, which goes on alone, here the packet stops for ever in its middle."""
    link = MortalLink(raw)
    AcceleratorTransport(link).load(IMAGE)
    for stage in range(3):
        transport = AcceleratorTransport(MortalLink(raw))
        transport.load(IMAGE)
        real = raw.offer

        def half(words, last_bytes=8, *, ends=True, real=real):
            count = int(share * len(words))
            if count:
                real(words[:count], ends=False)

        raw.offer = half
        transport.link.calls, transport.link.last = 0, 6 + 2 * stage
        with pytest.raises(Killed):
            COMMANDS[mode](transport)
        del raw.offer
        raw.clock(LATER[stage])
        taken_over(raw)


def test_killed_before_it_reads_what_came(raw) -> None:
    """Packets that nobody has taken wait in the chip, with the interrupt high."""
    transport = AcceleratorTransport(MortalLink(raw))
    transport.load(IMAGE)
    link = transport.link
    link.accept = lambda size: None  # As an engine that its reset has stopped.
    for last in range(8, 14):
        link.calls, link.last = 0, last
        with pytest.raises(Killed):
            transport.logits(np.zeros(300, np.uint8))
        raw.clock(100_000)
        link = taken_over(raw).link
        transport = AcceleratorTransport(link)
        transport.load(IMAGE)
        link.accept = lambda size: None


def test_kernel_restarted_while_it_generates(raw) -> None:
    """A notebook's session dies between pieces of a stream, and in one."""
    for last in range(0, 60, 4):
        link = MortalLink(raw)
        transport = AcceleratorTransport(link)
        transport.load(IMAGE)
        pieces = Session(IMAGE, transport).stream("ab", 500, seed=last)
        next(pieces)
        link.calls, link.last = 0, last
        with pytest.raises(Killed):
            list(pieces)
        raw.clock(LATER[last % len(LATER)])
        taken_over(raw)
