"""What stands behind a link: whether it is this accelerator, and of which sizes."""

from __future__ import annotations

from zynq_lstm.host.link import Link
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.registers import IDENTITY, VERSION, register


def identify(link: Link) -> Config:
    """Read the constant registers.

    Returns
    -------
    Config
        Sizes of the accelerator.

    Raises
    ------
    UserError
        When it is another circuit, or one that this driver does not understand.
    LinkError
        When it does not answer.
    """
    found = link.read(register("IDENTITY").offset)
    if found != IDENTITY:
        raise UserError(
            f"Accelerator must read {IDENTITY:08x} in its register IDENTITY, not {found:08x}; "
            "another circuit is loaded: load a bitstream of zynq-lstm"
        )
    _check_version(link.read(register("VERSION").offset))
    sizes, more = register("CONFIG"), register("CONFIG2")
    size, size2 = link.read(sizes.offset), link.read(more.offset)
    try:
        config = Config(
            hidden=sizes.field("HIDDEN").of(size),
            layers=sizes.field("LAYERS").of(size),
            symbols=sizes.field("CAPACITY").of(size),
            multipliers=more.field("MULTIPLIERS").of(size2),
            dsp_pairs=more.field("DSP_PAIRS").of(size2),
        )
    except UserError as error:
        raise UserError(
            f"Accelerator must have sizes that zynq-lstm knows, but its registers CONFIG and "
            f"CONFIG2 read {size:08x} and {size2:08x}: {error}"
        ) from None
    found = link.read(register("CONFIG_HASH").offset)
    if found != config.layout_hash:
        raise UserError(
            f"Accelerator ({config.describe()}) must have the layout hash {config.layout_hash:08x} "
            f"in its register CONFIG_HASH, not {found:08x}; "
            "take bitstream and package from the same release"
        )
    return config


def _check_version(found: int) -> None:
    major, minor = register("VERSION").field("MAJOR"), register("VERSION").field("MINOR")
    if major.of(found) != major.of(VERSION) or minor.of(found) < minor.of(VERSION):
        raise UserError(
            f"Accelerator must have registers of version {major.of(VERSION)}.{minor.of(VERSION)} "
            f"or a later {major.of(VERSION)}.x, not {major.of(found)}.{minor.of(found)}; "
            "take bitstream and package from the same release"
        )
