"""A link with nothing behind it but the register table and the golden model, and faults to order.

What a run gives comes from `GoldenModel`; registers behave as `quant.registers` says; time passes
with waits and accesses. It is for tests of the driver: what the hardware does is tested elsewhere.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from random_models import vocabulary

from zynq_lstm.host import packets
from zynq_lstm.host.link import LinkError
from zynq_lstm.quant.config import GATES, Config
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.layout import header_word, is_sealed, payload_words
from zynq_lstm.quant.protocol import Error, Mode
from zynq_lstm.quant.registers import (
    COUNTERS,
    REGISTERS,
    Access,
    AccessError,
    constants,
    register,
    register_at,
)
from zynq_lstm.quant.state import State

Bytes = NDArray[np.uint8]

ACCESS_CYCLES = 20
START_ACCESSES, POLL_ACCESSES = 5, 2
"""Of a DMA engine's registers, when a transfer begins and when it is asked for its end."""

RUN_CYCLES = 355
"""Of a run, beyond its characters."""

ABORT_CYCLES = 5000


class FakeLink:
    """An accelerator of a configuration, with registers and two streams.

    Attributes that plant faults: ``stuck`` (a run never ends), ``deaf`` (nor when it is aborted),
    ``broken`` (nor by a soft reset), ``lost_end`` (the answer's end never comes), ``spoil`` (what
    is done to packets on their way in), ``shorten`` (bytes that each answer lacks),
    ``refuse_send``, ``refuse_accept``, ``fail_sent`` and ``fail_accepted`` (how often the DMA
    engine reports an error), ``silent`` (no access is answered), ``overrides`` (what registers
    read), ``flipped`` and ``broken_memories`` (banks of which the check of the weight
    memories finds a wrong word, until a load and for ever), ``unchecked`` (of which it finds none).
    """

    def __init__(self, config: Config, *, largest_packet: int = 1 << 22, prompt_piece: int = 8):
        self.config = config
        self.largest_packet, self.prompt_piece = largest_packet, prompt_piece
        self.prompt_cycles = 1 << 20
        self.accesses = 0
        self.transfers = 0
        self.modes: list[Mode] = []
        self.closed = False
        self.stuck = self.deaf = self.broken = self.lost_end = self.silent = False
        self.spoil: Callable[[Bytes], Bytes] | None = None
        self.shorten = 0
        self.refuse_send = self.refuse_accept = self.fail_sent = self.fail_accepted = 0
        self.overrides: dict[str, int] = {}
        self.flipped: set[int] = set()
        self.broken_memories: set[int] = set()
        self.unchecked: set[int] = set()
        self._inverted = False
        self.counts = dict.fromkeys(COUNTERS, 0)
        self._now = 0
        self._random = np.random.default_rng(5)
        self._into: list[Bytes] = []
        self._out: list[Bytes] = []
        self._room: int | None = None
        self._soft_reset()

    # What a `Link` does.

    def read(self, offset: int) -> int:
        self._pass()
        r = register_at(offset)
        if r is None or r.access == Access.WO:
            return 0
        if r.name in self.overrides:
            return self.overrides[r.name]
        return self._value(r.name)

    def write(self, offset: int, value: int) -> None:
        assert type(value) is int and 0 <= value < 1 << 32
        self._pass()
        r = register_at(offset)
        if r is None or r.access == Access.RO:
            self._error |= AccessError.READ_ONLY
        elif r.name == "CONTROL":
            self._control(value)
        elif r.access == Access.W1C:
            if r.name == "ERROR":
                self._error &= ~value
            elif r.name == "IRQ_PENDING":
                self._done &= ~value
            else:
                self._faults &= ~(value << 32 if r.name == "MEMORY_FAULTS_HIGH" else value)
        elif r.while_idle and self._run is not None:
            self._error |= AccessError.BUSY
        else:
            self._registers[r.name] = value & ((1 << r.width) - 1)

    def send(self, packet: Bytes) -> None:
        self.accesses += START_ACCESSES
        self.transfers += 1
        assert 0 < len(packet) <= self.largest_packet
        if self.refuse_send:
            self.refuse_send -= 1
            raise LinkError("DMA channel must be idle; it is not")
        assert not self._into, "a packet at a time"
        data = packet.copy()
        self._into.append(data if self.spoil is None else self.spoil(data))
        self._advance()

    def accept(self, size: int) -> None:
        self.accesses += START_ACCESSES
        self.transfers += 1
        assert 0 < size <= self.largest_packet
        if self.refuse_accept:
            self.refuse_accept -= 1
            raise LinkError("DMA channel must be idle; it is not")
        assert self._room is None, "a packet at a time"
        self._room = size

    def sent(self) -> bool:
        self.accesses += POLL_ACCESSES
        if self.fail_sent:
            self.fail_sent -= 1
            raise LinkError("DMA reports a decode error")
        self._advance()
        return not self._into

    def accepted(self) -> Bytes | None:
        self.accesses += POLL_ACCESSES
        if self.fail_accepted:
            self.fail_accepted -= 1
            raise LinkError("DMA reports an internal error")
        self._advance()
        if self._room is None or not self._out or self.lost_end:
            return None
        answer, self._room = self._out.pop(0), None
        return answer[: len(answer) - self.shorten]

    def wait(self, cycles: int) -> None:
        assert cycles >= 0
        self._now += cycles
        self._advance()

    def elapsed(self) -> int:
        return self._now

    def reset(self) -> None:
        self._into, self._room = [], None

    def close(self) -> None:
        self.closed = True

    # What is behind it.

    def leave(self) -> None:
        """Be as a host leaves it that is killed in a run, with a packet half sent."""
        self._registers["MODE"] = int(Mode.WRITE_STATE)
        self._start()
        self._out.append(np.arange(5, dtype=np.uint8))
        self._room = 8

    def steps_per_character(self) -> int:
        return self.config.steps(self._model.symbols) if self._model else 0

    def cycles_per_character(self) -> int:
        """As a large accelerator has them: its multipliers work in all of them."""
        return self.steps_per_character()

    def _pass(self) -> None:
        self.accesses += 1
        if self.silent:
            raise LinkError("A read must be answered; it is not")
        self._now += ACCESS_CYCLES
        self._advance()

    def _value(self, name: str) -> int:
        loaded, model = self._model is not None, self._model
        status = {"BUSY": self._run is not None, "LOADED": loaded, "DONE": self._done}
        values = {
            **constants(self.config),
            **self._registers,
            **{counter.upper(): count % 2**32 for counter, count in self.counts.items()},
            "ERROR": self._error,
            "IRQ_PENDING": self._done,
            "MEMORY_FAULTS_LOW": self._faults & 0xFFFF_FFFF,
            "MEMORY_FAULTS_HIGH": self._faults >> 32,
            "SYMBOLS": model.symbols if model else 0,
            "IMAGE_CRC": model.image.payload_crc if model else 0,
            "STATUS": sum(
                field.place(int(bool({**status, "FAILED": self._error}[field.name])))
                for field in register("STATUS").fields
            ),
        }
        return values[name]

    def _control(self, value: int) -> None:
        control = register("CONTROL")
        if control.field("SOFT_RESET").of(value):
            self._soft_reset()
        elif control.field("ABORT").of(value) and self._run is not None and not self.deaf:
            self._error |= Error.ABORTED
            self._finish_at = self._now + ABORT_CYCLES
            self._answer = None
            self._model_state_is_lost()
        elif control.field("START").of(value):
            if self._run is not None:
                self._error |= AccessError.BUSY
            else:
                self._start()

    def _start(self) -> None:
        self._done = 0
        self._error &= AccessError.BUSY | AccessError.READ_ONLY
        self._run = Mode(self._registers["MODE"])
        self.modes.append(self._run)
        self._finish_at: int | None = None
        self._answer: Bytes | None = None
        self._advance()

    def _soft_reset(self) -> None:
        if not (self.broken and hasattr(self, "_run")):
            self._run: Mode | None = None
        self._registers = {r.name: r.reset or 0 for r in REGISTERS if r.access == Access.RW}
        self._model: GoldenModel | None = None
        self._error = self._done = self._faults = 0
        self._out = []
        self.counts = dict.fromkeys(COUNTERS, 0)

    def _model_state_is_lost(self) -> None:
        if self._model is not None:
            shape = self._model.state.h.shape
            h = self._random.integers(-127, 128, shape).astype(np.int8)
            self._model.state = State(h, self._random.integers(-999, 999, shape).astype(np.int16))

    def _advance(self) -> None:
        mode = self._run
        if mode is None:
            return
        if self._finish_at is None:
            takes = mode not in (Mode.READ_STATE, Mode.RESET_STATE)
            if self.stuck or (takes and not self._into):
                return
            packet = self._into.pop(0) if takes else np.zeros(0, np.uint8)
            before = self.counts["characters"]
            error, self._answer = self._execute(mode, packet)
            self._error |= error
            characters = self.counts["characters"] - before
            cycles = characters * self.cycles_per_character()
            self.counts["cycles"] += cycles
            self.counts["steps"] += characters * self.steps_per_character()
            self._finish_at = self._now + cycles + len(packet) // 4 + RUN_CYCLES
        elif self._now >= self._finish_at:
            self._run, self._done = None, 1
            if self._answer is not None:
                self._out.append(self._answer)

    def _execute(self, mode: Mode, packet: Bytes) -> tuple[Error, Bytes | None]:
        if mode == Mode.LOAD:
            return self._load(packet), None
        if self._model is None and mode in (Mode.GENERATE, Mode.LOGITS, Mode.SCORE):
            return Error.NOT_LOADED, np.zeros(0, np.uint8)
        state = self._hidden_state()
        if mode == Mode.READ_STATE:
            return Error(0), packets.pack_state(state)
        if mode == Mode.RESET_STATE:
            self._set_state(State.zeros(self.config.layers, self.config.hidden))
            return Error(0), None
        if mode == Mode.WRITE_STATE:
            if len(packet) != 8 * self.config.hidden:
                return Error.PACKET, None
            self._set_state(packets.unpack_state(packet, self.config.layers))
            return Error(0), None
        assert self._model is not None
        return self._compute(self._model, mode, packet)

    def _compute(self, model: GoldenModel, mode: Mode, packet: Bytes) -> tuple[Error, Bytes | None]:
        inputs, outputs = self._registers["INPUTS"], self._registers["OUTPUTS"]
        nothing = np.zeros(1, np.uint8)
        if not inputs or (mode == Mode.GENERATE and not outputs):
            return Error.LENGTH, nothing
        if len(packet) != inputs + (mode == Mode.SCORE):
            return Error.PACKET, nothing
        if packet.max() >= model.symbols:
            return Error.SYMBOL, nothing
        self.counts["characters"] += inputs
        error = self._check_memories()
        if mode == Mode.SCORE:
            return error, model.score(packet).astype("<u2").view(np.uint8)
        if mode == Mode.LOGITS:
            lanes = self.config.output_rows(model.symbols) * GATES
            rows = self._random.integers(-99, 99, (inputs, lanes)).astype("<i2")
            rows[:, : model.symbols] = model.logits(packet)
            return error, rows.reshape(-1).view(np.uint8)
        self.counts["characters"] += outputs - 1
        seed = self._registers["SEED_HIGH"] << 32 | self._registers["SEED_LOW"]
        return error, model.generate(packet, outputs, self._registers["TEMPERATURE"], seed)

    def _check_memories(self) -> Error:
        """Each word of each weight memory is read."""
        every = set(range(self.config.banks))
        wrong = every if self._inverted else self.flipped | self.broken_memories
        noticed = sum(1 << bank for bank in wrong - self.unchecked)
        self._faults |= noticed
        fails = register("MEMORY_CHECK").field("FAIL").of(self._registers["MEMORY_CHECK"])
        return Error.MEMORY if noticed and fails else Error(0)

    def _load(self, packet: Bytes) -> Error:
        self._faults = 0
        words = packet[: len(packet) // 8 * 8].view("<u8").astype(np.uint64)
        symbols = int(words[0]) & 0xFFFF
        if int(words[0]) != header_word(self.config, symbols) or symbols > self.config.symbols:
            return Error.IMAGE
        self._model = None
        if len(words) != payload_words(self.config, symbols) or len(packet) % 8:
            return Error.IMAGE
        if not is_sealed(words):
            return Error.CRC
        self.flipped.clear()
        check = self._registers["MEMORY_CHECK"]
        self._inverted = bool(register("MEMORY_CHECK").field("INVERT").of(check))
        self._model = GoldenModel(Image(self.config, vocabulary(symbols), words, {}))
        self._model_state_is_lost()
        return Error(0)

    def _hidden_state(self) -> State:
        if self._model is None:
            return State.zeros(self.config.layers, self.config.hidden)
        return self._model.state

    def _set_state(self, state: State) -> None:
        if self._model is not None:
            self._model.state = state
