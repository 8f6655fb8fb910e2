"""One command at a time: registers, packets and the wait for its end, each with a limit.

    accept ─ registers that changed ─ START ─ send ─ wait ─ STATUS ─ sent, accepted

The accelerator is asked as seldom as can be, for over a board's bus each access costs some ten
microseconds: the registers of commands are remembered, the first wait is about as long as the work
must take, and those behind it grow. A time limit ends a wait only when the accelerator was found
busy after the limit had passed, so that a host that was stopped meanwhile mistakes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zynq_lstm.host.identity import identify
from zynq_lstm.host.link import Bytes, Link, LinkError
from zynq_lstm.quant.protocol import Error, Mode
from zynq_lstm.quant.registers import COUNTERS, DATA_BITS, REGISTERS, register

SLACK_CYCLES = 1_000_000
"""Beyond the work itself, 7 ms: a memory that is slow to answer, a link's first access."""

SLOWNESS = 4
"""How many times the work's own cycles a command may take."""

ABORT_CYCLES = 1 << 15
"""In which an aborted command ends, though its packet stops in the middle."""

FIRST_PAUSE, LEAST_LAST_PAUSE = 256, 4096
"""Cycles of the second wait for an end; what waits may grow to in any case."""

_COUNTER_RANGE = 1 << 32

_CONTROL, _STATUS, _ERROR = register("CONTROL"), register("STATUS"), register("ERROR")
_MEMORY_CHECK = register("MEMORY_CHECK")


class CommandError(RuntimeError):
    """A command failed, or did not end in time; the text is a sentence for people."""


class WrongWordsError(CommandError):
    """A run has read words of weight memories other than those loaded.

    Parameters
    ----------
    sentence : str
    memories : tuple of int
        Banks of these memories.
    """

    def __init__(self, sentence: str, memories: tuple[int, ...]) -> None:
        super().__init__(sentence)
        self.memories = memories


@dataclass(frozen=True)
class Command:
    """A command.

    Parameters
    ----------
    mode : Mode
    cycles : int
        Clock cycles that it takes at least.
    slowest : int
        Clock cycles that it takes at most while its packets flow.
    packet : ndarray of uint8, optional
        What goes in.
    answer : int
        Bytes that come out.
    inputs, outputs, temperature, seed : int
        As the registers say.
    """

    mode: Mode
    cycles: int
    slowest: int
    packet: Bytes | None = None
    answer: int = 0
    inputs: int = 0
    outputs: int = 0
    temperature: int = 0
    seed: int = 1

    @property
    def limit(self) -> int:
        """Clock cycles after which it counts as stuck."""
        return SLOWNESS * self.slowest + SLACK_CYCLES

    @property
    def registers(self) -> dict[str, int]:
        """Values of the registers that matter to its mode."""
        values = {"MODE": int(self.mode)}
        if self.inputs:
            values["INPUTS"] = self.inputs
        if self.mode == Mode.GENERATE:
            values |= {
                "OUTPUTS": self.outputs,
                "TEMPERATURE": self.temperature,
                "SEED_LOW": self.seed & 0xFFFF_FFFF,
                "SEED_HIGH": self.seed >> 32,
            }
        return values


