"""Small pieces of which the datapath is made: registers, delays, saturation."""

from amaranth.hdl import C, Cat, Mux, Signal, signed
from amaranth.lib import memory

KEEP = {"keep": 1}
"""Keeps a fabric register out of a DSP48E1, where it would end a long wire too late."""


def signals(names, shape=1, **options):
    """Signals of a shape, named as in ``names``, which spaces separate.

    Amaranth itself finds no name, or one only with some versions of Python, where several are
    assigned at once; the Verilog must not depend on that.
    """
    return [Signal(shape, name=name, **options) for name in names.split()]


def register(m, value, name, *, keep=False):
    """A register without reset that follows ``value``."""
    q = Signal(value.shape(), name=name, reset_less=True, attrs=KEEP if keep else {})
    m.d.sync += q.eq(value)
    return q


def port_register(m, port):
    """A register without reset that drives ``port`` of a component, which by itself has one."""
    q = Signal.like(port, name=f"{port.name}_q", reset_less=True)
    m.d.comb += port.eq(q)
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
    """count + 1, modulo its range, without a carry chain: for counts of up to three bits."""
    return Cat(bit ^ count[:k].all() for k, bit in enumerate(count))


def decremented(count):
    """count - 1, modulo its range, in the same way; behind it must be a register."""
    return Cat(bit ^ ~count[:k].any() for k, bit in enumerate(count))


def counter(m, count, *, step, clear):
    """Count up on ``step``, back to 0 on ``clear``: enable and reset of the flip-flops.

    So nothing follows the carry chain, which is what keeps a counter fast.
    """
    with m.If(clear):
        m.d.sync += count.eq(0)
    with m.Elif(step):
        m.d.sync += count.eq(count + 1)


def wrapping_counter(m, last, *, step, clear, name):
    """Count 0 … ``last`` (a constant) and start again.

    It has no reset: ``clear`` must come before what is counted.

    Returns
    -------
    (count, at_last)
        ``at_last`` is a register, known with the count it belongs to.
    """
    count = Signal(range(max(2, last + 1)), name=name, reset_less=True)
    at_last = Signal(name=f"{name}_at_last", init=int(last == 0), reset_less=True)
    if last == 0:
        return count, at_last
    whole = last + 1 == 1 << len(count)
    counter(m, count, step=step, clear=clear if whole else clear | (step & at_last))
    with m.If(clear):
        m.d.sync += at_last.eq(0)
    with m.Elif(step):
        m.d.sync += at_last.eq(count == last - 1)
    return count, at_last


def saturated(value, bits):
    """``value`` (signed) clipped to ``bits`` bits: a test of the upper bits and one multiplexer."""
    upper = value[bits - 1 :]
    fits = (upper == 0) | upper.all()
    limit = Cat((~value[-1]).replicate(bits - 1), value[-1])
    return Mux(fits, value[:bits], limit).as_signed()


def equal_by_halves(m, a, b, name):
    """a == b one cycle later: a register for each half keeps the logic shallow."""
    half = len(a) // 2
    low = register(m, a[:half] == b[:half], f"{name}_low_equal")
    high = register(m, a[half:] == b[half:], f"{name}_high_equal")
    return low & high


def greater(a, b):
    """a > b of two unsigned numbers as the sign of b - a, which ends in no LUT after the carry."""
    return (b - a)[-1]


def lut_rom(m, address, contents, bits, name):
    """A table in LUTs, combinational: between an address register and one behind it.

    Of its few words no tool makes a block memory, so it needs no attribute, for which the tools
    have no common value.
    """
    m.submodules[name] = table = memory.Memory(
        shape=bits, depth=len(contents), init=[int(v) for v in contents]
    )
    port = table.read_port(domain="comb")
    m.d.comb += port.addr.eq(address)
    return port.data


PRODUCT_LATENCY = 3
"""Cycles of `product`."""


def product(m, x, y, shift, name):
    """Unsigned x * y / 2^shift, rounded, in one DSP48E1; `PRODUCT_LATENCY` cycles later."""
    a, b = (
        register(m, Cat(value, C(0, 1)).as_signed(), f"{name}_{side}")
        for value, side in ((x, "a"), (y, "b"))
    )
    exact = Signal(signed(len(a) + len(b)), name=f"{name}_exact", reset_less=True)
    rounded = Signal(signed(len(a) + len(b)), name=f"{name}_rounded", reset_less=True)
    m.d.sync += [exact.eq(a * b), rounded.eq(exact + (1 << (shift - 1)))]
    return rounded[shift:]
