"""The registers, over AXI4-Lite."""

import logging

from cocotb.triggers import with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from zynq_lstm.quant.registers import ADDRESS_BITS, WORD_BYTES, register

EVERY_BYTE = (1 << WORD_BYTES) - 1
WINDOW = 1 << ADDRESS_BITS


def mask(strobes):
    """Bits of a word that are written with these strobes."""
    return sum(0xFF << 8 * k for k in range(WORD_BYTES) if strobes >> k & 1)


def offset_of(place):
    """Byte address of a register's name, or the address itself."""
    return register(place).offset if isinstance(place, str) else place


class Bus:
    """A master of the registers; each access is answered within a limit.

    Parameters
    ----------
    dut : handle
    clocking : tuple
        Clock, reset and the reset's active level.
    limit_ns : int
        Longest time of an access.
    """

    def __init__(self, dut, clocking, limit_ns):
        self._master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), *clocking)
        self._limit_ns = limit_ns
        self.channels = {
            "aw": self._master.write_if.aw_channel,
            "w": self._master.write_if.w_channel,
            "b": self._master.write_if.b_channel,
            "ar": self._master.read_if.ar_channel,
            "r": self._master.read_if.r_channel,
        }
        for part in (self._master.write_if, self._master.read_if, *self.channels.values()):
            part.log.setLevel(logging.ERROR)  # it warns of accesses that a reset ends

    async def _answer(self, access):
        answer = await with_timeout(access, self._limit_ns, "ns")
        assert answer.resp == AxiResp.OKAY
        return answer

    async def read(self, place):
        """Read a register, by name or address."""
        # Not beyond the word, for the master would make two accesses of it.
        address = offset_of(place)
        length = WORD_BYTES - address % WORD_BYTES
        answer = await self._answer(self._master.read(address, length))
        return int.from_bytes(answer.data, "little")

    async def write(self, place, value):
        """Write a register, by name or address."""
        data = (int(value) & 0xFFFF_FFFF).to_bytes(WORD_BYTES, "little")
        await self._answer(self._master.write(offset_of(place), data))

    async def try_read(self, place):
        """Read a register; ``None`` where a reset breaks the access off."""
        return await self._master.read(offset_of(place), WORD_BYTES)

    async def try_write(self, place, value):
        """Write a register; ``None`` where a reset breaks the access off."""
        return await self._master.write(offset_of(place), int(value).to_bytes(WORD_BYTES, "little"))

    async def write_bytes(self, place, value, strobes):
        """Write with any strobes, which the master does not know; no other write meanwhile."""
        aw, w = self.channels["aw"], self.channels["w"]
        await aw.send(aw._transaction_obj(awaddr=offset_of(place), awprot=0))
        await w.send(w._transaction_obj(wdata=int(value) & 0xFFFF_FFFF, wstrb=strobes))
        answer = await with_timeout(self.channels["b"].recv(), self._limit_ns, "ns")
        assert int(answer.bresp) == AxiResp.OKAY

    async def read_fields(self, name):
        """The fields of a register, by name in lower case."""
        word = await self.read(name)
        return {field.name.lower(): field.of(word) for field in register(name).fields}
