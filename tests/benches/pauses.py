"""Pauses at random on any number of channels, from one coroutine.

cocotbext-axi would run a generator a channel in each cycle, which with seven channels takes more
time than the simulation.
"""

import cocotb
from cocotb.triggers import Event, RisingEdge

SHARES = (0, 0, 0.2, 0.6, 0.93)
"""Chances of a pause in a cycle."""


class Pauses:
    """What pauses which channels.

    Parameters
    ----------
    clock : handle
    channels : dict of str to source or sink of cocotbext-axi
    chance : random.Random
    """

    def __init__(self, clock, channels, chance):
        self._clock, self._channels, self._chance = clock, channels, chance
        self._random, self._some = [], Event()
        cocotb.start_soon(self._run())

    def set(self, **shares):
        """Set the chance of a pause for each channel; where none is given, choose one."""
        self._random = []
        for name, channel in self._channels.items():
            share = shares.get(name)
            share = self._chance.choice(SHARES) if share is None else share
            if 0 < share < 1:
                self._random.append((channel, share))
            else:
                channel.pause = bool(share)
        if self._random:
            self._some.set()

    async def _run(self):
        while True:
            if not self._random:
                self._some.clear()
                await self._some.wait()
            await RisingEdge(self._clock)
            for channel, share in self._random:
                paused = self._chance.random() < share
                if channel.pause != paused:
                    channel.pause = paused
