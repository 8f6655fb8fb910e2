"""Finished runs, a line each in a file, so that an interrupted soak goes on where it was.

A run counts as finished for the simulator that played it and for the model's image; a line that
was cut off by a crash counts for nothing. Whoever changes the golden model deletes the file.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Done:
    """A finished run.

    Parameters
    ----------
    number : int
        The run's.
    simulator : str
        Name of the compiled simulator, a digest of Verilog, harness and tools.
    image : int
        CRC-32 of the image's payload.
    characters : int
    seconds : float
        Of wall clock, simulator and golden model.
    """

    number: int
    simulator: str
    image: int
    characters: int
    seconds: float

    @property
    def key(self) -> tuple[int, str, int]:
        """What must be the same for it to count."""
        return self.number, self.simulator, self.image


class Journal:
    """The file.

    Parameters
    ----------
    path : Path
        Made at need, with its folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: dict[tuple[int, str, int], Done] = {}
        text = path.read_text() if path.exists() else ""
        whole, _, torn = text.rpartition("\n")
        for line in whole.splitlines():
            done = Done(**json.loads(line))
            self._done[done.key] = done
        path.parent.mkdir(parents=True, exist_ok=True)
        if torn:
            path.write_text(whole + "\n" if whole else "")

    def find(self, number: int, simulator: str, image: int) -> Done | None:
        """Return a finished run, ``None`` where it is not."""
        return self._done.get((number, simulator, image))

    def add(self, done: Done) -> None:
        """Write a finished run down before anything else is done."""
        self._done[done.key] = done
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(done)) + "\n")
            file.flush()
            os.fsync(file.fileno())
