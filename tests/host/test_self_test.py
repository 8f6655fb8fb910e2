"""The self-test: passed by what is sound, and by nothing that has a wrong bit that matters."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from fake_link import FakeLink

import zynq_lstm.host as host
from zynq_lstm.boards.design import CLOCK_HZ
from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.host.checks import Check
from zynq_lstm.host.golden import GoldenTransport
from zynq_lstm.host.self_test import checks, examine
from zynq_lstm.quant.config import BANK_COLUMNS, Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.layout import pack_pairs, unpack_pairs
from zynq_lstm.quant.parameters import Parameters, matrix_rows

CONFIG = Config(hidden=16, symbols=16, multipliers=64)
GROUPS = Config(hidden=48, symbols=8, multipliers=64)
ONE_LAYER = Config(hidden=32, layers=1, symbols=8, multipliers=128)

Fault = Callable[[Parameters], Parameters]


class Faulty(GoldenTransport):
    """The golden model with a fault in its memories or multipliers."""

    def __init__(self, fault: Fault, config: Config = CONFIG) -> None:
        super().__init__()
        self._fault, self._sizes = fault, config

    @property
    def config(self) -> Config:
        return self._sizes

    def load(self, image: Image) -> None:
        parameters = self._fault(image.parameters)
        super().load(Image.from_parameters(parameters, image.vocabulary, {}))


def stuck_bit(row: int, pair: int, column: int, bit: int, value: int) -> Fault:
    """One bit of a weight memory's word, at one value."""

    def fault(p: Parameters) -> Parameters:
        weights = p.weights.copy()
        lanes = (row, slice(2 * pair, 2 * pair + 2), column)
        word, mask = pack_pairs(weights[lanes]), np.uint16(1 << bit)
        weights[lanes] = unpack_pairs(word | mask if value else word & ~mask)
        return replace(p, weights=weights)

    return fault


def stuck_weight(row: int, lane: int, column: int, bit: int, value: bool) -> Fault:
    """One bit of one weight."""

    def fault(p: Parameters) -> Parameters:
        weights = p.weights.copy()
        bits = weights.view(np.uint8)
        mask = np.uint8(1 << bit)
        bits[row, lane, column] = bits[row, lane, column] & ~mask | (mask if value else 0)
        return replace(p, weights=np.clip(weights, -127, 127))

    return fault


def ignored_weights(lanes: slice, column: int) -> Fault:
    """A multiplier pair that does not see its weights, but zeros."""

    def fault(p: Parameters) -> Parameters:
        weights = p.weights.copy()
        weights[:, lanes, column] = 0
        return replace(p, weights=weights)

    return fault


def stuck_line(column: int, lane: int, bit: int) -> Fault:
    """One data line of a weight memory."""

    def fault(p: Parameters) -> Parameters:
        weights = p.weights.copy()
        weights.view(np.uint8)[:, lane, column] |= np.uint8(1 << bit)
        return replace(p, weights=np.clip(weights, -127, 127))

    return fault


def first_failed(transport: Faulty) -> Check:
    return next(check for check in checks(transport) if not check.passed)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_golden_model_passes(layers) -> None:
    config = Config(hidden=32, symbols=16, multipliers=64, layers=layers)
    report = examine(Faulty(lambda p: p, config))
    assert report.passed
    assert report.first_difference is None
    assert "ordinary scores: passed" in str(report)


def test_session_is_as_before(session: host.Session) -> None:
    text = session.generate("ab", 9, seed=1)
    state, image = session.state, session.image
    report = session.self_test()
    assert report.passed, report
    assert session.image is image and session.state == state and session.pending == text[-1]
    rest = session.generate("", 9, seed=2)
    session.state = state
    assert session.generate("", 9, seed=2) == rest


def test_registers_are_tested(fake: host.Session) -> None:
    fake._transport.link.overrides["SCRATCH"] = 0
    report = fake.self_test()
    assert not report.passed
    assert (
        report.first_difference == "registers: SCRATCH must read ffffffff as written, not 00000000"
    )
    assert [check.passed for check in report.checks].count(False) == 1


def test_a_check_that_does_not_tell_is_found(fake: host.Session) -> None:
    fake._transport.link.unchecked = {3}
    report = fake.self_test()
    assert report.first_difference == (
        "check of the weight memories: wrong words of each weight memory must be noticed, "
        "those of [3] are not"
    )
    assert [check.passed for check in report.checks].count(False) == 1


def test_names_memories_by_their_own_check_where_results_are_right(fake: host.Session) -> None:
    """As with a check bit that is stuck."""
    link = fake._transport.link
    link.broken_memories = {2, 5}
    report = fake.self_test()
    assert [str(suspect) for suspect in report.suspects] == [
        f"weight memory {bank}: words read that are not those loaded" for bank in (2, 5)
    ]
    assert [check.name for check in report.checks if not check.passed] == ["weights as loaded"]


