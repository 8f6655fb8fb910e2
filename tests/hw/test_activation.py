"""tanh and sigmoid for every input, through the table they share."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from component_simulation import assert_follows, trace

from zynq_lstm.hw.activation import Activation, TableRom, tanh_rom
from zynq_lstm.quant import operators
from zynq_lstm.quant.formats import ACTIVATION, PREACTIVATION


class Shared(wiring.Component):
    """Two activations on the two ports of one table."""

    def __init__(self, functions):
        self._functions = functions
        super().__init__(
            {"x0": In(16), "x1": In(16), "y0": Out(ACTIVATION.bits), "y1": Out(ACTIVATION.bits)}
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.table = table = tanh_rom()
        for k, function in enumerate(self._functions):
            m.submodules[f"user{k}"] = user = Activation(function)
            m.d.comb += [
                user.x.eq(getattr(self, f"x{k}")),
                getattr(table, f"addr{k}").eq(user.addr),
                user.data.eq(getattr(table, f"data{k}")),
                getattr(self, f"y{k}").eq(user.y),
            ]
        return m


@pytest.mark.parametrize("functions", [("tanh", "sigmoid")])
def test_every_input(functions):
    every = np.arange(PREACTIVATION.minimum, PREACTIVATION.maximum + 1)
    x = [np.random.default_rng(k).permutation(every) for k in range(2)]
    seen = trace(
        Shared(functions), {"x0": x[0], "x1": x[1]}, ["y0", "y1"], after=Activation.latency
    )
    for k, function in enumerate(functions):
        expected = getattr(operators, function)(x[k])
        found = seen[f"y{k}"].astype(np.uint16).view(np.int16).astype(int)
        assert_follows(found, expected, Activation.latency, x=x[k])


def test_either_port_serves_either_function():
    x = np.random.default_rng(5).integers(-(1 << 15), 1 << 15, (2, 500))
    for functions in (("tanh", "tanh"), ("sigmoid", "sigmoid"), ("sigmoid", "tanh")):
        seen = trace(
            Shared(functions), {"x0": x[0], "x1": x[1]}, ["y0", "y1"], after=Activation.latency
        )
        for k, function in enumerate(functions):
            expected = getattr(operators, function)(x[k]) & 0xFFFF
            assert_follows(seen[f"y{k}"], expected, Activation.latency, x=x[k])


@pytest.mark.parametrize("contents, bits", [([3, -1, 0, -4, 2], 3), (range(2048), 11)])
def test_table(contents, bits):
    contents = list(contents)
    addresses = np.random.default_rng(bits).integers(0, len(contents), (2, 200))
    table = TableRom("some", contents, bits)
    assert table.block_name == "zynq_lstm_some_table"
    seen = trace(
        table,
        {"addr0": addresses[0], "addr1": addresses[1]},
        ["data0", "data1"],
        after=TableRom.latency,
    )
    words = np.array(contents) & ((1 << bits) - 1)
    for k in range(2):
        assert_follows(seen[f"data{k}"], words[addresses[k]], TableRom.latency)
