"""What a self-test says: a check for each thing that was tested, and all of them together."""

from __future__ import annotations

from dataclasses import dataclass

from zynq_lstm.host.suspects import Suspect


@dataclass(frozen=True)
class Check:
    """One thing that was tested.

    Parameters
    ----------
    name : str
        What.
    difference : str or None
        The first difference, as a sentence; ``None`` where there is none.
    suspects : tuple of Suspect
        Units each of which alone explains all differences, with their faults; where none is known
        to, the weight memories of which the hardware has noticed wrong words, if any.
    """

    name: str
    difference: str | None
    suspects: tuple[Suspect, ...] = ()

    @property
    def passed(self) -> bool:
        """There is no difference."""
        return self.difference is None

    def __str__(self) -> str:
        if self.passed:
            return f"{self.name}: passed"
        named = f" [{' or '.join(map(str, self.suspects))}]" if self.suspects else ""
        return f"{self.name}: {self.difference}{named}"


@dataclass(frozen=True)
class Report:
    """What a self-test has found; as a text, a line a check.

    Parameters
    ----------
    checks : tuple of Check
        In the order of the tests: the first difference is the nearest to its cause.
    """

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """All checks have."""
        return all(check.passed for check in self.checks)

    @property
    def first_difference(self) -> str | None:
        """The first difference of all, with the check that has found it."""
        for check in self.checks:
            if not check.passed:
                return str(check)
        return None

    @property
    def suspects(self) -> tuple[Suspect, ...]:
        """What has failed, by the first check that can tell; several where it is one of them."""
        return next((check.suspects for check in self.checks if check.suspects), ())

    def __str__(self) -> str:
        return "\n".join(map(str, self.checks))