@pytest.mark.parametrize("enabled", [True, False])
def test_leaves_the_check_of_memories_as_it_was(fake: host.Session, enabled) -> None:
    fake._transport.check_memories(enabled)
    fake._transport.link.broken_memories = {2}
    assert not fake.self_test().passed
    if enabled:
        with pytest.raises(host.AcceleratorError, match="weight memory 2 gave words"):
            fake.generate("ab", 3)
    else:
        fake.generate("ab", 3)
        assert fake.faulty_memories() == (2,)


def test_an_accelerator_that_fails_is_a_difference(fake: host.Session) -> None:
    text = fake.generate("ab", 3)
    state = fake.state
    fake._transport.link.fail_sent = 1
    report = fake.self_test()
    assert not report.passed
    assert (report.first_difference or "").startswith("operation: DMA reports a decode error")
    assert fake.state == state and fake.pending == text[-1]


def test_a_dead_accelerator_still_gets_a_report(fake: host.Session) -> None:
    fake._transport.link.fail_sent = 1 << 30
    report = fake.self_test()
    assert [check.name for check in report.checks[-2:]] == [
        "operation",
        "model and state put back",
    ]
    with pytest.raises(UserError, match="State of the session is unknown"):
        fake.logits("ab")


def test_works_after_an_error(fake: host.Session) -> None:
    fake._transport.link.fail_sent = 1
    with pytest.raises(host.AcceleratorError):
        fake.logits("ab")
    assert fake.self_test().passed
    fake.reset()
    fake.logits("ab")


@pytest.mark.parametrize("lanes", [slice(0, 2), slice(2, 4)])
@pytest.mark.parametrize("column", [0, 7, 15])
def test_shows_a_multiplier_that_ignores_its_weights(lanes, column) -> None:
    (suspect,) = next(checks(Faulty(ignored_weights(lanes, column)))).suspects
    assert str(suspect).startswith(f"bank {column // BANK_COLUMNS}: products or sums of lanes ")


@pytest.mark.parametrize("bit", [0, 3, 7])
@pytest.mark.parametrize("lane", range(4))
def test_shows_a_stuck_line_of_a_weight_memory(lane, bit) -> None:
    assert first_failed(Faulty(stuck_line(5, lane, bit)))


@pytest.mark.parametrize("config", [CONFIG, GROUPS, ONE_LAYER], ids=Config.describe)
def test_names_single_stuck_bits_of_weight_memories(config) -> None:
    rng = np.random.default_rng(2)
    for rows in matrix_rows(config, config.symbols).values():
        for value in (0, 1, 0, 1):
            row = int(rng.integers(rows.start, rows.stop))
            pair, column, bit = (int(k) for k in rng.integers(0, (2, config.hidden, 16)))
            bank, rest = divmod(column, BANK_COLUMNS * config.groups)
            place = 16 * (2 * (rest // config.groups) + pair) + bit
            word = row * config.groups + rest % config.groups
            faulty = Faulty(stuck_bit(row, pair, column, bit, value), config)
            found = first_failed(faulty)
            named = f"weight memory {bank}: bit {place} of word {word} stuck at {value}"
            assert named in map(str, found.suspects), found
            assert {suspect.unit for suspect in found.suspects} == {f"weight memory {bank}"}
            assert named in str(found)


@pytest.mark.parametrize(
    ("lane", "what"), [(0, "c of layer 1"), (2, "c of layer 1"), (3, "h of layer 1")]
)
def test_tells_the_unit_and_the_side_of_the_gate(lane, what) -> None:
    unit = 11
    row = matrix_rows(CONFIG, CONFIG.symbols)["hh1"].start + unit
    for value in (True, False):
        found = first_failed(Faulty(stuck_weight(row, lane, 3, 6, value)))
        assert f"{what}, unit {unit}, must be" in str(found)


def test_tells_the_logit() -> None:
    row = matrix_rows(CONFIG, CONFIG.symbols)["out"].start + 2
    found = first_failed(Faulty(stuck_weight(row, 1, 3, 6, True)))
    assert "logit of symbol 9 (lane 1 of row 2) must be" in str(found)


def test_takes_little_time_on_the_chip() -> None:
    """Of a full-size accelerator, by its cycles."""
    link = FakeLink(Config())
    transport = AcceleratorTransport(link)
    begun = link.elapsed()
    assert examine(transport).passed
    assert link.elapsed() - begun < 0.2 * CLOCK_HZ
