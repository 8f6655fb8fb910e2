"""What goes wrong on a board: it is told in a sentence, soon, and the accelerator works afterwards.

Faults are planted in the simulated DMA engine and in the registers that are read; pynq, driver and
accelerator are the real ones.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pynq
import pytest
from bare_commands import Bare

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.host.board import BoardLink, open_link
from zynq_lstm.host.dma import Status
from zynq_lstm.host.golden import GoldenTransport
from zynq_lstm.host.link import LinkError
from zynq_lstm.quant.errors import AcceleratorError, UserError
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.registers import IDENTITY, VERSION, register
from zynq_lstm.quant.sampling import encode_temperature
from zynq_lstm.sim.axi_dma import Fault
from zynq_lstm.sim.virtual_board import VirtualBoard

PROMPT = np.array([1, 2, 3], np.uint8)
LENGTH, SEED = 20, 5


@pytest.fixture
def link(board: VirtualBoard) -> BoardLink:
    return board.open_link()


@pytest.fixture
def transport(link: BoardLink, image: Image) -> Iterator[AcceleratorTransport]:
    made = AcceleratorTransport(link)
    made.load(image)
    yield made
    made.close()


def draw(transport) -> np.ndarray:
    return np.concatenate(list(transport.generate(PROMPT, LENGTH, encode_temperature(1.0), SEED)))


@pytest.fixture
def works(transport: AcceleratorTransport, image: Image) -> Callable[[], None]:
    """A function that sees that the transport draws what the golden model draws."""
    golden = GoldenTransport()
    golden.load(image)
    expected = draw(golden)

    def check() -> None:
        transport.reset_state()
        assert np.array_equal(draw(transport), expected)

    check()
    return check


ERRORS = {
    Status.INTERNAL_ERROR: "DMAIntErr",
    Status.SLAVE_ERROR: "DMASlvErr",
    Status.DECODE_ERROR: "DMADecErr",
}


@pytest.mark.parametrize(
    "way, error", [("send", Status.SLAVE_ERROR), *(("receive", error) for error in ERRORS)]
)
def test_an_error_of_the_dma(board, transport, works, way, error) -> None:
    getattr(board.dma, way).faults.append(Fault(error=error))
    begun = board.monotonic()
    with pytest.raises(AcceleratorError) as caught:
        draw(transport)
    assert board.monotonic() - begun < 0.001, "it is not the limit that tells"
    assert f"{ERRORS[error]}, " in str(caught.value)
    assert str(caught.value).endswith(
        "The accelerator was reset, the model was loaded again, the state is zero"
    )
    assert caught.value.__cause__ is not None
    works()


@pytest.mark.parametrize("way", ["send", "receive"])
def test_a_transfer_that_never_ends(board, transport, works, way) -> None:
    getattr(board.dma, way).faults.append(Fault(stuck=True))
    begun = board.monotonic()
    with pytest.raises(AcceleratorError) as caught:
        draw(transport)
    assert board.monotonic() - begun < 0.1
    told = {
        "send": "its packet of 3 bytes has not gone out",
        "receive": "for the end of GENERATE's answer of 20 bytes; it has not come",
    }
    assert told[way] in str(caught.value)
    works()


def test_a_packet_that_comes_short_to_the_host(board, transport, works) -> None:
    board.dma.receive.faults.append(Fault(lost=3))
    with pytest.raises(AcceleratorError, match=r"^GENERATE's answer must have 20 bytes, not 17\."):
        draw(transport)
    works()


def test_a_packet_that_comes_short_to_the_accelerator(board, transport, works) -> None:
    board.dma.send.faults.append(Fault(lost=1))
    with pytest.raises(AcceleratorError, match=r"^GENERATE failed: The input packet was shorter"):
        draw(transport)
    works()


def test_a_packet_longer_than_its_buffer(link, transport, works, monkeypatch) -> None:
    accept = link.accept
    with monkeypatch.context() as planted:
        planted.setattr(link, "accept", lambda size: accept(size - 5))
        with pytest.raises(AcceleratorError, match="DMAIntErr, the packet is longer than its"):
            draw(transport)
    works()


def test_an_image_that_arrives_wrong(board, transport, works, image) -> None:
    board.dma.send.faults.append(Fault(lost=8))
    with pytest.raises(AcceleratorError, match=r"^LOAD failed: "):
        transport.load(image)
    works()


def test_a_dma_that_cannot_be_reset(board, transport, works) -> None:
    board.dma.receive.faults.append(Fault(stuck=True))
    board.dma.stuck = True
    for _ in range(2):
        with pytest.raises(AcceleratorError, match=r"either: The DMA must end its reset"):
            draw(transport)
    board.dma.stuck = False
    works()


def test_an_engine_that_an_earlier_program_left_in_an_error(board, tmp_path) -> None:
    """pynq's own driver would wait for it for ever."""
    bitfile = tmp_path / "zynq_lstm.bit"
    bitfile.touch()
    bitfile.with_suffix(".hwh").write_text(board.handoff())
    overlay = pynq.Overlay(str(bitfile), device=board)
    board.dma.send.fail(Status.SLAVE_ERROR)
    time = {"sleep": board.sleep, "monotonic": board.monotonic}
    board.dma.stuck = True
    with pytest.raises(LinkError, match=r"^The DMA must end its reset"):
        open_link(overlay=overlay, **time)
    board.dma.stuck = False
    open_link(overlay=overlay, **time).close()