class CommandPort:
    """The accelerator behind a link, as a machine that takes commands.

    Parameters
    ----------
    link : Link
        Whatever its last user left there, a run or half a packet, is cleared away.

    Attributes
    ----------
    memory_check : int
        What register MEMORY_CHECK must hold from the next command on, whatever is reset.

    Raises
    ------
    UserError
        When there is another circuit behind the link.
    CommandError, LinkError
        When it does not answer or cannot be reset.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self.config = identify(link)
        self._registers: dict[str, int] = {}
        self._totals = dict.fromkeys(COUNTERS, 0)
        self._counted: dict[str, int] | None = None
        self._uncounted = 0
        self._sending = self._holds_model = False
        self.memory_check = _MEMORY_CHECK.reset or 0
        self.reset()

    def execute(self, command: Command) -> Bytes | None:
        """Carry out a command.

        Returns
        -------
        ndarray of uint8, shape (answer,), or None
            What came out; ``None`` where nothing does.

        Raises
        ------
        CommandError
            When it failed; the accelerator may still be busy then.
        WrongWordsError
            When it failed for weight memories, where MEMORY_CHECK says so.
        LinkError
            When a transfer or an access failed.
        """
        if self._uncounted + command.limit >= _COUNTER_RANGE:
            self.counters()
        self._uncounted += command.limit
        if command.answer:
            self.link.accept(command.answer)
        for name, value in (command.registers | {_MEMORY_CHECK.name: self.memory_check}).items():
            if self._registers[name] != value:
                self._write(name, value)
                self._registers[name] = value
        self._control("START")
        if command.packet is not None:
            self.link.send(command.packet)
            self._sending = True
        self._await_end(command)
        self._until(self._sent, f"{command.mode.name}'s packet to go out")
        if not command.answer:
            return None
        return self._answer(command)

    def read(self, name: str) -> int:
        """Return a register."""
        return self.link.read(register(name).offset)

    def exchange(self, name: str, value: int) -> int:
        """Write a register, and return what it reads then."""
        self._write(name, value)
        return self.read(name)

    def faulty_memories(self) -> tuple[int, ...]:
        """Return the weight memories, by bank, that have read a wrong word since the load."""
        bits = self.read("MEMORY_FAULTS_LOW")
        if self.config.banks > DATA_BITS:
            bits |= self.read("MEMORY_FAULTS_HIGH") << DATA_BITS
        return tuple(bank for bank in range(self.config.banks) if bits >> bank & 1)

    def counters(self) -> dict[str, int]:
        """Return what the accelerator has counted since the port was opened; it never wraps."""
        now = {name: self.read(name.upper()) for name in COUNTERS}
        if self._counted is not None:
            for name, value in now.items():
                self._totals[name] += (value - self._counted[name]) % _COUNTER_RANGE
        self._counted, self._uncounted = now, 0
        return dict(self._totals)

    def reset(self) -> None:
        """Bring accelerator and streams to rest, whatever they are doing; no model is loaded then.

        Raises
        ------
        CommandError, LinkError
            When that does not succeed.
        """
        self._sending = self._holds_model = False
        if self._busy():
            self._control("ABORT")
            self._idle_within(ABORT_CYCLES)
        if self._counted is not None:
            self.counters()  # For a reset forgets them.
        # Before the accelerator, so that no rest of a packet comes to it afterwards; and after
        # it, for what it has given out meanwhile.
        self.link.reset()
        self._control("SOFT_RESET")
        self.link.reset()
        self._registers = {r.name: r.reset or 0 for r in REGISTERS if r.while_idle}
        self._counted, self._uncounted = dict.fromkeys(COUNTERS, 0), 0
        self._write("IRQ_ENABLE", 1)
        if not self._idle_within(ABORT_CYCLES):
            raise CommandError(
                f"Accelerator must be idle after a soft reset; its register STATUS reads "
                f"{self.read('STATUS'):#x}"
            )

    def _await_end(self, command: Command) -> None:
        status, passed = self._poll(command.cycles, command.limit)
        if _STATUS.field("BUSY").of(status):
            raise CommandError(
                f"{command.mode.name} must end within {command.limit:,} cycles; after {passed:,} "
                f"it has not: STATUS reads {status:#x}, {self._transfers(command)}"
            )
        if _STATUS.field("FAILED").of(status):
            raise self._failure(command)
        loaded = bool(_STATUS.field("LOADED").of(status))
        if self._holds_model and not loaded:
            raise CommandError(
                f"The accelerator must hold its model when {command.mode.name} ends; it has lost "
                "it, as after a reset by another program or another bitstream"
            )
        self._holds_model = loaded

    def _failure(self, command: Command) -> CommandError:
        """What ERROR says, as an error."""
        bits = self.read("ERROR")
        if not bits & Error.MEMORY:
            return CommandError(f"{command.mode.name} failed: {describe_errors(bits)}")
        memories = self.faulty_memories()
        memory = "weight memory" if len(memories) == 1 else "weight memories"
        which = ", ".join(map(str, memories)) or "(none is named)"
        others = bits & ~Error.MEMORY
        beside = f"; beside that: {describe_errors(others)}" if others else ""
        return WrongWordsError(
            f"{command.mode.name} failed: {memory} {which} gave words "
            "other than those loaded; a load mends bits that have flipped, and where this comes "
            f"again the memory is broken: run the self-test{beside}",
            memories,
        )

    def _poll(self, expected: int, limit: int) -> tuple[int, int]:
        """Wait until STATUS is not busy; return it, and the cycles that had passed before it."""
        begun = self.link.elapsed()
        pause, longest = FIRST_PAUSE, max(LEAST_LAST_PAUSE, expected // 8)
        self.link.wait(expected)
        while True:
            passed = self.link.elapsed() - begun
            status = self.read("STATUS")
            if not _STATUS.field("BUSY").of(status) or passed > limit:
                return status, passed
            self._sent()  # A transfer that failed ends the wait, not the limit.
            self.link.wait(pause)
            pause = min(2 * pause, longest)

    def _sent(self) -> bool:
        """Whether the packet has gone out, where there is one; not asked again once it has."""
        if self._sending and self.link.sent():
            self._sending = False
        return not self._sending

    def _transfers(self, command: Command) -> str:
        """How far a stuck command's packets have come, for people."""
        parts = []
        try:
            if command.packet is not None:
                gone = "has" if self.link.sent() else "has not"
                parts.append(f"its packet of {len(command.packet):,} bytes {gone} gone out")
            if command.answer:
                come = "has not" if self.link.accepted() is None else "has"
                parts.append(f"the answer of {command.answer:,} bytes {come} come")
        except LinkError as error:
            parts.append(str(error))
        return ", ".join(parts) or "and it has no packets"

    def _answer(self, command: Command) -> Bytes:
        answer: Bytes | None = None

        def came() -> bool:
            nonlocal answer
            answer = self.link.accepted()
            return answer is not None

        self._until(came, f"the end of {command.mode.name}'s answer of {command.answer:,} bytes")
        if answer is None or len(answer) != command.answer:
            found = 0 if answer is None else len(answer)
            raise CommandError(
                f"{command.mode.name}'s answer must have {command.answer:,} bytes, not {found:,}"
            )
        return answer

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for what follows an end at once: the last words are on their way."""
        begun, pause = self.link.elapsed(), FIRST_PAUSE
        while True:
            passed = self.link.elapsed() - begun
            if condition():
                return
            if passed > SLACK_CYCLES:
                raise CommandError(f"Waited {passed:,} cycles for {what}; it has not come")
            self.link.wait(pause)
            pause = min(2 * pause, SLACK_CYCLES // 8)

    def _idle_within(self, limit: int) -> bool:
        status, _ = self._poll(0, limit)
        return not _STATUS.field("BUSY").of(status)

    def _busy(self) -> bool:
        return bool(_STATUS.field("BUSY").of(self.read("STATUS")))

    def _control(self, command: str) -> None:
        self._write("CONTROL", _CONTROL.field(command).mask)

    def _write(self, name: str, value: int) -> None:
        self.link.write(register(name).offset, value)


def describe_errors(bits: int) -> str:
    """What the bits of register ERROR mean, for people."""
    meanings = [field.meaning for field in _ERROR.fields if field.of(bits)]
    return "; ".join(meanings) or f"ERROR reads {bits:#x}"
