"""Plays vectors through one component in Amaranth's simulator."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator
from numpy.typing import NDArray


def simulate(dut, *benches) -> None:
    """Run until all benches have ended."""
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    for bench in benches:
        simulator.add_testbench(bench)
    simulator.run()


def examined(component):
    """A component to be looked at only: no warning that it is never elaborated."""
    component._MustUse__used = True
    return component


def set_ports(ctx, dut, **values) -> None:
    """Give ports of a component their values."""
    for name, value in values.items():
        ctx.set(getattr(dut, name), int(value))


def trace(
    dut,
    inputs: Mapping[str, Sequence[int]],
    outputs: Sequence[str],
    *,
    after: int = 0,
) -> dict[str, NDArray[np.int64]]:
    """Play one value a cycle at each input, then zeros for some cycles.

    Returns what each output was in each of these cycles, so that the answer of a component to
    the inputs of cycle t is the element ``t + latency``.
    """
    names = list(inputs)
    ports = [getattr(dut, name) for name in names]
    watched = [getattr(dut, name) for name in outputs]
    columns = [[int(v) for v in inputs[name]] + [0] * after for name in names]
    assert len({len(column) for column in columns}) == 1, "one value a cycle for each input"
    seen: list[list[int]] = []

    async def bench(ctx):
        previous = [None] * len(ports)
        for values in zip(*columns, strict=True):
            for port, value, before in zip(ports, values, previous, strict=True):
                if value != before:
                    ctx.set(port, value)
            previous = values
            seen.append([ctx.get(port) for port in watched])
            await ctx.tick()

    simulate(dut, bench)
    table = np.array(seen, dtype=object)
    return {name: _integers(table[:, k]) for k, name in enumerate(outputs)}


def _integers(column) -> NDArray:
    """As int64 where it fits."""
    wide = max(map(abs, column)) >= 1 << 63
    return column if wide else column.astype(np.int64)


def assert_follows(seen, expected, latency: int, **context: Sequence) -> None:
    """Each expected value is seen ``latency`` cycles later; says which is the first that is not."""
    expected = np.asarray(expected)
    found = seen[latency : latency + len(expected)]
    assert len(found) == len(expected), "not played for long enough"
    wrong = np.flatnonzero(found != expected)
    if len(wrong):
        at = int(wrong[0])
        cause = {name: values[at] for name, values in context.items()}
        raise AssertionError(
            f"{len(wrong)} of {len(expected)} differ, first number {at}: found {found[at]}, "
            f"expected {expected[at]}, with {cause}"
        )


def evaluate(function: Callable, shapes: Sequence, *columns: Sequence[int]) -> list[int]:
    """Values of a combinational function of signals, for each row of the columns."""
    m = Module()
    arguments = [Signal(shape) for shape in shapes]
    value = function(*arguments)
    result = Signal(value.shape())
    m.d.comb += result.eq(value)
    values = []

    async def bench(ctx):
        for row in zip(*columns, strict=True):
            for argument, given in zip(arguments, row, strict=True):
                ctx.set(argument, int(given))
            values.append(ctx.get(result))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    assert values, "no rows to evaluate"
    return values
