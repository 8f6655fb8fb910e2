"""Tests that need the package pynq are in an environment of their own: make test-pynq."""

import importlib.util

HAS_PYNQ = importlib.util.find_spec("pynq") is not None

collect_ignore = [] if HAS_PYNQ else ["on_pynq"]


def pytest_report_header() -> str | None:
    if HAS_PYNQ:
        return None
    return "tests/on_pynq: not collected, for pynq is not installed here; see make test-pynq"
