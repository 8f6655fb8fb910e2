"""The loader: every word of a payload to its place, and packets that do not fit told apart."""

import random
import zlib

import numpy as np
import pytest
from amaranth.hdl import ResetInserter, Signal
from component_simulation import set_ports, simulate

from zynq_lstm.hw.loader import Loader
from zynq_lstm.quant import layout
from zynq_lstm.quant.check_bits import CHECK_BIT, stored_words
from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.parameters import Parameters, row_count
from zynq_lstm.quant.protocol import Error

CONFIGS = [
    Config(hidden=16, layers=1, symbols=8, multipliers=64),
    Config(hidden=16, layers=2, symbols=16, multipliers=64),
    Config(hidden=48, layers=1, symbols=4, multipliers=64),
    Config(hidden=32, layers=2, symbols=8, multipliers=64),
]
SMALL = CONFIGS[0]


def random_parameters(config, symbols, seed):
    rng = np.random.default_rng(seed)
    rows = row_count(config, symbols)
    return Parameters(
        config=config,
        symbols=symbols,
        weights=rng.integers(-127, 128, (rows, GATES, config.hidden)).astype(np.int8),
        scales=rng.integers(0, 1 << 16, (rows, GATES)).astype(np.uint16),
        biases=rng.integers(-(1 << 15), 1 << 15, (rows, GATES)).astype(np.int16),
        table=rng.integers(-(1 << 15), 1 << 15, (symbols, config.hidden, GATES)).astype(np.int16),
    )


def writes_of(parameters):
    """Every write that a model needs: memory and place to word, with its check bit."""
    writes = {}
    for bank, words in enumerate(layout.weight_words(parameters).T):
        for address, word in enumerate(stored_words(words)):
            writes["weights", address, bank] = word
    for name in ("scales", "biases"):
        for row, word in enumerate(layout.lane_words(getattr(parameters, name))):
            writes[name, row] = int(word)
    for (symbol, unit), word in np.ndenumerate(layout.lane_words(parameters.table)):
        writes["table", symbol, unit] = int(word)
    return writes


class Bench:
    """A loader behind a stream that brings at most a word in two cycles."""

    def __init__(self, config, *, symbols=0, crc=0, supply=1.0, seed=0):
        self.reset = Signal()
        self.dut = ResetInserter(self.reset)(Loader(config, symbols=symbols, crc=crc))
        self.supply, self.chance = supply, random.Random(seed)

    def run(self, scenario):
        async def bench(ctx):
            self.ctx = ctx
            await scenario()

        simulate(self.dut, bench)

    async def load(self, words, *, last_at=None):
        """Send a packet; return the errors, and the writes in their order."""
        ctx, dut, writes = self.ctx, self.dut, []
        words = [int(w) for w in words]
        last_at = len(words) - 1 if last_at is None else last_at
        ctx.set(dut.active, 1)
        at, offered, pause = 0, False, False
        for _ in range(100 * len(words) + 100):
            offered = (offered or self.chance.random() < self.supply) and not pause
            offered = offered and at <= last_at
            ctx.set(dut.i_valid, offered)
            if offered:
                word = words[at] if at < len(words) else self.chance.getrandbits(64)
                set_ports(ctx, dut, i_data=word, i_last=at == last_at)
            self._collect(writes)
            if ctx.get(dut.done):
                assert at == last_at + 1, f"done after {at} words of {last_at + 1}"
                raised = (ctx.get(dut.wrong), Error.IMAGE), (ctx.get(dut.corrupt), Error.CRC)
                error = sum((error for is_so, error in raised if is_so), Error(0))
                await ctx.tick()
                ctx.set(dut.active, 0)
                for _ in range(8):
                    self._collect(writes)
                    assert not ctx.get(dut.done)
                    assert not ctx.get(dut.i_ready)
                    await ctx.tick()
                return error, writes
            pause = bool(offered and ctx.get(dut.i_ready))
            if pause:
                at, offered = at + 1, False
            await ctx.tick()
        raise AssertionError(f"no end after {at} of {last_at + 1} words")

    def _collect(self, writes):
        bus = self.dut.write
        get = self.ctx.get
        names = [
            n for n in ("weights", "scales", "biases", "table") if get(getattr(bus, f"{n}_en"))
        ]
        assert len(names) <= 1
        for name in names:
            places = {
                "weights": (bus.address, bus.bank),
                "scales": (bus.row,),
                "biases": (bus.row,),
                "table": (bus.symbol, bus.unit),
            }
            check = get(bus.check) << CHECK_BIT if name == "weights" else 0
            writes.append(((name, *map(get, places[name])), get(bus.data) | check))

    def model(self):
        """What the loader says of the model that is there; without one, that there is none."""
        names = ("loaded", "symbols", "last_row", "last_lane", "crc")
        if not self.ctx.get(self.dut.loaded):
            return NOTHING
        return tuple(self.ctx.get(getattr(self.dut, name)) for name in names)


