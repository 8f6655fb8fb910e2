"""The register table: consistent in itself, with the protocol and with its documentation."""

from pathlib import Path

import pytest

from zynq_lstm.quant import registers
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.formats import TEMPERATURE
from zynq_lstm.quant.protocol import Error, Mode
from zynq_lstm.quant.register_documentation import render_markdown
from zynq_lstm.quant.registers import (
    DATA_BITS,
    REGISTERS,
    WORD_BYTES,
    Access,
    AccessError,
    Field,
    constants,
    register,
    register_at,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "registers.md"
EACH = pytest.mark.parametrize("one", REGISTERS, ids=lambda r: r.name)


def test_the_documentation_is_the_table() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == render_markdown(), (
        "write it anew: python -m zynq_lstm.quant.register_documentation > docs/registers.md"
    )


def test_names_and_offsets_are_unique_and_in_order() -> None:
    assert len({r.name for r in REGISTERS}) == len(REGISTERS)
    offsets = [r.offset for r in REGISTERS]
    assert offsets == sorted(set(offsets))


@EACH
def test_a_register_is_well_formed(one) -> None:
    assert one.name == one.name.upper() and one.attribute.isidentifier()
    assert one.offset % WORD_BYTES == 0
    assert 0 <= one.offset < 1 << registers.ADDRESS_BITS
    assert 1 <= one.width <= DATA_BITS
    assert one.reset is None or 0 <= one.reset < 1 << one.width
    assert one.reset is not None or one.access == Access.RO
    assert one.meaning and "|" not in one.meaning
    assert not one.while_idle or one.access == Access.RW


@EACH
def test_fields_lie_in_their_register_without_overlap(one) -> None:
    used = 0
    for field in one.fields:
        assert field.width >= 1 and field.low + field.width <= one.width
        assert not used & field.mask
        used |= field.mask
        assert one.field(field.name) is field


@EACH
def test_look_up(one) -> None:
    assert register(one.name) is one
    assert register_at(one.offset) is one


def test_look_up_of_what_is_not_there() -> None:
    assert register_at(0xFFC) is None
    with pytest.raises(UserError, match=r"Register must be one of IDENTITY, .*, not 'NONE'"):
        register("NONE")
    with pytest.raises(UserError, match=r"Field of CONTROL must be one of START, .*, not 'NONE'"):
        register("CONTROL").field("NONE")


def test_field() -> None:
    field = Field("NAME", 4, 3, "meaning")
    assert field.mask == 0x70
    assert [field.of(field.place(value)) for value in range(8)] == list(range(8))
    assert field.of(0xFFFF_FF8F) == 0
    for value in (-1, 8):
        with pytest.raises(UserError, match=f"Field NAME must be of 3 bits, not {value}"):
            field.place(value)


def test_every_error_has_its_bit() -> None:
    fields = {field.name: field.mask for field in register("ERROR").fields}
    assert fields == {e.name: int(e) for e in (*Error, *AccessError)}
    assert not any(e & registers.RUN_ERRORS for e in AccessError)
    assert all(e & registers.RUN_ERRORS for e in Error)
    assert all(field.meaning[0].isupper() for field in register("ERROR").fields)
    assert not any("protocol" in field.meaning for field in register("ERROR").fields)


def test_every_mode_is_told_and_fits() -> None:
    for mode in Mode:
        assert f"{int(mode)} {mode.name}" in register("MODE").meaning
        assert int(mode) < 1 << register("MODE").width


def test_temperature_has_its_format() -> None:
    assert register("TEMPERATURE").width == TEMPERATURE.bits
    assert "Q4.12" in register("TEMPERATURE").meaning


@pytest.mark.parametrize(
    "config", [Config(), Config(symbols=256), Config(16, 1, 16, 64), Config(64, 2, 4, 128, 0)]
)
def test_constants(config) -> None:
    values = constants(config)
    assert values["IDENTITY"] == 0x5A4C5354
    assert values["VERSION"] == 0x0001_0002
    assert values["CONFIG_HASH"] == config.layout_hash
    sizes, more = register("CONFIG"), register("CONFIG2")
    assert sizes.field("HIDDEN").of(values["CONFIG"]) == config.hidden
    assert sizes.field("LAYERS").of(values["CONFIG"]) == config.layers
    assert sizes.field("CAPACITY").of(values["CONFIG"]) == config.symbols
    assert more.field("MULTIPLIERS").of(values["CONFIG2"]) == config.multipliers
    assert more.field("DSP_PAIRS").of(values["CONFIG2"]) == config.dsp_pairs
    for name, value in values.items():
        assert register(name).access == Access.RO and 0 <= value < 1 << register(name).width


def test_what_is_constant_and_what_is_not() -> None:
    assert set(constants(Config())) < {r.name for r in REGISTERS if r.access == Access.RO}
    for r in REGISTERS:
        if r.name in constants(Config()):
            assert r.reset in (None, constants(Config())[r.name])
