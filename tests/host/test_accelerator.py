"""The driver over a link: what it makes of commands, how seldom it asks, and how it recovers."""

import itertools

import numpy as np
import pytest
from fake_link import FakeLink
from random_models import random_image

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.host.link import LinkError
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import AcceleratorError, UserError
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.registers import VERSION, constants
from zynq_lstm.quant.state import State

CONFIG = Config(hidden=16, symbols=16, multipliers=64)
SYMBOLS = 13
SEED = 0x1234_5678_9ABC_DEF1


@pytest.fixture(scope="module")
def image() -> Image:
    return random_image(CONFIG, SYMBOLS, "ordinary", 1)


@pytest.fixture
def link() -> FakeLink:
    return FakeLink(CONFIG)


@pytest.fixture
def transport(link: FakeLink, image: Image) -> AcceleratorTransport:
    transport = AcceleratorTransport(link)
    transport.load(image)
    return transport


@pytest.fixture
def model(image: Image) -> GoldenModel:
    return GoldenModel(image)


def text(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, SYMBOLS, count).astype(np.uint8)


def drawn(
    transport: AcceleratorTransport, prompt: np.ndarray, length: int, **options
) -> np.ndarray:
    return np.concatenate(list(transport.generate(prompt, length, 3000, SEED, **options)))


def works(transport: AcceleratorTransport, image: Image) -> None:
    """From a zero state, for that is what the transport promises after an error."""
    model = GoldenModel(image)
    assert transport.read_state() == model.state
    assert np.array_equal(transport.logits(text(9)), model.logits(text(9)))


# Results


def test_commands_give_the_golden_models_integers(transport, model) -> None:
    assert np.array_equal(transport.logits(text(9)), model.logits(text(9)))
    assert np.array_equal(drawn(transport, text(3), 20), model.generate(text(3), 20, 3000, SEED))
    scored = transport.score(text(30, 2))
    assert np.array_equal(scored, model.score(text(30, 2)))
    assert scored.dtype == np.uint16
    assert transport.read_state() == model.state


def test_state_goes_out_and_back(transport, image) -> None:
    rng = np.random.default_rng(3)
    state = State(
        rng.integers(-128, 128, (2, 16)).astype(np.int8),
        rng.integers(-(2**15), 2**15, (2, 16)).astype(np.int16),
    )
    transport.write_state(state)
    assert transport.read_state() == state
    transport.reset_state()
    works(transport, image)


@pytest.mark.parametrize("largest", [3000, 3001, 4096])
def test_transfers_are_bounded_without_a_change_in_results(image, largest, monkeypatch) -> None:
    """A packet's bound is a matter of the link, the characters' one of the driver."""
    assert 8 * len(image.payload) > largest
    monkeypatch.setattr(AcceleratorTransport, "_check", lambda self, image: None)
    monkeypatch.setattr("zynq_lstm.host.accelerator.MOST_CHARACTERS", 100)
    link = FakeLink(CONFIG)
    transport, model = AcceleratorTransport(link), GoldenModel(image)
    transport.load(image)
    link.largest_packet = largest
    link.modes.clear()
    prompt = text(333)
    assert np.array_equal(drawn(transport, prompt, 450), model.generate(prompt, 450, 3000, SEED))
    assert len(link.modes) == 3 + 5
    assert transport.read_state() == model.state
    assert np.array_equal(transport.score(text(450, 2)), model.score(text(450, 2)))
    assert np.array_equal(transport.logits(text(450, 2)), model.logits(text(450, 2)))
    assert transport.read_state() == model.state


@pytest.mark.parametrize("count", [2, 99, 100, 101, 200, 201, 202])
def test_scores_texts_of_each_length_about_the_bound(transport, model, monkeypatch, count) -> None:
    monkeypatch.setattr("zynq_lstm.host.accelerator.MOST_CHARACTERS", 101)
    assert np.array_equal(transport.score(text(count)), model.score(text(count)))
    assert transport.read_state() == model.state


def test_prompt_pieces_grow_from_small_ones(transport, model, link) -> None:
    pieces = list(transport.generate(text(3), 200, 3000, SEED, promptly=True))
    assert len(pieces[0]) == link.prompt_piece
    assert all(len(b) <= 2 * len(a) for a, b in itertools.pairwise(pieces))
    assert np.array_equal(np.concatenate(pieces), model.generate(text(3), 200, 3000, SEED))
    assert transport.read_state() == model.state


def test_prompt_pieces_do_not_grow_where_text_comes_slowly(transport, link) -> None:
    link.prompt_cycles = 1
    pieces = transport.generate(text(3), 50, 3000, SEED, promptly=True)
    assert {len(piece) for piece in pieces} == {link.prompt_piece, 50 % link.prompt_piece}


