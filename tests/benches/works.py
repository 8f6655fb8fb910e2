"""A run of each mode, to be disturbed at any of its cycles."""

from dataclasses import dataclass, field

import numpy as np
from benches.packets import state_bytes, words_to_bytes

from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.protocol import Error, Mode

RUN_STATES = ("IDLE", "PREPARE", "LOAD", "STATE", "RUN", "DRAIN", "CLOSE", "SURPLUS")
"""Of the controller, in the order of their numbers."""


@dataclass(frozen=True)
class Work:
    """A command, its input packet, and its output packet where there is one: the golden model's."""

    mode: Mode
    sends: bytes | None = None
    returns: bytes | None = None
    command: dict = field(default_factory=dict)

    async def begin(self, twin):
        """The packet is there before the start, or comes after it."""
        if self.sends is None:
            await twin.start(self.mode)
            return
        early = twin.chance.random() < 0.5
        if early:
            twin.send(self.sends)
        await twin.start(self.mode, **self.command)
        if not early:
            twin.send(self.sends)

    def check(self, packet, error):
        """What came out is right: all of it, or all but the last byte where the run was cut off."""
        if error == Error(0):
            assert packet == self.returns
        else:
            assert packet[:-1] == self.returns[: len(packet) - 1], (
                f"{self.mode.name} must be right until it ends: {packet.hex()}, "
                f"not {self.returns.hex()}"
            )


def announced(mode, symbols):
    """INPUTS for a packet of so many symbols: SCORE does not feed the last."""
    return symbols - (mode == Mode.SCORE)


def logits_bytes(twin, text):
    """The packet of logits; what fills the last row up has neither weights nor bias."""
    logits = twin.golden.logits(text)
    lanes = twin.image.config.output_rows(twin.image.symbols) * GATES
    return np.pad(logits, [(0, 0), (0, lanes - logits.shape[-1])]).astype("<i2").tobytes()


def make(twin, mode):
    """Some work of a mode; the golden model does it at once."""
    if mode == Mode.LOAD:
        return Work(mode, words_to_bytes(twin.image.payload))
    if mode == Mode.GENERATE:
        inputs, outputs = twin.chance.choice((1, 7, 9, 20)), twin.chance.choice((1, 8, 11))
        command = {"inputs": inputs, "outputs": outputs, "temperature": 4096, "seed": twin.seed()}
        text = twin.symbols(inputs)
        found = twin.golden.generate(text, outputs, 4096, command["seed"])
        return Work(mode, text.tobytes(), found.tobytes(), command)
    if mode == Mode.LOGITS:
        text = twin.symbols(twin.chance.choice((1, 7, 9, 20)))
        return Work(mode, text.tobytes(), logits_bytes(twin, text), {"inputs": len(text)})
    if mode == Mode.SCORE:
        text = twin.symbols(twin.chance.choice((2, 8, 9, 20)))
        found = twin.golden.score(text).astype("<u2")
        return Work(mode, text.tobytes(), found.tobytes(), {"inputs": len(text) - 1})
    if mode == Mode.READ_STATE:
        return Work(mode, returns=state_bytes(twin.golden.state))
    if mode == Mode.WRITE_STATE:
        twin.golden.state = state = twin.random_state()
        return Work(mode, state_bytes(state))
    assert mode == Mode.RESET_STATE, f"{mode} has no work yet"
    twin.golden.reset()
    return Work(mode)


def state_of(twin):
    """The controller's state now."""
    return RUN_STATES[int(twin.dut.accelerator.controller.run_state.value)]


async def length(twin, mode):
    """Cycles of such a run that nobody disturbs, from its start's answer to its end."""
    twin.pause(0, 0, 0)
    work = make(twin, mode)
    await work.begin(twin)
    begin = twin.now()
    packet = None if work.returns is None else await twin.receive()
    assert await twin.ended() == Error(0)
    if packet is not None:
        work.check(packet, Error(0))
    return twin.now() - begin


def positions(twin, cycles, count):
    """As many waits, one at random in each of equal parts of a run, and of a while after it."""
    part = 1.1 * cycles / count
    return [int((k + twin.chance.random()) * part) for k in range(count)]
