"""A live view of a text being generated: the text, and what the accelerator's counters say.

It belongs on a terminal; what it shows goes away at the end and the text alone remains.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

import zynq_lstm.host as host
from zynq_lstm.cli.figures import CLOCK_HZ, WITH_ENDS, characters_per_second

RECENT_SECONDS = 2.0
"""The speed shown is that of so long."""
FRAMES_PER_SECOND = 10
OTHER_LINES = 9
"""Lines of the view beside the text's."""


class LiveView:
    """What is shown while pieces of a text come.

    Parameters
    ----------
    session : Session
        Whose counters are shown.
    prompt : str
    length : int
        Characters that are to come.
    where : str
        Name of the backend.
    console : Console
    """

    def __init__(
        self, session: host.Session, prompt: str, length: int, where: str, console: Console
    ) -> None:
        self._session, self._prompt, self._length = session, prompt, length
        self._where, self._console = where, console
        self._text = ""
        self._came: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._symbols = 0

    def show(self, pieces: Iterator[str]) -> tuple[str, bool]:
        """Show pieces as they come.

        Returns
        -------
        text : str
        whole : bool
            False when Ctrl-C has ended it.
        """
        with Live(
            self.render(),
            console=self._console,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
        ) as live:
            try:
                for piece in pieces:
                    self.add(piece)
                    live.update(self.render())
            except KeyboardInterrupt:
                return self._text, False
        return self._text, True

    def add(self, piece: str) -> None:
        """Take a piece in."""
        self._text += piece
        self._symbols += len(self._session.image.vocabulary.encode(piece))
        now = time.monotonic()
        self._came.append((now, self._symbols))
        while len(self._came) > 2 and now - self._came[0][0] > RECENT_SECONDS:
            self._came.popleft()

    @property
    def rate(self) -> float | None:
        """Symbols a second, of late."""
        (begun, before), (now, symbols) = self._came[0], self._came[-1]
        return (symbols - before) / (now - begun) if now > begun else None

    def render(self) -> Panel:
        """The view as it is now."""
        return Panel(
            Group(self._shown_text(), "", self._figures()),
            title=self._session.image.config.describe(),
            subtitle="Ctrl-C ends it",
        )

    def _shown_text(self) -> Text:
        """The end of prompt and text, as much as there is room for."""
        width = max(1, self._console.width - 4)
        room = max(1, self._console.height - OTHER_LINES)
        whole = self._prompt + self._text
        tail = whole[-room * width :]
        text = Text(tail)
        text.stylize("bold", 0, max(0, len(self._prompt) - (len(whole) - len(tail))))
        return Text("\n").join(text.wrap(self._console, width)[-room:])

    def _figures(self) -> Table:
        counters = self._session.counters()
        unit = self._session.image.vocabulary.unit
        table = Table.grid(padding=(0, 2))
        done = f"{self._symbols:,} of {self._length:,}"
        table.add_row(f"{unit}s", done, ProgressBar(self._length, self._symbols, width=30))
        rate = f"{self.rate:,.0f} {unit}s/s" if self.rate is not None else "-"
        table.add_row("speed here", rate, f"on {self._where}")
        if counters.cycles is None or counters.startup is None or counters.steps is None:
            table.add_row("cycles", "-", f"{self._where} has no clock")
            return table
        # Of whole runs: their ends count, as they do for whoever waits for the text.
        whole = counters.cycles + counters.startup
        if not counters.characters or not whole:
            return table
        cycles, share = whole / counters.characters, counters.steps / whole
        there = f"{characters_per_second(cycles):,.0f} {unit}s/s at {CLOCK_HZ / 1e6:.2f} MHz"
        table.add_row("cycles", f"{cycles:.1f} a {unit}", there)
        table.add_row("multipliers", f"{share:.1%} busy", ProgressBar(1.0, share, width=30))
        table.add_row("", "", f"both {WITH_ENDS}")
        return table
