"""The numerics a second time, to test the first by: one number at a time, integers and fractions.

Written from the formats alone, without numpy and without anything of `quant`'s operators, tables,
sampler or golden model.
"""

from __future__ import annotations

import functools
from decimal import Decimal, localcontext
from fractions import Fraction
from math import floor


def clamp(x: int, bits: int) -> int:
    """Saturate to a signed number of so many bits."""
    return max(-(2 ** (bits - 1)), min(2 ** (bits - 1) - 1, x))


def half_up(x: Fraction | int) -> int:
    """Round to nearest, halves upwards."""
    return floor(x + Fraction(1, 2))


def requantize(total: int, scale: int) -> int:
    return clamp(half_up(Fraction(total * scale, 2**14)), 17)


def preactivation(scaled: int, addend: int) -> int:
    return clamp(scaled + addend, 16)


def logit(scaled: int, bias: int) -> int:
    return clamp(scaled + bias, 16)


@functools.cache
def tanh_entry(cell: int) -> int:
    """tanh of the middle of one of 2048 cells of [0, 4), Q0.15."""
    with localcontext() as context:
        context.prec = 50
        e = (2 * (Decimal(cell) + Decimal("0.5")) * 4 / 2048).exp()
        value = (e - 1) / (e + 1)
        return min(int((value * 2**15).to_integral_value()), 32767)


def _odd(x: int, lsb_per_cell: int) -> int:
    if x < 0:
        return -1 - _odd(-1 - x, lsb_per_cell)
    return tanh_entry(min(x // lsb_per_cell, 2047))


def tanh(x: int) -> int:
    return _odd(x, 4)


def sigmoid(x: int) -> int:
    return (_odd(x, 8) + 2**15) // 2


def cell_update(i: int, f: int, g: int, c: int) -> int:
    """f * c, Q.26, and i * g, Q.30 cut to Q.26; their sum rounded to Q.11."""
    total = Fraction(f * c, 2**26) + Fraction(floor(Fraction(i * g, 2**4)), 2**26)
    return clamp(half_up(total * 2**11), 16)


def hidden_output(o: int, tanh_c: int) -> int:
    return clamp(half_up(Fraction(o * tanh_c, 2**30) * 2**7), 8)


@functools.cache
def gumbel(u: int) -> int:
    """Noise of a 15-bit number, Q4.13: -ln(-ln p), p in the middle of u's cell."""
    if u >> 10 == 31:  # the highest 1/32 is divided as finely as u itself
        p = (Decimal(u) + Decimal("0.5")) / 2**15
    else:
        p = (Decimal(u >> 5) + Decimal("0.5")) / 2**10
    with localcontext() as context:
        context.prec = 40
        return int((-(-p.ln()).ln() * 2**13).to_integral_value())


def xorshift64(x: int) -> int:
    """Marsaglia's steps 13, 7, 17 on the list of bits."""
    bits = [x >> k & 1 for k in range(64)]
    bits = [bits[k] ^ (bits[k - 13] if k >= 13 else 0) for k in range(64)]
    bits = [bits[k] ^ (bits[k + 7] if k + 7 < 64 else 0) for k in range(64)]
    bits = [bits[k] ^ (bits[k - 17] if k >= 17 else 0) for k in range(64)]
    return sum(bit << k for k, bit in enumerate(bits))


def sampling_score(logit: int, temperature: int, noise: int) -> int:
    """Q8.12."""
    product = Fraction(temperature, 2**12) * Fraction(noise, 2**13)
    return logit * 4 + half_up(product * 2**12)


def draw(logits: list[int], temperature: int, state: int) -> tuple[int, int]:
    """Symbol drawn, and the generator's next state."""
    best, chosen = None, 0
    for symbol, value in enumerate(logits):
        lane = symbol % 4
        if lane == 0:
            state = xorshift64(state)
        noise = gumbel(state >> 16 * lane & 0x7FFF)
        score = sampling_score(value, temperature, noise)
        if best is None or score > best:
            best, chosen = score, symbol
    return chosen, state


class SlowModel:
    """One sequence on the matrices of a `Parameters`, read as lists of Python integers."""

    def __init__(self, parameters) -> None:
        self.hidden = parameters.config.hidden
        self.symbols = parameters.symbols
        self.layers = parameters.config.layers
        self.weights = parameters.weights.tolist()
        self.scales = parameters.scales.tolist()
        self.biases = parameters.biases.tolist()
        self.table = parameters.table.tolist()
        names = ["ih2", "hh1", "hh2"] if self.layers == 2 else ["hh1"]
        self.start = {name: k * self.hidden for k, name in enumerate([*names, "out"])}
        self.h = [[0] * self.hidden for _ in range(self.layers)]
        self.c = [[0] * self.hidden for _ in range(self.layers)]

    def row(self, matrix: str, row: int, lane: int, h: list[int]) -> int:
        at = self.start[matrix] + row
        total = sum(w * x for w, x in zip(self.weights[at][lane], h, strict=True))
        return requantize(total, self.scales[at][lane])

    def step(self, symbol: int) -> list[int]:
        """Feed a symbol; logits of the next one."""
        before = [list(h) for h in self.h]
        for layer in range(self.layers):
            for unit in range(self.hidden):
                z = []
                for gate in range(4):
                    if layer == 0:
                        recurrent = self.row("hh1", unit, gate, before[0])
                        z.append(preactivation(recurrent, self.table[symbol][unit][gate]))
                    else:
                        bias = self.biases[self.start["hh2"] + unit][gate]
                        recurrent = self.row("hh2", unit, gate, before[1]) + bias
                        z.append(preactivation(self.row("ih2", unit, gate, self.h[0]), recurrent))
                i, f, o = sigmoid(z[0]), sigmoid(z[1]), sigmoid(z[3])
                c = cell_update(i, f, tanh(z[2]), self.c[layer][unit])
                self.c[layer][unit] = c
                self.h[layer][unit] = hidden_output(o, tanh(c))
        return [
            logit(
                self.row("out", s // 4, s % 4, self.h[-1]),
                self.biases[self.start["out"] + s // 4][s % 4],
            )
            for s in range(self.symbols)
        ]
