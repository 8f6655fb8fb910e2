"""The known ways to an accelerator, by name.

A transport outside this package is imported when it is asked for, and only then: what runs on a
board must not need a simulator.
"""

from __future__ import annotations

import importlib
from typing import Any, cast

from zynq_lstm.host.golden import GoldenTransport
from zynq_lstm.host.transport import Transport
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.image import Image

SIMULATION = "zynq_lstm.sim.transport"
BACKENDS = ("golden", "sim")


def open_transport(name: str, image: Image, **options: Any) -> Transport:
    """Make the transport called `name`, with the image loaded.

    Parameters
    ----------
    name : str
        ``"golden"``, the integer model in numpy, or ``"sim"``, the emitted Verilog in simulation.
    image : Image
        The model.
    **options
        Arguments of the transport: none for ``"golden"``; for ``"sim"`` those of
        `zynq_lstm.sim.transport.SimulatedTransport`, where ``config`` is by default the image's.

    Raises
    ------
    UserError
        When there is no such backend, what it needs is not installed, or it cannot take the image.
    """
    transport: Transport
    if name == "golden":
        transport = GoldenTransport(**options)
    elif name == "sim":
        options = {"config": image.config, **options}
        transport = cast(Transport, _simulation().SimulatedTransport(**options))
    else:
        raise UserError(f"Backend must be one of {', '.join(BACKENDS)}, not {name!r}")
    try:
        transport.load(image)
    except BaseException:
        transport.close()
        raise
    return transport


def _simulation() -> Any:
    try:
        return importlib.import_module(SIMULATION)
    except ModuleNotFoundError as error:
        raise UserError(
            f"Backend sim needs the module {error.name}, which is not installed; "
            "install it with pip install 'zynq-lstm[hw,sim]'"
        ) from error
