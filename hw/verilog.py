"""Verilog of an accelerator: one module for the whole, one for each block, one for block RAMs."""

import re
from pathlib import Path

from amaranth.back import verilog
from amaranth.hdl import ClockDomain, Fragment

from zynq_lstm.hw.accelerator import require_hardware
from zynq_lstm.hw.blocks import VerilogPlatform, ports
from zynq_lstm.hw.system import System
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import write_together
from zynq_lstm.quant.memory_files import write_memory_files

TOP = "zynq_lstm"
RAM_SOURCE = Path(__file__).with_name("ram.v")


def convert(config, **options):
    """Verilog text of an accelerator behind its registers; blocks first, each once, then the top.

    Parameters
    ----------
    config : Config
    options
        As for `System`.

    Returns
    -------
    dict of str to str
        File name to text.

    Raises
    ------
    UserError
        When the configuration has no hardware.
    """
    require_hardware(config)  # before there are components, which Amaranth wants used
    platform = VerilogPlatform()
    files = {
        "zynq_lstm_ram.v": RAM_SOURCE.read_text(),
        f"{TOP}.v": _emit(System(config, **options), TOP, platform, own_domain=True),
    }
    emitted = set()
    while waiting := [n for n in platform.blocks if n not in emitted]:
        for name in waiting:
            block = platform.blocks[name]
            text = _emit(block, name, platform)
            files[f"{name}.v"] = _kept(text, name) if block.kept else text
            emitted.add(name)
    return files


def _emit(component, name, platform, *, own_domain=False):
    signals = [signal for _, _, signal in ports(component)]
    fragment = Fragment.get(component, platform)
    if not own_domain:
        domain = ClockDomain("sync", reset_less=not component.resets)
        fragment.add_domains(domain)
        signals = [domain.clk, *([domain.rst] if component.resets else []), *signals]
    try:
        return verilog.convert(
            fragment, name=name, ports=signals, emit_src=False, strip_internal_attrs=True
        )
    except verilog.YosysError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = " ".join(lines[-3:])
        raise UserError(
            f"Amaranth's Yosys must be able to run; it is not: {reason}. Where it names a cache "
            "folder, set XDG_CACHE_HOME to the full path of one that can be written"
        ) from None


def _kept(text, name):
    """Mark a block's module as hierarchy to be kept, for Yosys and Vivado."""
    pattern = re.compile(rf"^module {name}\(", re.MULTILINE)
    marked, count = pattern.subn(f'(* keep_hierarchy = "yes" *)\nmodule {name}(', text)
    if count != 1:
        raise RuntimeError(f"Module {name} must be in its Verilog once, not {count} times")
    return marked


def write_verilog(config, directory, *, image=None):
    """Write an accelerator's Verilog.

    Parameters
    ----------
    config : Config
    directory : path
        Made if it does not exist.
    image : Image, optional
        A model to be there at power-on; its memory files are written too.

    Returns
    -------
    list of Path
        The Verilog files, top last.

    Raises
    ------
    UserError
        When the directory cannot be written, or the image is of another configuration.
    """
    directory = Path(directory)
    options = {}
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"Output folder {directory} must be writable: {error.strerror}; choose another"
        ) from None
    if image is not None:
        if image.config.layout_hash != config.layout_hash or image.symbols > config.symbols:
            raise UserError(
                f"The image must be made for {config.describe()}, not for {image.config.describe()}"
            )
        options = {
            "init_files": write_memory_files(image, directory, config=config),
            "symbols": image.symbols,
            "crc": image.payload_crc,
        }
    texts = convert(config, **options)
    paths = [directory / name for name in sorted(texts, key=lambda n: (n == f"{TOP}.v", n))]
    write_together({path: texts[path.name] for path in paths})
    return paths
