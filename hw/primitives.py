"""Small pieces of which the datapath is made: registers, delays, saturation."""

from amaranth.hdl import Cat, Mux, Signal

KEEP = {"keep": 1}
"""Keeps a fabric register out of a DSP48E1, where it would end a long wire too late."""


def register(m, value, name, *, keep=False):
    """A register without reset that follows ``value``."""
    q = Signal(value.shape(), name=name, reset_less=True, attrs=KEEP if keep else {})
    m.d.sync += q.eq(value)
    return q


def delay(m, value, cycles, name):
    """``value`` some cycles later.

    The last register has a reset, so that it stays a flip-flop: tools may make the others a shift
    register in a LUT, whose output is slow.
    """
    if cycles < 0:
        raise ValueError(f"A delay must be at least 0 cycles, not {cycles}")
    for k in range(cycles - 1):
        value = register(m, value, f"{name}_d{k + 1}")
    if cycles > 0:
        q = Signal(value.shape(), name=f"{name}_d{cycles}")
        m.d.sync += q.eq(value)
        value = q
    return value


def incremented(count):
    """count + 1, modulo its range, without a carry chain: so that a multiplexer may follow."""
    return Cat(bit ^ count[:k].all() for k, bit in enumerate(count))


def decremented(count):
    """count - 1 in the same way."""
    return Cat(bit ^ ~count[:k].any() for k, bit in enumerate(count))


def saturated(value, bits):
    """``value`` (signed) clipped to ``bits`` bits: a test of the upper bits and one multiplexer."""
    upper = value[bits - 1 :]
    fits = (upper == 0) | upper.all()
    limit = Cat((~value[-1]).replicate(bits - 1), value[-1])
    return Mux(fits, value[:bits], limit).as_signed()


def greater(a, b):
    """a > b of two unsigned numbers as the sign of b - a, which ends in no LUT after the carry."""
    return (b - a)[-1]