NOTHING = (0,)


def description(symbols, crc):
    return (1, symbols, (symbols - 1) // GATES, (symbols - 1) % GATES, crc)


def crc_of(words):
    return zlib.crc32(b"".join(int(word).to_bytes(8, "little") for word in words))


@pytest.mark.parametrize("supply", [1, 0.3])
@pytest.mark.parametrize("config", CONFIGS, ids=Config.describe)
def test_every_word_goes_to_its_place(config, supply):
    bench = Bench(config, supply=supply)

    async def scenario():
        assert bench.model() == NOTHING
        for symbols in (config.symbols, 2, min(5, config.symbols)):
            parameters = random_parameters(config, symbols, symbols)
            payload = layout.pack(parameters)
            error, writes = await bench.load(payload)
            assert not error
            assert dict(writes) == writes_of(parameters)
            beside = layout.HEADER_WORDS + layout.CRC_WORDS
            assert len(writes) == layout.payload_words(config, symbols) - beside
            assert bench.model() == description(symbols, crc_of(payload[:-1]))

    bench.run(scenario)


@pytest.mark.parametrize("supply", [1, 0.3])
def test_wrong_check_bits_to_order(supply):
    bench = Bench(SMALL, supply=supply)
    parameters = random_parameters(SMALL, 5, 1)
    payload, right = layout.pack(parameters), writes_of(parameters)
    inverted = {place: word ^ (place[0] == "weights") << CHECK_BIT for place, word in right.items()}

    async def scenario():
        for invert in (1, 0):
            bench.ctx.set(bench.dut.invert, invert)
            error, writes = await bench.load(payload)
            assert not error
            assert dict(writes) == (inverted if invert else right)

    bench.run(scenario)


def test_most_symbols():
    config = Config(hidden=16, layers=1, symbols=256, multipliers=64)
    bench = Bench(config)

    async def scenario():
        for symbols in (256, 65):
            parameters = random_parameters(config, symbols, symbols)
            payload = layout.pack(parameters)
            error, writes = await bench.load(payload)
            assert not error
            assert dict(writes) == writes_of(parameters)
            assert bench.model() == description(symbols, crc_of(payload[:-1]))

    bench.run(scenario)


def foreign_headers(config):
    own = layout.header_word(config, 5)
    other = Config(hidden=32, layers=1, symbols=8, multipliers=64)
    return {
        "another layout": layout.header_word(other, 5),
        "hash, highest bit": own ^ 1 << 63,
        "hash, bit 48": own ^ 1 << 48,
        "hash, lowest bit": own ^ 1 << 32,
        "magic, highest bit": own ^ 1 << 31,
        "magic, lowest bit": own ^ 1 << 16,
        "no symbol": layout.header_word(config, 0),
        "one symbol": layout.header_word(config, 1),
        "too many symbols": layout.header_word(config, config.symbols + 1),
        "far too many symbols": layout.header_word(config, 0x8005),
        "nothing": 0,
    }


@pytest.mark.parametrize("loaded", [True, False])
def test_a_foreign_packet_is_swallowed(loaded):
    bench = Bench(SMALL, symbols=7 if loaded else 0, crc=0x89ABCDEF)
    payload = layout.pack(random_parameters(SMALL, 5, 1)).tolist()

    async def scenario():
        await bench.ctx.tick().repeat(8)
        before = bench.model()
        assert before == (description(7, 0x89ABCDEF) if loaded else NOTHING)
        for name, header in foreign_headers(SMALL).items():
            for length in (len(payload), 1, 2):
                found = await bench.load([header, *payload[1:length]])
                assert found == (Error.IMAGE, []), name
                assert bench.model() == before, name
        error, _ = await bench.load(payload)
        assert not error
        assert bench.model() == description(5, payload[-1])

    bench.run(scenario)


@pytest.mark.parametrize("config", CONFIGS[:2], ids=Config.describe)
def test_a_packet_of_wrong_length_is_told(config):
    symbols = 6
    parameters = random_parameters(config, symbols, 2)
    payload = layout.pack(parameters)
    words = len(payload)
    rows, steps = row_count(config, symbols), config.steps(symbols)
    weights, scales, biases = np.cumsum([steps * config.banks, rows, rows])
    expected = writes_of(parameters)
    # The last word of each section and its neighbours, then late ends.
    ends = {0, 1, 2, words - 3, words - 2, words, words + 1, words + 40}
    ends |= {int(end) + d for end in (weights, scales, biases) for d in (-1, 0, 1)}
    ends |= {config.banks, words - config.hidden - 1}
    bench = Bench(config, supply=0.9)

    async def scenario():
        for last_at in sorted(ends):
            error, writes = await bench.load(payload, last_at=last_at)
            assert error == Error.IMAGE, f"last word at {last_at} of {words}"
            assert bench.model() == NOTHING
            assert len(writes) == min(last_at, words - 2)
            assert dict(writes).items() <= expected.items()
            # And the next one is whole again.
            error, writes = await bench.load(payload)
            assert not error, f"after an end at {last_at}"
            assert dict(writes) == expected
            assert bench.model() == description(symbols, int(payload[-1]))

    bench.run(scenario)


@pytest.mark.parametrize("supply", [1, 0.4])
def test_a_damaged_packet_is_not_loaded(supply):
    payload = layout.pack(random_parameters(SMALL, 5, 3))
    bench = Bench(SMALL, supply=supply)
    chance = random.Random(1)
    places = [-1, -1, -1, -2, 1, 5, *(chance.randrange(1, len(payload)) for _ in range(6))]

    async def scenario():
        for place in places:
            damaged = payload.copy()
            damaged[place] ^= np.uint64(1 << chance.randrange(64))
            error, _ = await bench.load(damaged)
            assert error == Error.CRC, f"word {place}"
            assert bench.model() == NOTHING
            error, _ = await bench.load(payload)
            assert not error
            assert bench.model() == description(5, int(payload[-1]))

    bench.run(scenario)


def test_a_crc_with_something_above_it_is_wrong():
    payload = layout.pack(random_parameters(SMALL, 5, 3))
    bench = Bench(SMALL)

    async def scenario():
        for bit in range(32, 64):
            damaged = payload.copy()
            damaged[-1] ^= np.uint64(1 << bit)
            assert (await bench.load(damaged))[0] == Error.CRC
            assert bench.model() == NOTHING

    bench.run(scenario)


@pytest.mark.parametrize("length", [0, 1, 2, 40, None])
def test_a_reset_tells_what_is_in_the_memories(length):
    """A built-in model is there until another one has been begun; a loaded one counts as gone."""
    bench = Bench(SMALL, symbols=7, crc=5)
    payload = layout.pack(random_parameters(SMALL, 5, 1))

    async def reset():
        bench.ctx.set(bench.reset, 1)
        await bench.ctx.tick().repeat(2)
        bench.ctx.set(bench.reset, 0)
        await bench.ctx.tick().repeat(8)

    async def scenario():
        await reset()
        assert bench.model() == description(7, 5)
        await bench.load([0, *payload[1:]])
        await reset()
        assert bench.model() == description(7, 5), "a foreign packet leaves it"
        if length != 0:
            await bench.load(payload[:length])
            assert bench.model() == (NOTHING if length else description(5, int(payload[-1])))
            await reset()
            assert bench.model() == NOTHING
            await bench.load(payload)
            assert bench.model() == description(5, int(payload[-1]))

    bench.run(scenario)


def test_nothing_is_taken_while_inactive():
    bench = Bench(SMALL)

    async def scenario():
        set_ports(bench.ctx, bench.dut, i_valid=1, i_data=layout.header_word(SMALL, 5))
        for _ in range(50):
            assert not bench.ctx.get(bench.dut.i_ready)
            await bench.ctx.tick()

    bench.run(scenario)
