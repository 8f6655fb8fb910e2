"""Tests of the netlist's reader and of its names."""

import json
from pathlib import Path

import pytest
from netlist_design import CLOCK, Design

from zynq_lstm.hw.netlist import read_netlist, summarize
from zynq_lstm.quant.errors import UserError


@pytest.fixture
def design() -> Design:
    return Design()


def test_names(design: Design) -> None:
    design.instance("a", "a.b.0")
    (bit,) = design.nets(1, "$hidden")
    assert design.netlist().name(bit) == "$hidden"
    design.alias("a.b.0.q", [2, bit])
    design.alias("a.sum", [bit])
    netlist = design.netlist()
    assert netlist.names(bit) == ["a.b.0.q[1]", "a.sum"]
    assert netlist.name(bit) == "a.sum"
    assert netlist.scope_of("a.b.0.q[1]") == "a.b.0"
    assert netlist.scope_of(r"$flatten\a.\b.0.$auto$x.y") == "a.b.0"
    assert netlist.chain("a.b.0") == ["a.b.0", "a"]
    assert netlist.pattern("a.b.0.q4[1]") == "a.b.#.q4"
    design.cell("LUT1", r"$flatten\a.\b.0.$lut", I0=CLOCK, O=bit)
    assert design.netlist().name(bit) == "a.b.0.q[1]"


def test_label_tells_where_a_nameless_net_comes_from(design: Design) -> None:
    a, b, c, d = (design.register("0", name) for name in "abcd")
    first = design.lut(a, b, b)
    second = design.lut(a, b, c, d, first)
    design.alias("$abc$1$lut", [first])
    third = design.lut(first)
    labels = [design.netlist().label(bit) for bit in (a, first, second, third)]
    assert labels == ["a", "LUT3(a, b)", "LUT5(a, b, c, ...)", "LUT1(...)"]


def test_many_sentences_become_few() -> None:
    found = [(str(k % 22), f"Sentence {k}") for k in range(30)]
    sentences = summarize(found, "of them")
    assert sentences[0] == "Sentence 0 (the first of 2 alike)"
    assert sentences[19] == "Sentence 19"
    assert sentences[20:] == ("There are 2 more of them",)


def test_reading_needs_the_module(tmp_path: Path, design: Design) -> None:
    path = tmp_path / "netlist.json"
    design.register("0")
    path.write_text(json.dumps({"modules": {"top": design.module}}), encoding="utf-8")
    assert len(read_netlist(path, "top").cells) == 1
    with pytest.raises(UserError, match=r"^The netlist must contain the module other, but netl"):
        read_netlist(path, "other")