def test_generator_that_is_left_leaves_nothing_running(transport, link) -> None:
    pieces = transport.generate(text(3), 10**6, 3000, SEED, promptly=True)
    next(pieces)
    pieces.close()
    transport.reset_state()
    transport.read_state()


# Cost


def test_a_thousand_characters_cost_few_accesses(transport, link) -> None:
    link.accesses = link.transfers = 0
    assert len(drawn(transport, text(6), 1000)) == 1000
    assert link.transfers == 2
    assert link.accesses <= 25
    link.accesses = 0
    drawn(transport, text(6), 1000)
    assert link.accesses <= 20, "what has not changed is not written again"


def test_cost_does_not_depend_on_the_length(transport, link) -> None:
    costs = []
    for length in (100, 2000):
        link.accesses = 0
        drawn(transport, text(6), length)
        costs.append(link.accesses)
    assert costs[1] <= costs[0] + 2


# Opening


def test_finds_out_the_configuration(link) -> None:
    assert AcceleratorTransport(link).config == CONFIG


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"IDENTITY": 0}, "must read 5a4c5354 in its register IDENTITY, not 00000000"),
        ({"IDENTITY": 0xFFFF_FFFF}, "not ffffffff; another circuit is loaded"),
        ({"VERSION": VERSION + (1 << 16)}, r"not \d+\.\d+; take bitstream and package"),
        ({"CONFIG": 0x1234}, "sizes that zynq-lstm knows"),
        ({"CONFIG_HASH": 0xDEAD_BEEF}, "must have the layout hash [0-9a-f]{8} .* not deadbeef"),
    ],
)
def test_refuses_other_circuits(link, overrides, message) -> None:
    link.overrides = overrides
    with pytest.raises(UserError, match=message):
        AcceleratorTransport(link)
    assert link.closed


def test_says_that_nothing_answers(link) -> None:
    link.silent = True
    with pytest.raises(AcceleratorError, match="cannot be opened: A read must be answered"):
        AcceleratorTransport(link)
    assert link.closed


def test_takes_over_what_a_killed_host_has_left(link, image) -> None:
    AcceleratorTransport(link).load(image)
    link.leave()
    transport = AcceleratorTransport(link)
    transport.load(image)
    works(transport, image)
    assert transport.counters()["characters"] == 9


def test_says_that_nothing_stops_it(link) -> None:
    link.leave()
    link.deaf = link.broken = True
    with pytest.raises(AcceleratorError, match=r"must be idle after a soft reset; .* STATUS"):
        AcceleratorTransport(link)


@pytest.mark.parametrize(
    ("config", "symbols", "message"),
    [
        (Config(hidden=32, symbols=16, multipliers=64), 9, "made for this accelerator, 2 x 16"),
        (Config(hidden=16, symbols=32, multipliers=64), 20, "at most 16 symbols, .* not 20"),
    ],
)
def test_refuses_images_for_other_accelerators(transport, image, config, symbols, message) -> None:
    with pytest.raises(UserError, match=message) as caught:
        transport.load(random_image(config, symbols, "ordinary", 1))
    if config.hidden != 16:
        for sizes in (config, CONFIG):
            assert f"{sizes.layout_hash:08x}" in str(caught.value)
            assert sizes.describe() in str(caught.value)
    works(transport, image)


def test_refuses_images_that_no_packet_holds(image) -> None:
    transport = AcceleratorTransport(FakeLink(CONFIG, largest_packet=1000))
    with pytest.raises(UserError, match="at most 1,000 bytes, the largest packet of this link"):
        transport.load(image)


# Errors and recovery


def spoiled(byte: int):
    def spoil(packet: np.ndarray) -> np.ndarray:
        packet[byte % len(packet)] ^= 0x40
        return packet

    return spoil


