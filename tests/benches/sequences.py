"""Long sequences of anything: commands, mishaps, aborts and resets one close behind the other.

No check between them gives the chip time to recover: a driver need not either. What a command
leaves behind shows in the next one that must succeed.
"""

import cocotb
from benches.twin import Twin, rounds
from benches.works import announced, make

from zynq_lstm.quant.protocol import RUNS, Error, Mode


class Sequence:
    """Knows whether the golden model's state is still the chip's, and whether there is a model."""

    def __init__(self, twin):
        self.twin, self.known, self.loaded = twin, True, True

    async def make_known(self):
        twin = self.twin
        if not self.loaded:
            await make(twin, Mode.LOAD).begin(twin)
            assert await twin.ended() == Error(0)
            self.loaded = True
        if not self.known:
            await make(twin, Mode.RESET_STATE).begin(twin)
            assert await twin.ended() == Error(0)
            self.known = True

    async def succeed(self):
        """A run, whole and right."""
        twin = self.twin
        await self.make_known()
        work = make(twin, twin.chance.choice(list(Mode)))
        await work.begin(twin)
        if work.returns is not None:
            work.check(await twin.receive(), Error(0))
        assert await twin.ended() == Error(0), work.mode

    async def abort(self):
        """A run, cut off somewhere."""
        twin = self.twin
        await self.make_known()
        work = make(twin, twin.chance.choice(list(Mode)))
        await work.begin(twin)
        await twin.cycles(twin.chance.randrange(twin.chance.choice((30, 400, 1500))))
        await twin.abort()
        error = await twin.ended()
        if work.returns is not None:
            work.check(await twin.receive(), error)
        if error:
            assert error == Error.ABORTED
            self.known = False
            self.loaded = await twin.loaded()

    async def mislead(self):
        """A packet of another length than announced."""
        twin = self.twin
        await self.make_known()
        mode = twin.chance.choice(RUNS)
        sent, awaited = twin.chance.sample(range(2, 30), 2)
        inputs = announced(mode, awaited)
        await twin.start_and_send(twin.symbols(sent), mode, inputs=inputs, outputs=3)
        await twin.receive()
        assert await twin.ended() == Error.PACKET, (sent, awaited)
        self.known = False

    async def _after_reset(self):
        await self.twin.begin()
        self.known = self.loaded = False

    async def soft_reset(self):
        """In the middle of a run."""
        twin = self.twin
        await self.make_known()
        await make(twin, twin.chance.choice(list(Mode))).begin(twin)
        await twin.cycles(twin.chance.randrange(500))
        await twin.soft_reset()
        await self._after_reset()

    async def reset(self):
        """The same by the pin."""
        twin = self.twin
        await self.make_known()
        await make(twin, twin.chance.choice(list(Mode))).begin(twin)
        await twin.cycles(twin.chance.randrange(500))
        await twin.reset(twin.chance.randrange(1, 20))
        await self._after_reset()


@cocotb.test()
async def of_anything(dut):
    twin = await Twin.make(dut)
    sequence = Sequence(twin)
    kinds = {"succeed": 6, "abort": 4, "mislead": 3, "soft_reset": 1, "reset": 1}
    for n in range(rounds(12)):
        if n % 5 == 0:
            twin.pause()
        kind = twin.chance.choices(list(kinds), weights=kinds.values())[0]
        twin.dut._log.debug("%s: %s", n, kind)
        await getattr(sequence, kind)()
    await twin.still_right()


@cocotb.test()
async def of_commands(dut):
    """Nothing but runs that succeed, with other pauses for each, in one unbroken session."""
    twin = await Twin.make(dut)
    sequence = Sequence(twin)
    for _ in range(rounds(4)):
        twin.pause()
        await sequence.succeed()
    await twin.check_state()
    await twin.nothing_more()
