"""Packages that are not needed everywhere: the command that installs those of an extra.

It names the packages themselves, as the installed metadata does, and not ``zynq-lstm[extra]``: so
it is right in a clone, for a wheel from a file and where no index knows the project.
"""

from __future__ import annotations

import re
import shlex
import sys
from importlib.metadata import PackageNotFoundError, requires

DISTRIBUTION = "zynq-lstm"
_OF_AN_EXTRA = re.compile(r"""(?P<package>[^;]+?)\s*;\s*extra\s*==\s*["'](?P<extra>[^"']+)["']""")


def install_command(*extras: str) -> str:
    """Return the command line by which this Python gets the packages of some extras.

    Parameters
    ----------
    *extras : str
        Names in ``pyproject.toml``.
    """
    packages = [shlex.quote(package) for package in _packages(extras)]
    return " ".join([shlex.quote(sys.executable or "python"), "-m", "pip", "install", *packages])


def _packages(extras: tuple[str, ...]) -> list[str]:
    """Requirements of the extras, each once; where nothing is known of one, the source tree's."""
    try:
        lines = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        lines = []
    found = [match for line in lines if (match := _OF_AN_EXTRA.fullmatch(line))]
    if not {match["extra"] for match in found}.issuperset(extras):
        return [f".[{','.join(extras)}]"]
    return list(dict.fromkeys(m["package"] for e in extras for m in found if m["extra"] == e))