FAULTS = {
    "stuck": ({"stuck": True}, r"LOGITS must end within [\d,]+ cycles; after [\d,]+ it has not"),
    "deaf": ({"stuck": True, "deaf": True}, r"STATUS reads 0x3, its packet of 9 bytes has not"),
    "symbol": ({"spoil": spoiled(4)}, "LOGITS failed: A symbol was not below the number"),
    "short packet": ({"spoil": lambda p: p[:-1]}, "LOGITS failed: The input packet was shorter"),
    "refused packet": ({"refuse_send": 1}, "DMA channel must be idle"),
    "refused answer": ({"refuse_accept": 1}, "DMA channel must be idle"),
    "failed packet": ({"fail_sent": 1}, "DMA reports a decode error"),
    "failed answer": ({"fail_accepted": 1}, "DMA reports an internal error"),
    "endless answer": ({"lost_end": True}, "cycles for the end of LOGITS's answer of 288 bytes"),
    "short answer": ({"shorten": 2}, "answer must have 288 bytes, not 286"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_recovers_and_says_so(transport, link, image, name) -> None:
    faults, message = FAULTS[name]
    transport.logits(text(5))
    healthy = {fault: getattr(link, fault) for fault in faults}
    real = link.reset

    def reset() -> None:
        for fault, value in healthy.items():
            setattr(link, fault, value)
        real()

    link.reset = reset  # type: ignore[method-assign]
    for fault, value in faults.items():
        setattr(link, fault, value)
    begun = link.elapsed()
    with pytest.raises(AcceleratorError, match=message) as caught:
        transport.logits(text(9))
    assert "The accelerator was reset, the model was loaded again, the state is zero" in str(
        caught.value
    )
    assert link.elapsed() - begun < 10_000_000
    works(transport, image)


@pytest.mark.parametrize("byte", [100, -20, -5, -1])
def test_hardware_checks_the_image(transport, link, image, byte) -> None:
    """One flipped bit on the way: in a weight, the table, the CRC's own word."""
    other = random_image(CONFIG, SYMBOLS, "ordinary", 2)
    link.spoil = spoiled(byte)
    real = link.reset

    def reset() -> None:
        link.spoil = None
        real()

    link.reset = reset  # type: ignore[method-assign]
    with pytest.raises(AcceleratorError, match="LOAD failed: The image's last word is not the CRC"):
        transport.load(other)
    works(transport, image)
    transport.load(other)
    works(transport, other)


def test_reads_back_the_crc_of_what_was_loaded(transport, link, image) -> None:
    link.overrides["IMAGE_CRC"] = 0xDEAD_BEEF
    with pytest.raises(
        AcceleratorError, match=r"CRC must be [0-9a-f]{8}, not deadbeef\. .* either"
    ):
        transport.load(image)
    with pytest.raises(AcceleratorError, match="was lost"):
        transport.read_state()
    link.overrides.clear()
    works(transport, image)


def test_recovers_from_an_interruption(transport, link, image, monkeypatch) -> None:
    link.stuck = True

    def interrupted(cycles: int) -> None:
        monkeypatch.undo()
        link.stuck = False
        raise KeyboardInterrupt

    monkeypatch.setattr(link, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        transport.logits(text(9))
    works(transport, image)


def test_recovers_later_where_it_could_not_at_once(transport, link, image) -> None:
    link.silent = True
    with pytest.raises(
        AcceleratorError, match=r"could not be reset, either: .* load the bitstream"
    ):
        transport.logits(text(9))
    with pytest.raises(AcceleratorError, match="was lost"):
        transport.logits(text(9))
    link.silent = False
    works(transport, image)


def test_a_host_that_was_stopped_mistakes_nothing(transport, link, model, monkeypatch) -> None:
    """The limit passes while the host sleeps, in which the accelerator has ended."""
    real = link.wait
    monkeypatch.setattr(link, "wait", lambda cycles: real(cycles + 10**9))
    assert np.array_equal(transport.logits(text(9)), model.logits(text(9)))


# Counters and registers


def test_counters_do_not_wrap(transport, link) -> None:
    before = transport.counters()
    transport.logits(text(5))
    link.counts["cycles"] += 3 * 10**9
    after = transport.counters()
    assert after["characters"] - before["characters"] == 5
    transport.logits(text(5))
    link.counts["cycles"] += 3 * 10**9
    last = transport.counters()
    assert before["cycles"] < after["cycles"] < last["cycles"]
    assert last["cycles"] - before["cycles"] > 6 * 10**9


def test_counters_are_read_before_they_can_wrap(transport, link) -> None:
    """A run may take up to its limit; what the runs may have taken together decides."""
    total = 0
    for _ in range(300):
        transport.logits(text(2))
        link.counts["stalls"] += (1 << 32) // 200
        total += (1 << 32) // 200
    # Each run was within its limit for the driver, which counts with a few million cycles a run.
    assert transport._port._uncounted < 1 << 32
    assert transport.counters()["characters"] == 600


def test_counters_outlive_a_recovery(transport, link) -> None:
    transport.logits(text(7))
    before = transport.counters()
    link.fail_sent = 1
    with pytest.raises(AcceleratorError):
        transport.logits(text(9))
    transport.logits(text(2))
    after = transport.counters()
    assert after["characters"] == before["characters"] + 9 + 2


def test_registers_know_the_configuration() -> None:
    assert constants(CONFIG)["CONFIG_HASH"] == CONFIG.layout_hash


def test_must_be_loaded_first(link) -> None:
    with pytest.raises(RuntimeError, match="must be loaded before"):
        AcceleratorTransport(link).logits(text(2))


def test_closes_the_link(transport, link) -> None:
    transport.close()
    assert link.closed


def test_says_that_the_link_cannot_be_closed(transport, link, monkeypatch) -> None:
    def close() -> None:
        raise LinkError("The DMA must end its reset")

    monkeypatch.setattr(link, "close", close)
    with pytest.raises(AcceleratorError, match="cannot be left at rest: The DMA must"):
        transport.close()
