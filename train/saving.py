"""Writing what a run has so far: where that finds no room, the run goes on and tries again.

Hours of training are worth more than the file that was to be written after one epoch of them. Only
what cannot be written at the end is an error.
"""

from __future__ import annotations

from collections.abc import Callable

from zynq_lstm.quant.errors import UserError


class Saving:
    """One file of a run.

    Parameters
    ----------
    warn : callable
        Told when the file cannot be written, once until it can be.

    Attributes
    ----------
    waiting : bool
        Something has yet to be written.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn, self._warned = warn, False
        self._write: Callable[[], None] | None = None

    @property
    def waiting(self) -> bool:
        """Tell whether something has yet to be written."""
        return self._write is not None

    def save(self, write: Callable[[], None]) -> None:
        """Try to write; what has waited until now is out of date."""
        self._write = write
        self.retry()

    def retry(self) -> None:
        """Try again to write what waits."""
        try:
            self.finish()
        except UserError as error:
            if not self._warned:
                self._warn(f"{error}. Training goes on; it tries again after each epoch")
            self._warned = True

    def finish(self) -> None:
        """Write what waits.

        Raises
        ------
        UserError
            When it cannot be written.
        """
        if self._write is not None:
            self._write()
        self._write, self._warned = None, False
