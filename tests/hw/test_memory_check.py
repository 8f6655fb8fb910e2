"""The check of the weight memories: which words bank and engine call wrong, and what is kept."""

from functools import reduce
from operator import or_, xor

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from component_simulation import assert_follows, set_ports, simulate, trace

from zynq_lstm.hw.bank import STORED_BITS, Bank
from zynq_lstm.hw.engine import Engine, engine_latency
from zynq_lstm.hw.memory_check import JOIN_LATENCY, MemoryFaults, joined
from zynq_lstm.quant.check_bits import stored_words
from zynq_lstm.quant.config import Config


class Joined(wiring.Component):
    def __init__(self, width, operator):
        self._operator = operator
        super().__init__({"i": In(width), "o": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(joined(m, self.i, "joined", self._operator))
        return m


@pytest.mark.parametrize("width", [1, 6, 7, 32, 75])
@pytest.mark.parametrize("operator", [xor, or_])
def test_joined(width, operator):
    rng = np.random.default_rng(width)
    values = [0, *(1 << k for k in range(width)), (1 << width) - 1]
    values += [int.from_bytes(rng.bytes(12), "little") % (1 << width) for _ in range(60)]
    seen = trace(Joined(width, operator), {"i": values}, ["o"], after=JOIN_LATENCY)
    expected = [reduce(operator, (v >> k & 1 for k in range(width))) for v in values]
    assert_follows(seen["o"], expected, JOIN_LATENCY)


def test_a_bank_says_the_parity_of_what_it_reads():
    config = Config(hidden=16, symbols=16, multipliers=64)
    rng = np.random.default_rng(1)
    words = [int.from_bytes(rng.bytes(9), "little") >> 7 for _ in range(config.weight_depth)]
    bank = Bank(config, 3, init=words)
    addresses = rng.integers(0, config.weight_depth, 300)
    seen = trace(bank, {"r_addr": addresses}, ["odd"], after=Bank.ODD_LATENCY)
    found = [int(v).bit_count() % 2 for v in seen["odd"]]
    assert STORED_BITS == max(words).bit_length() == 65
    assert_follows(np.array(found), [words[a].bit_count() % 2 for a in addresses], Bank.ODD_LATENCY)


@pytest.mark.parametrize("multipliers", [64, 128, 512])
def test_the_engine_tells_wrong_words_of_checked_steps(multipliers):
    """Words with flipped bits, and words that stand where another belongs."""
    hidden = max(16, multipliers // 4)
    config = Config(hidden=hidden, layers=1, symbols=4, multipliers=multipliers)
    rng = np.random.default_rng(multipliers)
    shape = (config.weight_depth, config.banks)
    words = rng.integers(0, 1 << 64, shape, dtype=np.uint64)
    engine = Engine(config, init=words)
    used = rng.choice(config.weight_depth, 24, replace=False)
    flips = {}
    for bank in range(config.banks):
        for address in rng.choice(used, 6, replace=False):
            bits = rng.choice(STORED_BITS, rng.integers(1, 4), replace=False)
            flips[int(address), bank] = sum(1 << int(b) for b in bits)
    stored = {bank: stored_words(words[:, bank]) for bank in range(config.banks)}
    cycles = 400
    addresses = rng.choice(used, cycles)
    checked = rng.random(cycles) < 0.6
    seen = []

    async def bench(ctx):
        for (address, bank), flip in flips.items():
            word = stored[bank][address] ^ flip
            set_ports(ctx, engine, w_en=1, w_bank=bank, w_addr=address, w_data=word)
            await ctx.tick()
        ctx.set(engine.w_en, 0)
        await ctx.tick().repeat(4)
        for t in range(cycles + Engine.CHECK_LATENCY):
            here = t < cycles
            set_ports(ctx, engine, r_addr=addresses[t] if here else 0, checked=here and checked[t])
            seen.append(ctx.get(engine.wrong))
            await ctx.tick()

    simulate(engine, bench)
    odd = {place for place, flip in flips.items() if flip.bit_count() % 2}
    expected = [
        sum(1 << bank for bank in range(config.banks) if checks and (int(a), bank) in odd)
        for a, checks in zip(addresses, checked, strict=True)
    ]
    assert reduce(or_, expected) == (1 << config.banks) - 1, "each bank has read a wrong word"
    assert_follows(np.array(seen, object), np.array(expected, object), Engine.CHECK_LATENCY)


def test_a_word_of_another_address_is_wrong():
    """An address line that is stuck: what stands at one address was written for another."""
    config = Config(hidden=16, layers=2, symbols=16, multipliers=64)
    words = np.random.default_rng(2).integers(
        0, 1 << 64, (config.weight_depth, config.banks), dtype=np.uint64
    )
    engine = Engine(config, init=words)
    lines = (config.weight_depth - 1).bit_length()
    stored = stored_words(words[:, 0])
    seen = []

    async def bench(ctx):
        for line in range(lines - 1):  # at address 0 what belongs to its neighbours, one by one
            set_ports(ctx, engine, w_en=1, w_bank=0, w_addr=0, w_data=stored[1 << line])
            await ctx.tick()
            ctx.set(engine.w_en, 0)
            await ctx.tick().repeat(4)
            set_ports(ctx, engine, r_addr=0, checked=1)
            await ctx.tick().repeat(Engine.CHECK_LATENCY)
            seen.append(ctx.get(engine.wrong))
            ctx.set(engine.checked, 0)
            await ctx.tick().repeat(Engine.CHECK_LATENCY)

    simulate(engine, bench)
    assert seen == [1] * (lines - 1)


@pytest.mark.parametrize("multipliers", [64, 512])
def test_a_step_is_checked_before_its_sums_are_there(multipliers):
    """So a run that has drained has had all its checks."""
    config = Config(hidden=128, multipliers=multipliers)
    assert engine_latency(config) > Engine.CHECK_LATENCY


@pytest.mark.parametrize("banks", [8, 32])
def test_faults_stay_until_cleared(banks):
    rng = np.random.default_rng(banks)
    cycles = 400
    wrong, clear = (
        rng.integers(0, 1 << banks, cycles) * (rng.random(cycles) < 0.2) for _ in range(2)
    )
    forget = rng.random(cycles) < 0.1
    wrong[:3] = 0
    seen = trace(
        MemoryFaults(banks),
        {"wrong": wrong, "clear": clear, "forget": forget},
        ["faults", "noticed"],
        after=JOIN_LATENCY,
    )
    now, expected, forgets = 0, [], False
    for w, c, f in zip(wrong, clear, forget, strict=True):
        now = (0 if forgets else now & ~int(c)) | int(w)
        forgets = f
        expected.append(now)
    assert_follows(seen["faults"], expected, 1)
    assert_follows(seen["noticed"], wrong != 0, JOIN_LATENCY)