@pytest.mark.parametrize(
    "name, value, text",
    [
        ("IDENTITY", 0, f"must read {IDENTITY:08x} in its register IDENTITY, not 00000000"),
        ("VERSION", VERSION + 0x10000, "must have registers of version"),
        ("CONFIG_HASH", 0x1234, "must have the layout hash"),
        ("CONFIG", 0, "must have sizes that zynq-lstm knows"),
    ],
)
def test_a_wrong_bitstream(board, name, value, text) -> None:
    board.forged[register(name).offset] = value
    with pytest.raises(UserError, match=text):
        AcceleratorTransport(board.open_link())
    assert board.memory.allocated == 0


def test_no_run_without_an_image(link, image) -> None:
    Bare(link, image).check_without_an_image()
    link.close()


def test_a_bitstream_that_another_program_loads(board, transport, works) -> None:
    """The model is gone, and so is what the driver had written to the registers."""
    for command in (transport.read_state, transport.reset_state, lambda: draw(transport)):
        board.chip.reset()
        board.dma.reset()
        with pytest.raises(AcceleratorError, match="The accelerator was reset, the model was"):
            command()
        works()


def test_an_image_for_another_accelerator(transport, works, image) -> None:
    other = replace(image, config=replace(image.config, layers=1))
    with pytest.raises(UserError, match=r"^Image must be made for this accelerator"):
        transport.load(other)
    works()


def test_a_loaded_overlay_without_the_accelerator(board) -> None:
    handoff = board.handoff().replace("module_ref:zynq_lstm", "module_ref:other")
    with pytest.raises(UserError, match="must hold one accelerator"):
        board.open_link(handoff=handoff)


def test_no_memory_for_buffers(board, monkeypatch) -> None:
    def allocate(shape, dtype, **options):
        if board.memory.allocated:
            raise RuntimeError("Allocate failed: 4294967295")
        return made(shape, dtype, **options)

    made = board.allocate
    monkeypatch.setattr(board, "allocate", allocate)
    with pytest.raises(UserError, match=r"bytes of contiguous memory free; pynq says: Allocate"):
        board.open_link()
    assert board.memory.allocated == 0


def test_a_board_that_is_not_known(make_board) -> None:
    with pytest.raises(UserError, match=r"^Board must be one of pynq-z1, .*, not 'pynq'$"):
        make_board(board="pynq")
