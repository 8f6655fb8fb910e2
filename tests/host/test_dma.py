"""What the DMA engine's registers are taken for, and its reset, on registers out of a list."""

import pytest

from zynq_lstm.host.dma import (
    DMACR,
    DMASR,
    LENGTH,
    MM2S,
    RESET_POLLS,
    S2MM,
    Control,
    DmaEngine,
    Status,
)
from zynq_lstm.host.link import LinkError


class Registers:
    """Reads what is planted; a reset ends, and a channel runs, after some looks at it."""

    def __init__(self, looks: int = 3) -> None:
        self.values: dict[int, int] = {}
        self.looks = looks
        self.left = 0
        self.log: list[tuple[str, int, int]] = []

    def read(self, offset: int) -> int:
        self.left -= 1
        value = self.values.get(offset, 0)
        if offset == MM2S + DMACR:
            value = Control.RESET if self.left > 0 else Control(0)
        elif offset in (MM2S + DMASR, S2MM + DMASR) and offset not in self.values:
            value = Status.HALTED if self.left > 0 else Status(0)
        self.log.append(("read", offset, int(value)))
        return int(value)

    def write(self, offset: int, value: int) -> None:
        self.left = self.looks
        self.log.append(("write", offset, value))


def engine(registers: Registers) -> tuple[DmaEngine, list[float]]:
    slept: list[float] = []
    return DmaEngine(registers, slept.append), slept


@pytest.mark.parametrize("channel", [MM2S, S2MM])
@pytest.mark.parametrize("status, ended", [(0, False), (Status.IDLE, True), (0x1002, True)])
def test_a_transfer_has_ended_when_its_channel_is_idle(channel, status, ended) -> None:
    registers = Registers()
    registers.values[channel + DMASR] = int(status)
    assert engine(registers)[0].ended(channel) is ended
    assert len(registers.log) == 1


@pytest.mark.parametrize(
    "status, text",
    [
        (
            Status.INTERNAL_ERROR | Status.HALTED,
            "failed: DMAIntErr, the packet is longer than its buffer or the engine is wrong",
        ),
        (Status.SLAVE_ERROR, "failed: DMASlvErr, the memory refused an access"),
        (Status.DECODE_ERROR, "failed: DMADecErr, there is no memory at the buffer's address"),
    ],
)
def test_errors_are_sentences(status, text) -> None:
    registers = Registers()
    registers.values = {MM2S + DMASR: int(status), S2MM + DMASR: int(status)}
    for channel, way in ((MM2S, "to"), (S2MM, "from")):
        with pytest.raises(LinkError) as caught:
            engine(registers)[0].ended(channel)
        assert str(caught.value) == f"The DMA transfer {way} the accelerator {text}"


def test_a_halt_is_an_error() -> None:
    registers = Registers()
    registers.values[S2MM + DMASR] = int(Status.HALTED)
    with pytest.raises(LinkError, match=r"from the accelerator ends, but it has halted$"):
        engine(registers)[0].ended(S2MM)


def test_length_is_that_of_the_receiving_channel() -> None:
    registers = Registers()
    registers.values = {MM2S + LENGTH: 1, S2MM + LENGTH: 2}
    assert engine(registers)[0].received() == 2


def test_a_restart_resets_once_and_lets_both_channels_run() -> None:
    registers = Registers()
    made, slept = engine(registers)
    made.restart()
    assert [entry for entry in registers.log if entry[0] == "write"] == [
        ("write", MM2S + DMACR, Control.RESET),
        ("write", MM2S + DMACR, Control.RUN),
        ("write", S2MM + DMACR, Control.RUN),
    ]
    assert len(slept) == 3 * (registers.looks - 1)


@pytest.mark.parametrize(
    "stuck, text",
    [(None, "The DMA must end its reset"), (S2MM + DMASR, "The DMA must run after a reset")],
)
def test_a_restart_that_does_not_end_is_given_up(stuck, text) -> None:
    registers = Registers(1 if stuck else 10 * RESET_POLLS)
    if stuck:
        registers.values[stuck] = int(Status.HALTED)
    made, slept = engine(registers)
    with pytest.raises(LinkError, match=f"^{text} within 1 ms; it does not: load the overlay"):
        made.restart()
    assert len(slept) == RESET_POLLS
